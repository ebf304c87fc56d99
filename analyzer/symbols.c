/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbols.c - names, files and lines for all addresses of a report at once. */
#include "analyzer/symbols.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/debug_info.h"
#include "analyzer/demangle.h"
#include "analyzer/elf_symbols.h"
#include "analyzer/module_files.h"
#include "store/base/clock.h"

enum {
    MAX_WORKERS = 8,
    WORTH_SHARING =
        64, /* sites of one module: with fewer a second index costs more than it saves */
};

/* The sites of one module, which one worker does alone: libdw's handles are not shared. */
struct task {
    struct module *module;
    struct site *sites;
    size_t count;
};

/* Sites of a task that are looked up with one handle. */
struct share {
    struct work *work;
    struct site *sites;
    size_t count;
    Dwarf *dwarf;
    struct elf_symbols *symbols; /* everybody's: looking up changes nothing */
};

struct work {
    struct modules *modules;
    struct task *tasks;
    size_t count;
    const struct errand *errand;
    size_t processors;
    atomic_size_t next;
    atomic_bool cut_short;
    uint64_t end_us;
};

/* "foo() [clone .isra.0]": where DWARF names the function, how it was cloned says nothing more. */
static char *demangle_clone(const char *raw)
{
    char *name = demangle(raw);
    char *clone = name ? strstr(name, " [clone ") : NULL;
    if (clone)
        *clone = '\0';
    return name;
}

static char *readable_name(const char *raw, const char *source_name)
{
    char *demangled = !raw ? NULL : source_name ? demangle_clone(raw) : demangle(raw);
    if (demangled)
        return demangled;
    const char *name = source_name ? source_name : raw;
    return name ? strdup(name) : NULL;
}

static bool is_mangled(const char *name)
{
    return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D');
}

static void name_by_debug_info(struct site *site, const struct debug_frame *frames, size_t count,
                               const struct elf_symbol *symbol)
{
    site->symbols = calloc(count, sizeof(*site->symbols));
    if (!site->symbols)
        return;
    site->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct debug_frame *frame = &frames[i];
        const char *raw = frame->linkage_name;
        bool is_real = i + 1 == count;
        if (!raw && is_real && symbol && (!frame->name || is_mangled(symbol->name)))
            raw = symbol->name; /* constructors, lambdas: DWARF leaves the mangled name out */
        char *function = readable_name(raw, frame->name);
        site->symbols[i] = (struct symbol){
            .function = function,
            .raw = raw ? raw : function,
            .file = frame->file,
            .line = frame->line,
            .column = frame->column,
            .inlined = !is_real,
        };
    }
}

static void name_by_symbol(struct site *site, const struct elf_symbol *symbol)
{
    site->symbols = calloc(1, sizeof(*site->symbols));
    if (!site->symbols)
        return;
    site->count = 1;
    site->symbols[0] =
        (struct symbol){.function = readable_name(symbol->name, NULL), .raw = symbol->name};
}

static void resolve(struct site *site, struct debug_info *info, struct elf_symbols *symbols)
{
    struct debug_frame frames[DEBUG_MAX_DEPTH];
    uint64_t address = site->address - site->module->bias;
    const struct elf_symbol *symbol = symbols ? elf_symbols_at(symbols, address) : NULL;
    size_t count = info ? debug_info_at(info, address, frames) : 0;
    if (symbol)
        site->symbol_start = symbol->start + site->module->bias;
    if (count > 0)
        name_by_debug_info(site, frames, count, symbol);
    else if (symbol)
        name_by_symbol(site, symbol);
}

enum module_symbols symbols_of_module(const struct module *module)
{
    if (module->dwarf && (elf_has_debug_info(module->elf) || elf_has_debug_info(module->debug_elf)))
        return SYMBOLS_DWARF;
    if (elf_section(module->elf, ".symtab") || elf_section(module->debug_elf, ".symtab") ||
        elf_section(module->mini_elf, ".symtab"))
        return SYMBOLS_SYMTAB;
    return elf_section(module->elf, ".dynsym") ? SYMBOLS_DYNSYM : SYMBOLS_NONE;
}

static void *do_share(void *context)
{
    const struct share *share = context;
    struct debug_info *info = share->dwarf ? debug_info_new(share->dwarf) : NULL;
    for (size_t i = 0; i < share->count; i++) {
        if (clock_now_us() > share->work->end_us) {
            atomic_store(&share->work->cut_short, true);
            break;
        }
        resolve(&share->sites[i], info, share->symbols);
    }
    debug_info_free(info);
    return NULL;
}

