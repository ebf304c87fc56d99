/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debug_info.h - which function, inlined calls and line an address belongs to, by DWARF.
 *
 * libdw's own look-ups scan a whole unit for each address. Here the ranges of all units are sorted
 * once, and the functions of a unit when it is first touched; only the one function's entries are
 * walked for inlined calls. Ranges come from the unit's own entries: clang and rustc leave
 * .debug_aranges out.
 */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEBUG_MAX_DEPTH = 64 }; /* inlined calls at one address */

/* One function at an address: a real one or one inlined into the next. Strings are libdw's
 * or the debug_info's. */
struct debug_frame {
    const char *name;         /* as in the source, with its scopes where there is no linkage name */
    const char *linkage_name; /* mangled; NULL: none */
    const char *file;
    int line, column; /* 0: unknown */
    bool inlined;
};

struct debug_info;

struct debug_info *debug_info_new(Dwarf *dwarf); /* NULL without memory */
void debug_info_free(struct debug_info *info);

/* The functions at `address` (of the file), innermost first. Returns their number, 0: unknown. */
size_t debug_info_at(struct debug_info *info, uint64_t address,
                     struct debug_frame ret[static DEBUG_MAX_DEPTH]);
