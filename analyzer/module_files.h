/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module_files.h - opens the files of a module: the ELF file itself, its debug information and its
 * symbols, each only if it is the very one.
 */
#pragma once

#include "analyzer/modules.h"

/* The module's own ELF file (or what the core shows of it) and its .eh_frame. Does nothing the
 * second time. */
void module_open(const struct modules *modules, struct module *module);

/* .debug_info and symbols, in the file or beside it: by build-id, .gnu_debuglink, .gnu_debugdata,
 * and dwz's common file. */
void module_open_debug(const struct modules *modules, struct module *module);

/* A second handle of the module's debug information, for one more thread. NULL where that would
 * cost more than it saves: what libdw decompresses or files share. */
Dwarf *module_twin(struct module *module);

void module_close(struct module *module);

/* The section of that name; NULL where there is none or it holds nothing in this file. */
Elf_Scn *elf_section(Elf *elf, const char *name);
bool elf_has_debug_info(Elf *elf);
