/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.c - everything the analyzer does with a core, in its order. */
#include "analyzer/explain.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/module_files.h"
#include "analyzer/packages.h"
#include "analyzer/report.h"
#include "store/base/clock.h"

static int unwind_all(struct report *report, const struct explain_options *options, uint64_t end_us)
{
    struct core *core = report->modules->core;
    struct unwinder unwinder = {
        .modules = report->modules,
        .rows = rows_new(report->modules),
        .max_frames = options->max_frames,
        .end_us = end_us,
    };
    int r = unwinder.rows ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < core->thread_count; i++) {
        r = unwind_thread(&unwinder, &core->threads[i], &report->stacks[i]);
        if (r == 0 && report->stacks[i].stop == STOP_DEADLINE)
            report->complete = false;
    }
    rows_free(unwinder.rows);
    return r;
}

/* Functions and lines of all frames, and meanwhile the packages of their modules. */
static int name_all(struct report *report, uint64_t end_us)
{
    const struct core *core = report->modules->core;
    size_t count = 0;
    for (size_t i = 0; i < core->thread_count; i++)
        count += report->stacks[i].count;
    AUTO_FREE uint64_t *addresses = calloc(count + 1, sizeof(*addresses));
    if (!addresses)
        return -ENOMEM;
    count = 0;
    for (size_t i = 0; i < core->thread_count; i++)
        for (size_t j = 0; j < report->stacks[i].count; j++)
            addresses[count++] = frame_address(&report->stacks[i].frames[j]);
    int r = symbols_collect(report->modules, addresses, count, &report->symbols);
    struct package_search search = {0};
    if (r == 0)
        r = packages_prepare(report->modules, &search);
    const struct errand errand = {packages_ask, &search};
    if (r == 0)
        r = symbols_resolve(report->modules, &report->symbols, end_us, &errand);
    packages_finish(&search);
    return r;
}

/* Modules without a frame: whether their files are the very ones is of use, too. */
static void look_at_the_rest(struct modules *modules, uint64_t end_us)
{
    for (size_t i = 0; i < modules->count && clock_now_us() < end_us; i++) {
        struct module *module = &modules->items[i];
        if (module->used)
            continue;
        module_open(modules, module);
        module->symbols = symbols_of_module(module);
    }
}

static void tell_problems(struct report *report, const struct explain_options *options)
{
    struct core *core = report->modules->core;
    if (!core->arch)
        core_problem(core, "machine %u is not known: there are no registers", core->machine);
    if (options->effort != EFFORT_FULL)
        core_problem(core, options->effort == EFFORT_SYMBOLS
                               ? "debug information was left out: reading it failed before"
                               : "files were left out: reading them failed before");
    if (report->symbols.cut_short)
        core_problem(core, "the deadline came before all frames had names");
    for (size_t i = 0; i < report->modules->count; i++) {
        const struct module *module = &report->modules->items[i];
        if (module->used && module->refused && !module->elf)
            core_problem(core, "%s is another file now and was not used", module->path);
        else if (module->used && !module->elf)
            core_problem(core, "%s could not be found", module->path);
    }
    if (core->truncated || report->symbols.cut_short || options->effort != EFFORT_FULL ||
        !core->arch)
        report->complete = false;
}

/* Unwinding may take half of the time, so that some is left for names. */
int explain_core(struct core *core, struct files *files, const struct explain_options *options,
                 int fd)
{
    uint64_t start_us = clock_now_us(), time_us = options->deadline_us;
    AUTO_MODULES struct modules modules = {0};
    AUTO_REPORT struct report report = {.modules = &modules, .complete = true};
    int r = modules_find(core, files, options->effort, &modules);
    if (r < 0)
        return r;
    report.stacks = calloc(core->thread_count + 1, sizeof(*report.stacks));
    r = report.stacks ? unwind_all(&report, options, start_us + time_us / 2) : -ENOMEM;
    if (r == 0)
        r = name_all(&report, start_us + time_us * 3 / 4);
    if (r == 0)
        r = reason_find(&modules, report.stacks, &report.symbols, &report.reason);
    if (r == 0)
        r = report_sign(&report);
    if (r < 0)
        return r;
    look_at_the_rest(&modules, start_us + time_us * 7 / 8);
    tell_problems(&report, options);
    return report_write(&report, fd);
}
