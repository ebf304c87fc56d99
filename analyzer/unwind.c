/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unwind.c - walks the stack of one thread. */
#include "analyzer/unwind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/expression.h"
#include "store/base/clock.h"

enum {
    SCAN_WORDS = 40,               /* above a frame without call frame information */
    SCAN_WORDS_FIRST = 160,        /* above the innermost, of which nothing is known */
    MAX_WALKED = 16 * 1024 * 1024, /* frames of one thread, kept or not */
    MAX_BACKWARDS = 64, /* steps towards the stack's top: coroutines and split stacks do some */
    MAX_RECORD_DISTANCE = 64 * 1024 * 1024, /* bytes from one frame record to the next */
    DEADLINE_INTERVAL = 256,                /* frames between looks at the clock */
};

/* Where the walk is: the registers of one frame. */
struct cursor {
    struct registers registers;
    bool exact;
    uint8_t trust;
};

static const char *const trust_names[] = {
    [TRUST_REGISTERS] = "registers", [TRUST_CFI] = "cfi",   [TRUST_SIGNAL] = "signal",
    [TRUST_CALL_POP] = "call-pop",   [TRUST_SCAN] = "scan", [TRUST_FRAME_POINTER] = "frame-pointer",
};

static const char *const stop_names[] = {
    [STOP_END] = "end",
    [STOP_NO_CFI] = "no-cfi",
    [STOP_NO_MEMORY] = "no-memory",
    [STOP_BAD_PC] = "bad-pc",
    [STOP_REPEAT] = "repeat",
    [STOP_CAP] = "cap",
    [STOP_DEADLINE] = "deadline",
    [STOP_NO_REGISTERS] = "no-registers",
};

const char *trust_name(enum trust trust)
{
    return trust_names[trust];
}

const char *stop_name(enum stop stop)
{
    return stop_names[stop];
}

static struct core *core_of(const struct unwinder *unwinder)
{
    return unwinder->modules->core;
}

static const struct arch *arch_of(const struct unwinder *unwinder)
{
    return unwinder->modules->core->arch;
}

/* Code pointers may carry a signature (aarch64) or the mode of the code (arm). */
static uint64_t code_address(const struct unwinder *unwinder, uint64_t value)
{
    value &= ~core_of(unwinder)->code_mask;
    return arch_of(unwinder)->machine == EM_ARM ? value & ~1ull : value;
}

static void set_pc(const struct unwinder *unwinder, struct registers *registers, uint64_t pc)
{
    const struct arch *arch = arch_of(unwinder);
    registers->pc = code_address(unwinder, pc);
    register_set(registers, arch->general.items[arch->general.pc].dwarf, registers->pc);
}

/* Does `address` follow a call? Told by the code before it, from the core or the verified file. */
static bool follows_call(struct unwinder *unwinder, uint64_t address)
{
    const struct arch *arch = arch_of(unwinder);
    uint8_t code[16];
    if (address < arch->call_size || !modules_is_code(unwinder->modules, address - 1))
        return false;
    for (size_t size = arch->call_size; size >= 2; size--)
        if (modules_read(unwinder->modules, address - size, code, size) == size)
            return arch->ends_in_call(code, size);
    return false;
}

static bool read_rule_value(struct unwinder *unwinder, const struct row *row,
                            const struct rule *rule, const struct registers *registers,
                            uint64_t cfa, uint64_t *ret)
{
    struct core *core = core_of(unwinder);
    uint64_t address;
    switch (rule->kind) {
    case RULE_SAME:
        *ret = registers->value[rule->number];
        return register_known(registers, rule->number);
    case RULE_AT_OFFSET:
        return core_read_word(core, cfa + (uint64_t)rule->offset, ret);
    case RULE_IS_OFFSET:
        *ret = cfa + (uint64_t)rule->offset;
        return true;
    case RULE_REGISTER:
        *ret = rule->offset < REGISTER_MAX ? registers->value[rule->offset] : 0;
        return register_known(registers, (unsigned)rule->offset);
    case RULE_AT_EXPRESSION:
        return expression_evaluate(core, rule->operations, rule->count, registers, &cfa, row->bias,
                                   &address) &&
               core_read_word(core, address, ret);
    case RULE_IS_EXPRESSION:
        return expression_evaluate(core, rule->operations, rule->count, registers, &cfa, row->bias,
                                   ret);
    default:
        return false;
    }
}

