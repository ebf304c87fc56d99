/* SPDX-License-Identifier: GPL-2.0-or-later */
/* messages.c - finds glibc's abort message and the uncaught C++ exception in memory. */
#include "analyzer/messages.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/demangle.h"
#include "analyzer/elf_symbols.h"
#include "analyzer/module_files.h"

enum {
    MAX_MESSAGE = 4096,
    MAX_SCANNED = 64 * 1024, /* bytes of stack that are looked at for an exception */
    MAX_DEATH_FRAMES = 16,   /* functions between the throw and the signal */
};

static bool is_libc(const struct module *module)
{
    const char *slash = strrchr(module->path, '/');
    return module->is_main || strncmp(slash ? slash + 1 : module->path, "libc.so", 7) == 0 ||
           strncmp(slash ? slash + 1 : module->path, "libc-", 5) == 0;
}

/* struct abort_msg_s { unsigned int size; char msg[]; }, glibc's include/stdlib.h */
static char *read_abort_message(struct core *core, uint64_t variable)
{
    uint64_t address;
    uint8_t size_bytes[4];
    char text[MAX_MESSAGE];
    if (!core_read_word(core, variable, &address) || address == 0 ||
        !core_read(core, address, size_bytes, 4) ||
        !core_read_text(core, address + 4, text, sizeof(text)))
        return NULL;
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' '))
        text[--size] = '\0';
    return size > 0 ? strdup(text) : NULL;
}

char *message_of_abort(struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        struct module *module = &modules->items[i];
        GElf_Sym symbol;
        if (!is_libc(module))
            continue;
        module_open(modules, module);
        if (!elf_symbol_find(module->elf, "__abort_msg", &symbol) &&
            !elf_symbol_find(module->debug_elf, "__abort_msg", &symbol))
            continue;
        char *message = read_abort_message(modules->core, module->bias + symbol.st_value);
        if (message)
            return message;
    }
    return NULL;
}

/* "PROGRAM: FILE:LINE: FUNCTION: Assertion `EXPRESSION' failed.", glibc's assert/assert.c */
char *message_assertion(const char *message)
{
    static const char before[] = "Assertion `", behind[] = "' failed";
    const char *start = strstr(message, before), *end = NULL;
    if (!start)
        return NULL;
    start += sizeof(before) - 1;
    for (const char *at = start; (at = strstr(at, behind)); at++)
        end = at; /* the last: the expression may have it, too */
    return end ? strndup(start, (size_t)(end - start)) : NULL;
}

/* libstdc++'s struct __cxa_exception of 64-bit machines (unwind-cxx.h): the type stands this far
 * before the unwinder's header, the object right behind it. */
enum { TYPE_BEFORE_HEADER = 80, HEADER_SIZE = 32 };

/* Types of the standard library that keep what() as a pointer right behind the vtable's. */
static const char *const types_with_text[] = {
    "St13runtime_error",   "St11logic_error",  "St12out_of_range", "St16invalid_argument",
    "St12length_error",    "St12domain_error", "St11range_error",  "St14overflow_error",
    "St15underflow_error", "St12system_error",
};

static bool read_constant_text(struct modules *modules, uint64_t address, char *ret, size_t size)
{
    size_t n = modules_read(modules, address, ret, size - 1);
    ret[n] = '\0';
    return n > 0 && strlen(ret) > 0 && strlen(ret) < n;
}

static bool read_exception(struct modules *modules, uint64_t header, struct exception *ret)
{
    /* "GNUCC++\0", or \1 for a dependent one, as the number that libstdc++ makes of it */
    static const uint64_t class = 0x474e5543432b2b00;
    struct core *core = modules->core;
    uint64_t found, type, name, text;
    char buffer[MAX_MESSAGE];
    if (header % 16 || !core_read_word(core, header, &found) || (found & ~1ull) != class ||
        !core_read_word(core, header - TYPE_BEFORE_HEADER, &type) ||
        !core_read_word(core, type + 8, &name) ||
        !read_constant_text(modules, name, buffer, sizeof(buffer)))
        return false;
    ret->type = demangle_type(buffer);
    if (!ret->type)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(types_with_text); i++)
        if (strcmp(buffer, types_with_text[i]) == 0 &&
            core_read_word(core, header + HEADER_SIZE + 8, &text) &&
            core_read_text(core, text, buffer, sizeof(buffer)))
            ret->what = strdup(buffer);
    return true;
}

/* The stack pointer of the function that threw, or terminated for want of a handler. */
static uint64_t find_thrower(const struct stack *stack, const struct symbols *symbols)
{
    static const char *const throwers[] = {"__cxa_throw", "__cxa_rethrow", "_Unwind_RaiseException",
                                           "_ZSt9terminatev", "__cxa_call_terminate"};
    uint64_t sp = 0;
    for (size_t i = 0; i + 1 < stack->count && i < MAX_DEATH_FRAMES; i++) {
        const struct site *site = symbols_at(symbols, frame_address(&stack->frames[i]));
        for (size_t j = 0; site && j < site->count; j++)
            for (size_t k = 0; k < ARRAY_SIZE(throwers); k++)
                if (site->symbols[j].raw && strcmp(site->symbols[j].raw, throwers[k]) == 0)
                    sp = stack->frames[i + 1].sp;
    }
    return sp;
}

/* Some word of the frames between the throw and the signal points at the exception's header. */
void message_of_exception(struct modules *modules, const struct stack *stack,
                          const struct symbols *symbols, struct exception *ret)
{
    *ret = (struct exception){0};
    uint64_t end = find_thrower(stack, symbols);
    if (!end || !modules->core->is_64_bit || end <= stack->frames[0].sp ||
        end - stack->frames[0].sp > MAX_SCANNED)
        return;
    for (uint64_t at = stack->frames[0].sp; at < end; at += 8) {
        uint64_t word;
        if (!core_read_word(modules->core, at, &word))
            return;
        /* pointers to the object lead there, too */
        if (read_exception(modules, word, ret) || read_exception(modules, word - HEADER_SIZE, ret))
            return;
    }
}

void exception_free(struct exception *exception)
{
    free(exception->type);
    free(exception->what);
    *exception = (struct exception){0};
}
