/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modules.h - the executable and libraries of a crashed process, and their files.
 *
 * Where they are is told by NT_FILE and the auxiliary vector, by the dynamic linker's list where
 * there is no NT_FILE. A file is used when its build-id is the one in the core's memory, and never
 * when it is another; where the core shows none, the file's headers must fit and the module stays
 * unverified. Files are opened when they are first needed.
 *
 * Different modules may be used by different threads at once; one module by one at a time.
 */
#pragma once

#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/core.h"
#include "analyzer/files.h"
#include "analyzer/inflate.h"

/* How much the analysis may rely on files: less when it died of them before. */
enum effort { EFFORT_FULL, EFFORT_SYMBOLS, EFFORT_CORE };

enum module_symbols { SYMBOLS_NONE, SYMBOLS_DYNSYM, SYMBOLS_SYMTAB, SYMBOLS_DWARF };

struct module {
    char *path;
    uint64_t start, end;
    uint64_t file_offset; /* of `start` */
    uint64_t bias;        /* address in memory - address in the file */
    uint8_t build_id[ANALYSIS_BUILD_ID_MAX];
    size_t build_id_size; /* 0: the core shows none */
    bool is_main, is_vdso;
    bool has_header; /* its ELF header is in the core */
    bool verified;   /* its file is the very one */
    bool refused;    /* a file was there, but another one */
    bool used;       /* a frame lies in it */
    enum module_symbols symbols;
    char *package;

    /* Files; NULL where there are none. See module_files.h. */
    bool opened, debug_opened;
    Elf *elf;       /* the file itself, or what the core shows of it */
    Elf *debug_elf; /* its separate debug file */
    Elf *mini_elf;  /* the symbols of .gnu_debugdata */
    Dwarf *dwarf, *alternate;
    Elf *alternate_elf;
    /* What `dwarf`, `alternate` and `mini_elf` are, where they were compressed. */
    struct inflated inflated[3];
    Dwarf *twin; /* another handle of `dwarf`, for a second thread */
    Elf *twin_elf;
    Dwarf_CFI *eh_cfi, *debug_cfi;
    void *copy; /* memory behind `elf` where it was taken from the core */
    int fds[4];
    unsigned fd_count;
};

struct modules {
    struct core *core;
    struct files *files;
    enum effort effort;
    struct module *items; /* sorted by start */
    size_t count;
};

int modules_find(struct core *core, struct files *files, enum effort effort, struct modules *ret);
void modules_free(struct modules *modules);

/* The module at `address`, or NULL. */
struct module *modules_at(const struct modules *modules, uint64_t address);
struct module *modules_main(const struct modules *modules);

/* May code at `address` run? By the core's segment, else by the file that was mapped there. */
bool modules_is_code(const struct modules *modules, uint64_t address);

/* Reads code or constants: from the core, else from the file that was mapped there. Returns the
 * number of bytes. */
size_t modules_read(const struct modules *modules, uint64_t address, void *buffer, size_t size);

#define AUTO_MODULES CLEANUP(modules_free)