/* Modules are most often done by one worker each; a large one by two, with a handle each. Sites are
 * sorted, so that the halves hardly touch the same units. */
static void do_task(struct work *work, const struct task *task)
{
    struct module *module = task->module;
    module_open_debug(work->modules, module);
    module->symbols = symbols_of_module(module);
    struct share first = {
        .work = work,
        .sites = task->sites,
        .count = task->count,
        .dwarf = module->symbols == SYMBOLS_DWARF ? module->dwarf : NULL,
        .symbols = elf_symbols_new(module),
    };
    struct share second = first;
    bool worth_it = first.dwarf && task->count >= WORTH_SHARING && work->processors > 1;
    second.dwarf = worth_it ? module_twin(module) : NULL;
    pthread_t thread;
    bool started = false;
    if (second.dwarf) {
        first.count = task->count / 2;
        second.sites += first.count;
        second.count -= first.count;
        started = pthread_create(&thread, NULL, do_share, &second) == 0;
    }
    (void)do_share(&first);
    if (started)
        pthread_join(thread, NULL);
    else if (second.dwarf)
        (void)do_share(&second);
    elf_symbols_free(first.symbols);
}

static void *work_on(void *context)
{
    struct work *work = context;
    for (;;) {
        size_t i = atomic_fetch_add(&work->next, 1);
        if (i == work->count)
            work->errand->run(work->errand->context);
        if (i >= work->count)
            return NULL;
        do_task(work, &work->tasks[i]);
    }
}

static int compare_addresses(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int symbols_collect(struct modules *modules, uint64_t *addresses, size_t count, struct symbols *ret)
{
    *ret = (struct symbols){0};
    if (count)
        qsort(addresses, count, sizeof(*addresses), compare_addresses);
    ret->sites = calloc(count + 1, sizeof(*ret->sites));
    if (!ret->sites)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && addresses[i] == addresses[i - 1])
            continue;
        struct site *site = &ret->sites[ret->count++];
        site->address = addresses[i];
        site->module = modules_at(modules, site->address);
        if (site->module)
            site->module->used = true;
    }
    return 0;
}

static size_t collect_tasks(struct symbols *symbols, struct task *tasks)
{
    size_t count = 0;
    for (size_t i = 0; i < symbols->count; i++) {
        struct site *site = &symbols->sites[i];
        if (!site->module)
            continue;
        if (count == 0 || tasks[count - 1].module != site->module)
            tasks[count++] = (struct task){.module = site->module, .sites = site};
        tasks[count - 1].count = (size_t)(site - tasks[count - 1].sites) + 1;
    }
    return count;
}

static void run(struct work *work)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    work->processors = processors < 1 ? 1 : (size_t)processors;
    size_t wanted = work->processors;
    if (wanted > MAX_WORKERS)
        wanted = MAX_WORKERS;
    if (wanted > work->count + 1) /* and the errand */
        wanted = work->count + 1;
    pthread_t threads[MAX_WORKERS];
    size_t started = 0;
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, work_on, work) == 0)
        started++;
    (void)work_on(work);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

int symbols_resolve(struct modules *modules, struct symbols *symbols, uint64_t end_us,
                    const struct errand *errand)
{
    AUTO_FREE struct task *tasks = calloc(modules->count + 1, sizeof(*tasks));
    if (!tasks)
        return -ENOMEM;
    struct work work = {.modules = modules, .tasks = tasks, .errand = errand, .end_us = end_us};
    work.count = collect_tasks(symbols, tasks);
    run(&work);
    symbols->cut_short = atomic_load(&work.cut_short);
    return 0;
}

void symbols_free(struct symbols *symbols)
{
    for (size_t i = 0; i < symbols->count; i++) {
        for (size_t j = 0; j < symbols->sites[i].count; j++)
            free(symbols->sites[i].symbols[j].function);
        free(symbols->sites[i].symbols);
    }
    free(symbols->sites);
    *symbols = (struct symbols){0};
}

const struct site *symbols_at(const struct symbols *symbols, uint64_t address)
{
    size_t low = 0, high = symbols->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (symbols->sites[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && symbols->sites[low - 1].address == address ? &symbols->sites[low - 1] : NULL;
}
