/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * elf_symbols.h - which function's symbol covers an address of a module: its symbol tables, sorted.
 *
 * .symtab of the file and of its debug file, .gnu_debugdata's, and .dynsym are merged. A symbol
 * of .symtab without a size reaches to the next one, within its section.
 */
#pragma once

#include "analyzer/modules.h"

struct elf_symbol {
    uint64_t start, end; /* addresses in the file */
    const char *name;    /* raw, the ELF file's */
    uint8_t rank;        /* the better of two at one place is the higher */
};

struct elf_symbols;

struct elf_symbols *elf_symbols_new(const struct module *module); /* NULL without memory */
void elf_symbols_free(struct elf_symbols *symbols);

/* `address` is the file's. NULL where no symbol covers it. */
const struct elf_symbol *elf_symbols_at(const struct elf_symbols *symbols, uint64_t address);

/* The first symbol of that name ("@version" behind it doesn't count), of any type; false: none. */
bool elf_symbol_find(Elf *elf, const char *name, GElf_Sym *ret);
