/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report.c - writes what was found as one JSON object. */
#include "config.h"

#include "analyzer/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/json.h"
#include "analyzer/threads.h"
#include "store/base/text.h"
#include "store/keys.h"

enum {
    FORMAT_VERSION = 1,
    MAX_SIGNED_FRAMES = 4096, /* functions of the crashing stack that a signature looks at */
};

static const char *const symbol_levels[] = {
    [SYMBOLS_NONE] = "none",
    [SYMBOLS_DYNSYM] = "dynsym",
    [SYMBOLS_SYMTAB] = "symtab",
    [SYMBOLS_DWARF] = "dwarf",
};

static const struct stack *crashing_stack(const struct report *report)
{
    static const struct stack none;
    return report->modules->core->thread_count ? &report->stacks[0] : &none;
}

/* Writes lines of a text as an array. */
static void write_lines(struct json *json, const char *key, const struct bytes *lines)
{
    json_open(json, key, '[');
    const char *line = lines->data, *end = line ? line + lines->size : NULL;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((newline ? newline : end) - line);
        json_bytes(json, NULL, line, size);
        line += size + 1;
    }
    json_close(json, ']');
}

static void write_reason(struct json *json, const struct report *report)
{
    const struct reason *reason = &report->reason;
    json_decimal(json, "signal", reason->signal);
    json_text(json, "signal_name", reason->signal_name);
    if (reason->has_code)
        json_decimal(json, "si_code", reason->code);
    else
        json_nothing(json, "si_code");
    if (reason->has_address)
        json_hex(json, "fault_address", reason->address);
    else
        json_nothing(json, "fault_address");
    json_text(json, "reason", reason->sentence);
    write_lines(json, "details", &reason->details);
    json_text(json, "abort_message", reason->abort_message);
}

/* The crashing function as a list shows it; where nothing has a name, "module+0xoffset". */
static void write_function(struct json *json, const struct report *report)
{
    const struct stack *stack = crashing_stack(report);
    if (report->signature.frame_count > 0) {
        json_text(json, "function", report->signature.frames[0]);
        return;
    }
    for (size_t i = 0; i < stack->count; i++) {
        const struct module *module = modules_at(report->modules, stack->frames[i].pc);
        if (!module)
            continue;
        const char *slash = strrchr(module->path, '/');
        char place[512];
        snprintf(place, sizeof(place), "%s+0x%llx", slash ? slash + 1 : module->path,
                 (unsigned long long)(stack->frames[i].pc - module->bias));
        json_text(json, "function", place);
        return;
    }
    json_nothing(json, "function");
}

static void write_signature(struct json *json, const struct report *report)
{
    const struct signature *signature = &report->signature;
    json_text(json, "signature", signature->text[0] ? signature->text : NULL);
    json_open(json, "signature_frames", '[');
    for (size_t i = 0; i < signature->frame_count; i++)
        json_text(json, NULL, signature->frames[i]);
    json_close(json, ']');
    json_bool(json, "signature_wordless", signature->wordless);
    json_text(json, "stack_id", report->stack_id[0] ? report->stack_id : NULL);
    write_function(json, report);
    const struct module *executable = modules_main(report->modules);
    json_text(json, "package", executable ? executable->package : NULL);
}

static void write_instruction(struct json *json, const struct reason *reason)
{
    char hex[2 * sizeof(reason->instruction) + 1];
    if (reason->instruction_size == 0) {
        json_nothing(json, "instruction");
        return;
    }
    text_hex(reason->instruction, reason->instruction_size, hex);
    json_open(json, "instruction", '{');
    json_text(json, "bytes", hex);
    json_nothing(json, "text");
    json_close(json, '}');
}

static void write_frame(struct json *json, const struct report *report, const struct frame *frame,
                        const struct site *site, const struct symbol *symbol)
{
    const struct module *module = site ? site->module : NULL;
    bool is_real = site && symbol && !symbol->inlined;
    json_open(json, NULL, '{');
    json_hex(json, "pc", frame->pc);
    json_text(json, "function", symbol ? symbol->function : NULL);
    json_text(json, "symbol", symbol ? symbol->raw : NULL);
    if (is_real && site->symbol_start && frame->pc >= site->symbol_start)
        json_hex(json, "offset", frame->pc - site->symbol_start);
    else
        json_nothing(json, "offset");
    if (module) {
        json_decimal(json, "module", module - report->modules->items);
        json_hex(json, "module_offset", frame->pc - module->bias);
    } else {
        json_nothing(json, "module");
        json_nothing(json, "module_offset");
    }
    json_text(json, "file", symbol ? symbol->file : NULL);
    if (symbol && symbol->line)
        json_decimal(json, "line", symbol->line);
    else
        json_nothing(json, "line");
    if (symbol && symbol->column)
        json_decimal(json, "column", symbol->column);
    else
        json_nothing(json, "column");
    json_bool(json, "inlined", symbol && symbol->inlined);
    json_text(json, "trust", trust_name(frame->trust));
    json_close(json, '}');
}

