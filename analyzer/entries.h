/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entries.h - which DWARF entry of a unit stands in which: one walk over the unit finds its
 * functions and remembers namespaces, types and functions by their place.
 *
 * DWARF says which entries stand in one, not in which one stands; libdw's dwarf_getscopes_die()
 * walks the unit from its start for each answer. Here it takes a binary search, and a walk over the
 * entries of one type or function.
 */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry {
    Dwarf_Die die;
    const char *end; /* where its next sibling is; NULL: it is the last one of its parent */
    uint32_t parent; /* index, or ENTRY_NONE: the unit itself */
};

enum { ENTRY_NONE = UINT32_MAX };

struct entries {
    struct entry *items; /* by die.addr */
    size_t count, capacity;
};

/* Called for each function, also those in namespaces and types; false ends the walk. */
typedef bool (*entries_function)(void *context, Dwarf_Die *die);

/* Fills `entries`, which is empty. Without memory there are fewer. `function` may be NULL. */
void entries_walk(struct entries *entries, Dwarf_Die *unit, entries_function function,
                  void *context);
void entries_free(struct entries *entries);

/* What `die`, an entry of the walked unit, stands in, innermost first and without the unit itself.
 * Returns the number, at most `max`. */
size_t entries_around(const struct entries *entries, Dwarf_Die *unit, const Dwarf_Die *die,
                      Dwarf_Die *ret, size_t max);