static bool read_cfa(struct unwinder *unwinder, const struct row *row,
                     const struct registers *registers, uint64_t *ret)
{
    if (row->cfa.kind == RULE_IS_EXPRESSION)
        return expression_evaluate(core_of(unwinder), row->cfa.operations, row->cfa.count,
                                   registers, NULL, row->bias, ret);
    if (!register_known(registers, row->cfa.number))
        return false;
    *ret = registers->value[row->cfa.number] + (uint64_t)row->cfa.offset;
    return true;
}

enum outcome { STEPPED, NOT_THIS_WAY, STOPPED };

/* Sets `stop` where it returns STOPPED. */
static enum outcome step_by_cfi(struct unwinder *unwinder, const struct row *row,
                                struct cursor *cursor, enum stop *stop)
{
    const struct arch *arch = arch_of(unwinder);
    struct registers next = {0};
    uint64_t cfa;
    *stop = STOP_NO_MEMORY;
    if (!read_cfa(unwinder, row, &cursor->registers, &cfa))
        return STOPPED;
    bool has_return = false, return_defined = false, has_sp = false;
    for (size_t i = 0; i < row->rule_count; i++) {
        const struct rule *rule = &row->rules[i];
        uint64_t value;
        bool is_return = rule->number == row->return_column;
        return_defined = return_defined || is_return;
        if (!read_rule_value(unwinder, row, rule, &cursor->registers, cfa, &value))
            continue;
        register_set(&next, rule->number, value);
        has_return = has_return || is_return;
        has_sp = has_sp || (rule->number == arch->sp && rule->kind != RULE_SAME);
    }
    if (!return_defined) {
        *stop = STOP_END;
        return STOPPED;
    }
    if (!has_return)
        return STOPPED;
    if (!has_sp) /* the CFA tells what the stack pointer was at the call */
        register_set(&next, arch->sp, cfa - arch->cfa_above_sp);
    set_pc(unwinder, &next, next.value[row->return_column]);
    cursor->registers = next;
    cursor->exact = row->is_signal;
    cursor->trust = row->is_signal ? TRUST_SIGNAL : TRUST_CFI;
    return STEPPED;
}

static enum outcome step_by_signal_frame(struct unwinder *unwinder, struct cursor *cursor)
{
    uint8_t code[16];
    size_t size = modules_read(unwinder->modules, cursor->registers.pc, code, sizeof(code));
    struct registers next;
    if (!registers_leave_signal(core_of(unwinder), code, size, &cursor->registers, &next))
        return NOT_THIS_WAY;
    cursor->registers = next;
    cursor->exact = true;
    cursor->trust = TRUST_SIGNAL;
    return STEPPED;
}

/* Starts over in the caller: of its registers only these are known. */
static void move_to(struct unwinder *unwinder, struct cursor *cursor, uint64_t pc, uint64_t sp,
                    enum trust trust)
{
    const struct arch *arch = arch_of(unwinder);
    struct registers next = {0};
    uint8_t fp = arch->fp;
    if (fp != REGISTER_NONE && register_known(&cursor->registers, fp))
        register_set(&next, fp, cursor->registers.value[fp]);
    register_set(&next, arch->sp, sp);
    set_pc(unwinder, &next, pc);
    cursor->registers = next;
    cursor->exact = false;
    cursor->trust = (uint8_t)trust;
}

/* Is this where the kernel makes a signal handler return to? No call stands before it. */
static bool is_trampoline(struct unwinder *unwinder, const struct registers *registers)
{
    struct cursor cursor = {.registers = *registers};
    return rows_at(unwinder->rows, registers->pc)->is_signal ||
           step_by_signal_frame(unwinder, &cursor) == STEPPED;
}

/* A call went to where no code is: all registers are still the caller's. */
static enum outcome step_by_pop(struct unwinder *unwinder, struct cursor *cursor)
{
    const struct arch *arch = arch_of(unwinder);
    struct registers *registers = &cursor->registers;
    uint64_t address, sp = registers->value[arch->sp];
    if (!cursor->exact || !register_known(registers, arch->sp))
        return NOT_THIS_WAY;
    if (arch->return_register != REGISTER_NONE) {
        if (!register_known(registers, arch->return_register))
            return NOT_THIS_WAY;
        address = registers->value[arch->return_register];
    } else {
        if (!core_read_word(core_of(unwinder), sp, &address))
            return NOT_THIS_WAY;
        sp += arch->word;
    }
    struct registers caller = *registers;
    register_set(&caller, arch->sp, sp);
    set_pc(unwinder, &caller, address);
    bool to_trampoline = is_trampoline(unwinder, &caller);
    if (caller.pc == registers->pc || (!to_trampoline && !follows_call(unwinder, caller.pc)))
        return NOT_THIS_WAY;
    *registers = caller;
    cursor->exact = to_trampoline;
    cursor->trust = TRUST_CALL_POP;
    return STEPPED;
}

