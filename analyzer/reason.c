/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reason.c - says why the process died. */
#include "analyzer/reason.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/instruction.h"
#include "analyzer/meanings.h"
#include "analyzer/places.h"
#include "store/keys.h"

enum {
    NEAR = 4096,       /* an operand of some size may begin this far before the fault */
    CODE_KERNEL = 128, /* SI_KERNEL: x86's general protection fault, which knows no address */
};

/* What is known while the sentence is being made. */
struct findings {
    struct modules *modules;
    struct core *core;
    const struct stack *stack;
    struct reason *reason;
    struct registers registers;
    struct instruction instruction;
    bool examined; /* `instruction` is known */
};

static void __attribute__((format(printf, 2, 3)))
say(struct findings *findings, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    free(findings->reason->sentence);
    if (vasprintf(&findings->reason->sentence, format, arguments) < 0)
        findings->reason->sentence = NULL;
    va_end(arguments);
}

static void __attribute__((format(printf, 2, 3)))
add_detail(struct findings *findings, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if (*c == '\n')
            *c = ' ';
    (void)bytes_printf(&findings->reason->details, "%s\n", text); /* without memory: left out */
}

/* The signal: siginfo knows it best; then the record, then the first thread. */
static void find_signal(struct findings *findings)
{
    struct reason *reason = findings->reason;
    const struct core *core = findings->core;
    const struct core_siginfo *siginfo = &core->siginfo;
    int64_t number;
    if (siginfo->present && siginfo->signal > 0) {
        reason->signal = siginfo->signal;
        reason->code = siginfo->code;
        reason->has_code = true;
        reason->has_address = signal_has_address(siginfo->signal, siginfo->code);
        reason->address = siginfo->address;
    } else {
        if (core->metadata && metadata_i64(core->metadata, KEY_SIGNAL, &number) == 0)
            reason->signal = (int)number;
        else if (core->thread_count)
            reason->signal = core->threads[0].signal;
        if (core->metadata && metadata_i64(core->metadata, KEY_SI_CODE, &number) == 0) {
            reason->code = (int)number;
            reason->has_code = true;
        }
    }
    signal_name(reason->signal_name, reason->signal);
}

static void find_instruction(struct findings *findings)
{
    struct reason *reason = findings->reason;
    const struct core *core = findings->core;
    if (!core->thread_count || !core->arch)
        return;
    core_thread_registers(core, &core->threads[0], &findings->registers);
    reason->instruction_size = modules_read(findings->modules, findings->registers.pc,
                                            reason->instruction, sizeof(reason->instruction));
    if (reason->instruction_size)
        findings->examined =
            instruction_examine(core->arch, reason->instruction, reason->instruction_size,
                                &findings->registers, reason->address, &findings->instruction);
}

static const char *access_verb(const struct findings *findings)
{
    static const char *const verbs[] = {"access to", "read of", "write to"};
    const struct instruction *instruction = &findings->instruction;
    uint64_t distance = findings->reason->address - instruction->address;
    bool fits = !instruction->has_address || distance < NEAR;
    return verbs[findings->examined && fits ? instruction->access : ACCESS_UNKNOWN];
}

static const char *register_name(const struct core *core, unsigned number)
{
    bool named = core->arch && number != REGISTER_NONE;
    for (size_t i = 0; named && i < core->arch->general.count; i++)
        if (core->arch->general.items[i].dwarf == number)
            return core->arch->general.items[i].name;
    return NULL;
}

/* "The address is in rax plus 0x8." */
static void blame_register(struct findings *findings, uint64_t address)
{
    const struct instruction *instruction = &findings->instruction;
    const char *name = register_name(findings->core, instruction->base);
    if (!findings->examined || !name || !instruction->has_address ||
        address - instruction->address >= NEAR)
        return;
    uint64_t value = findings->registers.value[instruction->base];
    if (instruction->offset)
        add_detail(findings, "the address comes from register %s, 0x%llx, %s 0x%llx", name,
                   (unsigned long long)value, instruction->offset < 0 ? "minus" : "plus",
                   (unsigned long long)(instruction->offset < 0 ? -instruction->offset
                                                                : instruction->offset));
    else
        add_detail(findings, "the address comes from register %s", name);
}

static void explain_jump(struct findings *findings, const struct place *place)
{
    unsigned long long address = findings->reason->address;
    switch (place->kind) {
    case PLACE_NULL:
        say(findings,
            address ? "segmentation fault: jump to 0x%llx, %s"
                    : "segmentation fault: jump to 0x%llx, a call through %s",
            address, place->text);
        break;
    case PLACE_MAPPED:
        say(findings, "segmentation fault: jump to 0x%llx, which is no code but lies %s", address,
            place->text);
        break;
    default:
        say(findings, "segmentation fault: jump to 0x%llx, %s%s", address,
            place->kind == PLACE_NONCANONICAL ? "" : "which lies ", place->text);
    }
}