/* Trampolines have no source, and many no symbol: their frame says what it stands for. */
static void write_trampoline(struct json *json, const struct report *report,
                             const struct frame *frame, const struct site *site)
{
    const struct symbol trampoline = {
        .function = (char[]){"<signal handler called>"},
        .raw = site && site->count ? site->symbols[site->count - 1].raw : NULL,
    };
    write_frame(json, report, frame, site, &trampoline);
}

static void write_stack(struct json *json, const struct report *report, const struct stack *stack)
{
    json_open(json, NULL, '[');
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        const struct site *site = symbols_at(&report->symbols, frame_address(frame));
        if (frame->trampoline)
            write_trampoline(json, report, frame, site);
        else if (!site || site->count == 0)
            write_frame(json, report, frame, site, NULL);
        for (size_t j = 0; !frame->trampoline && site && j < site->count; j++)
            write_frame(json, report, frame, site, &site->symbols[j]);
    }
    json_close(json, ']');
}

/* Which threads have the same stack: `ret[i]` is the number of thread i's among the distinct. */
static uint64_t hash_stack(const struct stack *stack)
{
    uint64_t hash = stack->count;
    for (size_t i = 0; i < stack->count; i++)
        hash = (hash ^ stack->frames[i].pc ^ (uint64_t)stack->frames[i].trust << 56) *
               0x9E3779B97F4A7C15ull;
    return hash;
}

static bool same_stack(const struct stack *a, const struct stack *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->frames[i].pc != b->frames[i].pc || a->frames[i].trust != b->frames[i].trust ||
            a->frames[i].exact != b->frames[i].exact)
            return false;
    return true;
}

/* `ret_index` and `ret_distinct` have room for all threads. Returns the number of distinct ones. */
static size_t fold_stacks(const struct report *report, size_t *ret_index,
                          const struct stack **ret_distinct)
{
    size_t threads = report->modules->core->thread_count, distinct = 0, capacity = 16;
    while (capacity < 2 * threads)
        capacity *= 2;
    AUTO_FREE size_t *table = calloc(capacity, sizeof(*table)); /* number + 1 of a distinct stack */
    for (size_t i = 0; i < threads; i++) {
        const struct stack *stack = &report->stacks[i];
        size_t slot = table ? (hash_stack(stack) >> 16) & (capacity - 1) : 0;
        while (table && table[slot] && !same_stack(ret_distinct[table[slot] - 1], stack))
            slot = (slot + 1) & (capacity - 1);
        if (!table || !table[slot]) {
            ret_distinct[distinct++] = stack;
            if (table)
                table[slot] = distinct;
        }
        ret_index[i] = table ? table[slot] - 1 : distinct - 1;
    }
    return distinct;
}

static void write_registers(struct json *json, const struct core *core,
                            const struct core_thread *thread)
{
    json_open(json, "registers", '{');
    const struct register_list *list = core->arch && thread->general ? &core->arch->general : NULL;
    for (size_t i = 0; list && i < list->count; i++) {
        uint64_t value;
        if (registers_value(core->arch, core->swapped, list, i, thread->general,
                            thread->general_size, &value))
            json_hex(json, list->items[i].name, value);
    }
    json_close(json, '}');
}

/* A core has no names of threads; a record has them, and a plain core the process's. */
static const char *thread_name(const struct core *core, const struct threads *threads, size_t i)
{
    const char *name = threads_name(threads, core->threads[i].tid);
    if (!name && core->metadata && i == 0)
        name = metadata_text(core->metadata, KEY_THREAD_COMM);
    if (!name && core->thread_count == 1 && core->command[0])
        name = core->command;
    return name;
}