static enum outcome step_by_frame_pointer(struct unwinder *unwinder, struct cursor *cursor)
{
    const struct arch *arch = arch_of(unwinder);
    struct core *core = core_of(unwinder);
    const struct registers *registers = &cursor->registers;
    if (arch->fp == REGISTER_NONE || !register_known(registers, arch->fp) ||
        !register_known(registers, arch->sp))
        return NOT_THIS_WAY;
    uint64_t fp = registers->value[arch->fp], sp = registers->value[arch->sp], next_fp, pc;
    int64_t word = arch->word;
    uint64_t end = fp + (uint64_t)(arch->record.end * word);
    if (fp % arch->word || end <= sp || end - sp > MAX_RECORD_DISTANCE ||
        !core_read_word(core, fp + (uint64_t)(arch->record.fp * word), &next_fp) ||
        !core_read_word(core, fp + (uint64_t)(arch->record.pc * word), &pc))
        return NOT_THIS_WAY;
    pc = code_address(unwinder, pc);
    if (!follows_call(unwinder, pc))
        return NOT_THIS_WAY;
    move_to(unwinder, cursor, pc, end, TRUST_FRAME_POINTER);
    register_set(&cursor->registers, arch->fp, next_fp);
    return STEPPED;
}

static enum outcome step_by_scan(struct unwinder *unwinder, struct cursor *cursor, unsigned words)
{
    const struct arch *arch = arch_of(unwinder);
    if (!register_known(&cursor->registers, arch->sp))
        return NOT_THIS_WAY;
    uint64_t sp = cursor->registers.value[arch->sp] & ~(uint64_t)(arch->word - 1);
    for (unsigned i = 0; i < words; i++, sp += arch->word) {
        uint64_t value;
        if (!core_read_word(core_of(unwinder), sp, &value))
            return NOT_THIS_WAY;
        value = code_address(unwinder, value);
        if (value && modules_is_code(unwinder->modules, value - 1) &&
            follows_call(unwinder, value)) {
            move_to(unwinder, cursor, value, sp + arch->word, TRUST_SCAN);
            return STEPPED;
        }
    }
    return NOT_THIS_WAY;
}

/* The row for the cursor's address; a trampoline's first instruction has no call before it. */
static const struct row *row_of(struct unwinder *unwinder, struct cursor *cursor)
{
    uint64_t pc = cursor->registers.pc;
    const struct row *row = rows_at(unwinder->rows, pc - !cursor->exact);
    if (!cursor->exact && !row->is_signal) {
        const struct row *at = rows_at(unwinder->rows, pc);
        if (at->valid && at->is_signal) {
            cursor->exact = true;
            return at;
        }
    }
    return row;
}

/* 0 ends a stack. A trampoline may be at the very start of its mapping. */
static bool leads_to_code(struct unwinder *unwinder, const struct cursor *cursor)
{
    uint64_t pc = cursor->registers.pc;
    return pc == 0 || modules_is_code(unwinder->modules, pc - 1) ||
           modules_is_code(unwinder->modules, pc);
}

/* From one frame to the next. */
static enum outcome step(struct unwinder *unwinder, const struct row *row, struct cursor *cursor,
                         bool is_first, enum stop *stop)
{
    uint64_t pc = cursor->registers.pc;
    bool is_code = modules_is_code(unwinder->modules, pc - !cursor->exact) || row->valid;
    /* A trampoline's call frame information may mark it and say no more (riscv64). */
    if ((!row->valid || row->is_signal) && step_by_signal_frame(unwinder, cursor) == STEPPED)
        return STEPPED;
    if (row->valid) {
        struct cursor next = *cursor;
        enum outcome outcome = step_by_cfi(unwinder, row, &next, stop);
        bool to_code = outcome == STEPPED && (next.exact || leads_to_code(unwinder, &next));
        if (to_code || (outcome == STOPPED && *stop == STOP_END)) {
            *cursor = next;
            return outcome;
        }
        if (outcome == STEPPED) { /* the stack was overwritten: go on behind the bad word */
            *cursor = next;
            *stop = STOP_BAD_PC;
            return step_by_scan(unwinder, cursor, SCAN_WORDS) == STEPPED ? STEPPED : STOPPED;
        }
    }
    if (!is_code && step_by_pop(unwinder, cursor) == STEPPED)
        return STEPPED;
    if (step_by_frame_pointer(unwinder, cursor) == STEPPED)
        return STEPPED;
    if (step_by_scan(unwinder, cursor, is_first ? SCAN_WORDS_FIRST : SCAN_WORDS) == STEPPED)
        return STEPPED;
    *stop = !is_code ? STOP_BAD_PC : row->valid ? STOP_NO_MEMORY : STOP_NO_CFI;
    return STOPPED;
}