/* A fault that the kernel gave no address for: the operand's is computed from the registers. */
static void explain_general_protection(struct findings *findings)
{
    const struct instruction *instruction = &findings->instruction;
    struct place place = {0};
    if (findings->examined && instruction->has_address) {
        uint64_t address = instruction->address;
        place_describe(findings->modules, address, &place);
        if (place.kind == PLACE_NONCANONICAL) {
            say(findings, "segmentation fault: %s 0x%llx, which is no valid address",
                instruction->access == ACCESS_WRITE ? "write to" : "read of",
                (unsigned long long)address);
            blame_register(findings, address);
            return;
        }
    }
    place_describe(findings->modules, findings->registers.pc, &place);
    say(findings,
        "segmentation fault: general protection at 0x%llx (a pointer that is no valid "
        "address, or a forbidden instruction)",
        (unsigned long long)findings->registers.pc);
}

static void explain_segv(struct findings *findings)
{
    const struct reason *reason = findings->reason;
    const struct arch *arch = findings->core->arch;
    if (!reason->has_address || reason->code == CODE_KERNEL) {
        findings->reason->has_address = false;
        explain_general_protection(findings);
        return;
    }
    unsigned long long address = reason->address;
    struct place place;
    place_describe(findings->modules, address, &place);
    uint64_t sp = arch ? findings->registers.value[arch->sp] : 0, size;
    if (arch && findings->registers.pc == address) {
        explain_jump(findings, &place);
    } else if (arch && place_is_stack_overflow(findings->core, sp, address, &size)) {
        say(findings,
            "stack overflow: %s 0x%llx, below the end of the stack, whose %llu KiB are "
            "used up",
            access_verb(findings), address, (unsigned long long)size / 1024);
        if (findings->stack->count)
            add_detail(findings, "the stack has %llu frames",
                       (unsigned long long)findings->stack->count + findings->stack->omitted);
    } else if (place.kind == PLACE_NULL) {
        say(findings, "segmentation fault: %s 0x%llx, %s", access_verb(findings), address,
            place.text);
        blame_register(findings, address);
    } else {
        const char *meaning = signal_code_meaning(SIGSEGV, reason->code);
        say(findings, "segmentation fault: %s 0x%llx, %s", access_verb(findings), address,
            place.text);
        if (reason->code > SEGV_ACCERR && meaning)
            add_detail(findings, "%s", meaning);
        blame_register(findings, address);
    }
}

static void explain_bus(struct findings *findings)
{
    const struct reason *reason = findings->reason;
    const char *meaning = signal_code_meaning(SIGBUS, reason->code);
    if (!reason->has_address) {
        say(findings, "bus error");
        return;
    }
    unsigned long long address = reason->address;
    const struct core_mapping *mapping = core_mapping_at(findings->core, address);
    if (reason->code == BUS_ADRERR && mapping) {
        say(findings, "bus error: %s 0x%llx, behind the end of the mapped file %.300s",
            access_verb(findings), address, mapping->path);
        add_detail(findings, "the file was cut after it was mapped, or its disk cannot be read");
        return;
    }
    say(findings, "bus error: %s 0x%llx: %s", access_verb(findings), address,
        meaning ? meaning : "unknown cause");
    blame_register(findings, address);
}

static void explain_illegal(struct findings *findings)
{
    unsigned long long pc = findings->registers.pc;
    if (findings->examined && findings->instruction.is_trap)
        say(findings,
            "illegal instruction: the program stopped itself at 0x%llx (a compiler puts "
            "such a trap where code must not get to)",
            pc);
    else
        say(findings,
            "illegal instruction at 0x%llx: this processor does not know it, or this is "
            "no code",
            pc);
}

static void explain_trap(struct findings *findings)
{
    unsigned long long pc = findings->registers.pc;
    say(findings,
        findings->reason->code == TRAP_TRACE
            ? "trap: single step at 0x%llx"
            : "trap: breakpoint instruction before 0x%llx, and no debugger was there",
        pc);
}