static int write_threads(struct json *json, const struct report *report, const size_t *index)
{
    const struct core *core = report->modules->core;
    AUTO_THREADS struct threads *threads = threads_new(core->metadata);
    if (!threads)
        return -ENOMEM;
    json_open(json, "threads", '[');
    for (size_t i = 0; i < core->thread_count; i++) {
        const struct stack *stack = &report->stacks[i];
        json_open(json, NULL, '{');
        json_decimal(json, "tid", threads_global_tid(threads, core->threads[i].tid));
        json_text(json, "name", thread_name(core, threads, i));
        json_bool(json, "crashed", i == 0);
        json_text(json, "stop", stop_name(stack->stop));
        json_decimal(json, "stack", (int64_t)index[i]);
        json_decimal(json, "omitted", (int64_t)stack->omitted);
        write_registers(json, core, &core->threads[i]);
        json_close(json, '}');
    }
    json_close(json, ']');
    return 0;
}

static int write_stacks(struct json *json, const struct report *report)
{
    size_t threads = report->modules->core->thread_count;
    AUTO_FREE size_t *index = calloc(threads + 1, sizeof(*index));
    AUTO_FREE const struct stack **distinct = calloc(threads + 1, sizeof(*distinct));
    if (!index || !distinct)
        return -ENOMEM;
    size_t count = fold_stacks(report, index, distinct);
    int r = write_threads(json, report, index);
    if (r < 0)
        return r;
    json_open(json, "stacks", '[');
    for (size_t i = 0; i < count; i++)
        write_stack(json, report, distinct[i]);
    json_close(json, ']');
    return 0;
}

static void write_modules(struct json *json, const struct modules *modules)
{
    json_open(json, "modules", '[');
    for (size_t i = 0; i < modules->count; i++) {
        const struct module *module = &modules->items[i];
        char hex[2 * ANALYSIS_BUILD_ID_MAX + 1];
        text_hex(module->build_id, module->build_id_size, hex);
        json_open(json, NULL, '{');
        json_text(json, "path", module->path);
        json_text(json, "build_id", module->build_id_size ? hex : NULL);
        json_hex(json, "start", module->start);
        json_hex(json, "end", module->end);
        json_bool(json, "verified", module->verified);
        json_text(json, "symbols", symbol_levels[module->symbols]);
        json_text(json, "package", module->package);
        json_close(json, '}');
    }
    json_close(json, ']');
}

int report_write(const struct report *report, int fd)
{
    struct json json = {.fd = fd};
    json_open(&json, NULL, '{');
    json_decimal(&json, "version", FORMAT_VERSION);
    json_text(&json, "analyzer", PACKAGE_VERSION);
    json_bool(&json, "complete", report->complete);
    write_lines(&json, "problems", &report->modules->core->problems);
    write_reason(&json, report);
    write_signature(&json, report);
    write_instruction(&json, &report->reason);
    int r = write_stacks(&json, report);
    write_modules(&json, report->modules);
    json_close(&json, '}');
    return r < 0 ? r : json_finish(&json);
}

static size_t list_functions(const struct report *report, struct signature_frame *ret, size_t limit)
{
    const struct stack *stack = crashing_stack(report);
    size_t count = 0;
    for (size_t i = 0; i < stack->count; i++) {
        const struct frame *frame = &stack->frames[i];
        const struct site *site = symbols_at(&report->symbols, frame_address(frame));
        const struct module *module = site ? site->module : NULL;
        size_t functions = site && site->count ? site->count : 1;
        for (size_t j = 0; j < functions && count < limit; j++)
            ret[count++] = (struct signature_frame){
                .function =
                    site && site->count && !frame->trampoline ? site->symbols[j].function : NULL,
                .trampoline = frame->trampoline && j + 1 == functions,
                .build_id = module ? module->build_id : NULL,
                .build_id_size = module ? module->build_id_size : 0,
                .module = module ? module->path : NULL,
                .module_offset = module ? frame->pc - module->bias : 0,
            };
    }
    return count;
}

int report_sign(struct report *report)
{
    const struct reason *reason = &report->reason;
    const struct signature_words words = {
        .assertion = reason->assertion,
        .exception = reason->exception.type,
    };
    AUTO_FREE struct signature_frame *frames = calloc(MAX_SIGNED_FRAMES, sizeof(*frames));
    if (!frames)
        return -ENOMEM;
    size_t count = list_functions(report, frames, MAX_SIGNED_FRAMES);
    if (count == 0)
        return 0;
    int r = signature_make(frames, count, reason->signal, &words, &report->signature);
    return r < 0 ? r : signature_stack_id(frames, count, report->stack_id);
}

void report_free(struct report *report)
{
    size_t threads =
        report->modules && report->modules->core ? report->modules->core->thread_count : 0;
    for (size_t i = 0; report->stacks && i < threads; i++)
        free(report->stacks[i].frames);
    free(report->stacks);
    symbols_free(&report->symbols);
    reason_free(&report->reason);
    signature_free(&report->signature);
}
