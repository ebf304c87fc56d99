/* SPDX-License-Identifier: GPL-2.0-or-later */
/* entries.c - which entry of a unit stands in which. */
#include "analyzer/entries.h"

#include <dwarf.h>
#include <stdlib.h>

enum {
    MAX_NESTING = 64, /* of namespaces and classes */
    MAX_ENTRIES = 16 * 1024 * 1024,
    MAX_STEPS = 1024 * 1024, /* over the entries of one type or function */
};

struct walk {
    struct entries *entries;
    entries_function function;
    void *context;
};

static bool is_type(int tag)
{
    return tag == DW_TAG_class_type || tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
           tag == DW_TAG_enumeration_type;
}

static bool holds_functions(int tag)
{
    return is_type(tag) || tag == DW_TAG_namespace || tag == DW_TAG_module;
}

static uint32_t add(struct entries *entries, const Dwarf_Die *die, uint32_t parent)
{
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity ? 2 * entries->capacity : 256;
        struct entry *grown =
            capacity <= MAX_ENTRIES ? realloc(entries->items, capacity * sizeof(*grown)) : NULL;
        if (!grown)
            return ENTRY_NONE;
        entries->items = grown;
        entries->capacity = capacity;
    }
    entries->items[entries->count] = (struct entry){.die = *die, .parent = parent};
    return (uint32_t)entries->count++;
}

/* To the next sibling, which is never before this one: endless chains end here. */
static bool move_on(Dwarf_Die *die)
{
    const char *before = die->addr;
    return dwarf_siblingof(die, die) == 0 && (const char *)die->addr > before;
}

static bool walk_children(struct walk *walk, Dwarf_Die *parent, uint32_t parent_index,
                          unsigned nesting)
{
    struct entries *entries = walk->entries;
    bool in_type = is_type(dwarf_tag(parent));
    uint32_t last = ENTRY_NONE;
    Dwarf_Die die;
    if (nesting > MAX_NESTING || dwarf_child(parent, &die) != 0)
        return true;
    do {
        int tag = dwarf_tag(&die);
        bool is_scope = holds_functions(tag), is_function = tag == DW_TAG_subprogram;
        if (last != ENTRY_NONE)
            entries->items[last].end = die.addr;
        last = ENTRY_NONE;
        if (is_function && walk->function && !walk->function(walk->context, &die))
            return false;
        /* what types declare holds nothing that is looked for */
        if ((is_scope || (is_function && !in_type)) && dwarf_haschildren(&die) > 0)
            last = add(entries, &die, parent_index);
        if (is_scope && !walk_children(walk, &die, last, nesting + 1))
            return false;
    } while (move_on(&die));
    return true;
}

void entries_walk(struct entries *entries, Dwarf_Die *unit, entries_function function,
                  void *context)
{
    struct walk walk = {.entries = entries, .function = function, .context = context};
    (void)walk_children(&walk, unit, ENTRY_NONE, 0); /* false: what was found so far */
}

void entries_free(struct entries *entries)
{
    free(entries->items);
    *entries = (struct entries){0};
}

/* The innermost entry that was remembered and holds `address`. */
static uint32_t find(const struct entries *entries, const char *address)
{
    size_t low = 0, high = entries->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((const char *)entries->items[middle].die.addr < address)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t found = low > 0 ? (uint32_t)low - 1 : ENTRY_NONE;
    for (uint32_t i = found; i != ENTRY_NONE; i = entries->items[i].parent)
        if (entries->items[i].end && entries->items[i].end <= address)
            found = entries->items[i].parent;
    return found;
}

/* From `die` one step down towards `address`; false: that is what stands in it directly. */
static bool step_down(Dwarf_Die *die, const char *address)
{
    Dwarf_Die child, next;
    if (dwarf_child(die, &child) != 0)
        return false;
    for (unsigned i = 0; i < MAX_STEPS && (const char *)child.addr < address; i++) {
        next = child;
        if (!move_on(&next) || (const char *)next.addr > address) {
            *die = child;
            return true;
        }
        child = next;
    }
    return false;
}

static void reverse(Dwarf_Die *dies, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        Dwarf_Die swapped = dies[i];
        dies[i] = dies[count - 1 - i];
        dies[count - 1 - i] = swapped;
    }
}

size_t entries_around(const struct entries *entries, Dwarf_Die *unit, const Dwarf_Die *die,
                      Dwarf_Die *ret, size_t max)
{
    size_t count = 0;
    uint32_t found = find(entries, die->addr);
    Dwarf_Die below = found == ENTRY_NONE ? *unit : entries->items[found].die;
    while (count < max && step_down(&below, die->addr))
        ret[count++] = below;
    reverse(ret, count);
    for (uint32_t i = found; i != ENTRY_NONE && count < max; i = entries->items[i].parent)
        ret[count++] = entries->items[i].die;
    return count;
}