/* struct siginfo's SIGSYS: call address, number, architecture. */
static void explain_system_call(struct findings *findings)
{
    const struct core *core = findings->core;
    const struct core_thread *thread = core->threads;
    const struct register_list *list = core->arch && thread ? &core->arch->general : NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        uint64_t number;
        if (strcmp(list->items[i].name, "orig_rax") == 0 &&
            registers_value(core->arch, core->swapped, list, i, thread->general,
                            thread->general_size, &number)) {
            say(findings, "forbidden system call: a seccomp filter does not allow number %lld",
                (long long)number);
            return;
        }
    }
    say(findings, "forbidden system call");
}

static void explain_arithmetic(struct findings *findings)
{
    const char *meaning = signal_code_meaning(SIGFPE, findings->reason->code);
    say(findings, "%s", meaning ? meaning : "arithmetic error");
}

static void explain_abort(struct findings *findings)
{
    const struct exception *exception = &findings->reason->exception;
    const char *message = findings->reason->abort_message;
    if (exception->type && exception->what)
        say(findings, "aborted: uncaught C++ exception of type %.300s: %.1000s", exception->type,
            exception->what);
    else if (exception->type)
        say(findings, "aborted: uncaught C++ exception of type %.300s", exception->type);
    else if (message && strstr(message, "Assertion `"))
        say(findings, "assertion failed: %.2000s", message);
    else if (message && strstr(message, "stack smashing"))
        say(findings, "aborted: a function wrote behind its local variables (%.500s)", message);
    else if (message)
        say(findings, "aborted: %.2000s", message);
    else
        say(findings, "aborted: the program called abort()");
}

/* Sent by kill(2) and its kin: who did it. */
static bool explain_sender(struct findings *findings)
{
    const struct reason *reason = findings->reason;
    const struct core *core = findings->core;
    const struct core_siginfo *siginfo = &core->siginfo;
    if (!siginfo->present || !signal_was_sent(siginfo->code))
        return false;
    uint64_t pid = core->pid, inner = pid;
    if (core->metadata) {
        (void)metadata_u64(core->metadata, KEY_PID, &pid); /* keeps the core's where it is absent */
        (void)metadata_u64(core->metadata, KEY_NS_PID, &inner);
    }
    const char *name = reason->signal_name;
    if (siginfo->sender_pid == pid || siginfo->sender_pid == inner) {
        add_detail(findings, "%s was raised by the process itself", name);
        return false;
    }
    const char *meaning = signal_meaning(reason->signal);
    if (siginfo->sender_pid == 0)
        say(findings, "%s: %s was sent from outside its container or by the kernel",
            meaning ? meaning : "killed", name);
    else
        say(findings, "%s: %s was sent by process %u of user %u", meaning ? meaning : "killed",
            name, siginfo->sender_pid, siginfo->sender_uid);
    return true;
}

static void explain(struct findings *findings)
{
    static const struct {
        int signal;
        void (*explain)(struct findings *findings);
    } faults[] = {
        {SIGSEGV, explain_segv}, {SIGBUS, explain_bus},        {SIGILL, explain_illegal},
        {SIGTRAP, explain_trap}, {SIGFPE, explain_arithmetic}, {SIGSYS, explain_system_call},
    };
    const struct reason *reason = findings->reason;
    bool sent = explain_sender(findings);
    if (reason->signal == SIGABRT && !sent)
        explain_abort(findings);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
        if (faults[i].signal == reason->signal && reason->has_code &&
            !signal_was_sent(reason->code))
            faults[i].explain(findings);
    const struct arch *arch = findings->core->arch;
    if (reason->has_address && arch && arch->fault_page)
        add_detail(findings, "this machine tells addresses of faults in steps of %u bytes only",
                   arch->fault_page);
    if (findings->reason->sentence)
        return;
    const char *meaning = signal_meaning(reason->signal);
    if (meaning)
        say(findings, "%s", meaning);
    else
        say(findings, "signal %d", reason->signal);
}

int reason_find(struct modules *modules, const struct stack *stack, const struct symbols *symbols,
                struct reason *ret)
{
    struct findings findings = {
        .modules = modules,
        .core = modules->core,
        .stack = stack,
        .reason = ret,
    };
    find_signal(&findings);
    find_instruction(&findings);
    if (ret->signal == SIGABRT) {
        ret->abort_message = message_of_abort(modules);
        ret->assertion = ret->abort_message ? message_assertion(ret->abort_message) : NULL;
        message_of_exception(modules, stack, symbols, &ret->exception);
    }
    explain(&findings);
    return ret->sentence ? 0 : -ENOMEM;
}

void reason_free(struct reason *reason)
{
    free(reason->sentence);
    free(reason->abort_message);
    free(reason->assertion);
    exception_free(&reason->exception);
    bytes_free(&reason->details);
}
