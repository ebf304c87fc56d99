/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * symbols.h - names, files and lines for all addresses of a report at once.
 *
 * Each address is looked up once however many frames share it; modules are shared out to workers.
 */
#pragma once

#include "analyzer/modules.h"

/* One function at an address; several where calls were inlined. */
struct symbol {
    char *function;  /* demangled, for people; NULL: unknown. Owned. */
    const char *raw; /* as the linker or the source has it */
    const char *file;
    int line, column; /* 0: unknown */
    bool inlined;
};

struct site {
    uint64_t address;
    struct module *module;  /* NULL: in none */
    uint64_t symbol_start;  /* address in memory of the real function's start; 0: unknown */
    struct symbol *symbols; /* innermost first; the last is the real function */
    size_t count;
};

struct symbols {
    struct site *sites; /* by address */
    size_t count;
    bool cut_short; /* by the deadline */
};

/* Something else that a worker does as soon as it finds no module left to look into. */
struct errand {
    void (*run)(void *context);
    void *context;
};

/* Sorts `addresses`, one site each, nameless yet. Their modules are `used` from here on. */
int symbols_collect(struct modules *modules, uint64_t *addresses, size_t count,
                    struct symbols *ret);
/* Names the sites. */
int symbols_resolve(struct modules *modules, struct symbols *symbols, uint64_t end_us,
                    const struct errand *errand);
void symbols_free(struct symbols *symbols);

const struct site *symbols_at(const struct symbols *symbols, uint64_t address);

/* The best that the files of a module offer, as far as they are open. */
enum module_symbols symbols_of_module(const struct module *module);