/* Keeps the first and the last half of what fits; the last half is a ring while it fills. */
struct keeper {
    struct stack *stack;
    size_t limit, capacity;
    uint64_t walked;
};

static bool keep(struct keeper *keeper, const struct frame *frame)
{
    struct stack *stack = keeper->stack;
    size_t half = keeper->limit / 2;
    uint64_t number = keeper->walked++;
    if (number < keeper->limit) {
        if (number == keeper->capacity) {
            size_t capacity = keeper->capacity ? 2 * keeper->capacity : 64;
            struct frame *grown = realloc(stack->frames, capacity * sizeof(*grown));
            if (!grown)
                return false;
            stack->frames = grown;
            keeper->capacity = capacity;
        }
        stack->frames[stack->count++] = *frame;
        return true;
    }
    stack->frames[half + (number - half) % (keeper->limit - half)] = *frame;
    stack->omitted++;
    return true;
}

static void reverse(struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct frame swapped = frames[i];
        frames[i] = frames[count - 1 - i];
        frames[count - 1 - i] = swapped;
    }
}

/* Turns the ring so that its oldest frame comes first. */
static void straighten(struct keeper *keeper)
{
    if (keeper->stack->omitted == 0)
        return;
    size_t half = keeper->limit / 2, size = keeper->limit - half;
    size_t oldest = (size_t)((keeper->walked - half) % size);
    struct frame *ring = keeper->stack->frames + half;
    reverse(ring, oldest);
    reverse(ring + oldest, size - oldest);
    reverse(ring, size);
}

static bool repeats(const struct frame *before, const struct frame *now, unsigned *backwards)
{
    if (now->pc == before->pc && now->sp == before->sp)
        return true;
    return now->sp <= before->sp && now->trust != TRUST_SIGNAL && ++*backwards > MAX_BACKWARDS;
}

static enum stop walk(struct unwinder *unwinder, struct cursor *cursor, struct keeper *keeper,
                      bool *ret_memory)
{
    uint8_t sp = arch_of(unwinder)->sp;
    struct frame last = {0};
    unsigned backwards = 0;
    for (uint64_t depth = 0; depth < MAX_WALKED; depth++) {
        if (depth % DEADLINE_INTERVAL == 0 && depth > 0 && clock_now_us() > unwinder->end_us)
            return STOP_DEADLINE;
        const struct row *row = row_of(unwinder, cursor);
        struct frame frame = {
            .pc = cursor->registers.pc,
            .sp = cursor->registers.value[sp],
            .exact = cursor->exact,
            .trust = cursor->trust,
            .trampoline = row->valid && row->is_signal,
        };
        if (depth > 0 && repeats(&last, &frame, &backwards))
            return STOP_REPEAT;
        enum stop stop = STOP_END;
        enum outcome outcome = step(unwinder, row, cursor, depth == 0, &stop);
        if (outcome == STEPPED && cursor->trust == TRUST_SIGNAL)
            frame.trampoline = frame.exact = true;
        if (!keep(keeper, &frame)) {
            *ret_memory = false;
            return STOP_NO_MEMORY;
        }
        if (outcome != STEPPED)
            return stop;
        if (cursor->registers.pc == 0 && cursor->trust != TRUST_SIGNAL)
            return STOP_END;
        last = frame;
    }
    return STOP_CAP;
}

int unwind_thread(struct unwinder *unwinder, const struct core_thread *thread, struct stack *ret)
{
    struct stack stack = {.stop = STOP_NO_REGISTERS};
    struct keeper keeper = {.stack = &stack, .limit = unwinder->max_frames};
    struct cursor cursor = {.exact = true, .trust = TRUST_REGISTERS};
    const struct arch *arch = arch_of(unwinder);
    bool memory = true;
    if (keeper.limit < 2)
        keeper.limit = 2;
    core_thread_registers(core_of(unwinder), thread, &cursor.registers);
    if (arch && register_known(&cursor.registers, arch->sp)) {
        cursor.registers.pc = code_address(unwinder, cursor.registers.pc);
        stack.stop = walk(unwinder, &cursor, &keeper, &memory);
        straighten(&keeper);
    }
    if (!memory) {
        free(stack.frames);
        return -ENOMEM;
    }
    *ret = stack;
    return 0;
}
