/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scopes.c - names of functions with their namespaces and classes. */
#include "analyzer/scopes.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/bytes.h"
#include "store/base/clock.h"

enum {
    BUCKETS = 1024,
    MAX_ORIGINS = 8,  /* from a concrete entry over its abstract one to its declaration */
    MAX_NESTING = 32, /* classes in functions in classes … */
    MAX_AROUND = 128, /* what one entry stands in */
    MAX_NAME = 8 * 1024,
    PATIENCE_US = 3000000, /* spent on this in all */
};

struct known {
    struct known *next;
    void *entry; /* Dwarf_Die.addr: one entry's place in memory */
    char *name;  /* NULL: has none */
};

struct unit {
    struct unit *next;
    Dwarf_Die die;
    struct entries entries;
};

struct scopes {
    struct known *buckets[BUCKETS];
    struct unit *units[BUCKETS];
    uint64_t spent_us;
};

struct scopes *scopes_new(void)
{
    return calloc(1, sizeof(struct scopes));
}

void scopes_free(struct scopes *scopes)
{
    for (size_t i = 0; scopes && i < BUCKETS; i++)
        for (struct known *known = scopes->buckets[i], *next; known; known = next) {
            next = known->next;
            free(known->name);
            free(known);
        }
    for (size_t i = 0; scopes && i < BUCKETS; i++)
        for (struct unit *unit = scopes->units[i], *next; unit; unit = next) {
            next = unit->next;
            entries_free(&unit->entries);
            free(unit);
        }
    free(scopes);
}

static size_t bucket_of(const Dwarf_Die *die)
{
    return ((uintptr_t)die->addr >> 2) % BUCKETS;
}

void scopes_walk(struct scopes *scopes, Dwarf_Die *die, entries_function function, void *context)
{
    struct unit *unit = calloc(1, sizeof(*unit));
    struct unit **bucket = &scopes->units[bucket_of(die)];
    if (!unit)
        return;
    unit->die = *die;
    unit->next = *bucket;
    *bucket = unit;
    entries_walk(&unit->entries, die, function, context);
}

/* The unit that an entry stands in, walked. NULL: there is none, or no memory. */
static struct unit *unit_of(struct scopes *scopes, Dwarf_Die *die)
{
    Dwarf_Die wanted;
    if (!dwarf_diecu(die, &wanted, NULL, NULL))
        return NULL;
    for (int walked = 0; walked < 2; walked++) {
        for (struct unit *unit = scopes->units[bucket_of(&wanted)]; unit; unit = unit->next)
            if (unit->die.addr == wanted.addr)
                return unit;
        scopes_walk(scopes, &wanted, NULL, NULL);
    }
    return NULL;
}

/* Where the entry was declared: that one stands in its class or namespace. */
static Dwarf_Die declaration(const Dwarf_Die *die)
{
    static const unsigned origins[] = {DW_AT_abstract_origin, DW_AT_specification};
    Dwarf_Die found = *die;
    for (unsigned i = 0; i < MAX_ORIGINS; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        bool moved = false;
        for (unsigned j = 0; j < 2 && !moved; j++)
            moved = dwarf_formref_die(dwarf_attr(&found, origins[j], &attribute), &next) != NULL;
        if (!moved)
            break;
        found = next;
    }
    return found;
}

/* C has no scopes, and all its functions lack mangled names: they shall cost nothing. */
static bool has_scopes(Dwarf_Die *die)
{
    Dwarf_Die unit;
    if (!dwarf_diecu(die, &unit, NULL, NULL))
        return false;
    switch (dwarf_srclang(&unit)) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_Mips_Assembler:
    case -1:
        return false;
    default:
        return true;
    }
}

static int append_scope(struct bytes *name, int tag, const char *scope)
{
    size_t size = scope ? strlen(scope) : 0;
    if (!scope && tag == DW_TAG_namespace)
        return bytes_append_text(name, "(anonymous namespace)::");
    if (!scope) /* of types without a name, lambdas have functions */
        return tag == DW_TAG_subprogram ? 0 : bytes_append_text(name, "{lambda()}::");
    if (strncmp(scope, "<lambda", 7) == 0 && scope[size - 1] == '>') /* as its symbol would be */
        return bytes_printf(name, "{%.*s}::", (int)size - 2, scope + 1);
    return bytes_printf(name, "%s::", scope);
}

static bool is_scope(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_module ||
           tag == DW_TAG_subprogram;
}

/* Appends the scopes around `die`, outermost first, each with "::" behind it. */
static int append_scopes(struct scopes *scopes, struct bytes *name, Dwarf_Die *die,
                         unsigned nesting)
{
    Dwarf_Die around[MAX_AROUND];
    struct unit *unit = nesting < MAX_NESTING ? unit_of(scopes, die) : NULL;
    size_t count = unit ? entries_around(&unit->entries, &unit->die, die, around, MAX_AROUND) : 0;
    int r = 0;
    /* A function among them stands where it was declared: its own scopes count from there on. */
    for (size_t i = 0; i < count; i++)
        if (dwarf_tag(&around[i]) == DW_TAG_subprogram) {
            Dwarf_Die declared = declaration(&around[i]);
            r = append_scopes(scopes, name, &declared, nesting + 1);
            count = i + 1;
        }
    for (size_t i = count; r == 0 && i > 0; i--) {
        int tag = dwarf_tag(&around[i - 1]);
        if (is_scope(tag))
            r = append_scope(name, tag, dwarf_diename(&around[i - 1]));
    }
    return r;
}

static char *make_name(struct scopes *scopes, Dwarf_Die *die)
{
    const char *bare = dwarf_diename(die);
    struct bytes name = {0};
    uint64_t start = clock_now_us();
    Dwarf_Die declared = declaration(die);
    if (!bare)
        return NULL;
    int r = append_scopes(scopes, &name, &declared, 0);
    scopes->spent_us += clock_now_us() - start;
    if (r < 0 || name.size > MAX_NAME || bytes_append_text(&name, bare) < 0) {
        bytes_free(&name);
        return strdup(bare);
    }
    return name.data;
}

const char *scopes_name(struct scopes *scopes, Dwarf_Die *die)
{
    struct known **bucket = &scopes->buckets[bucket_of(die)];
    for (const struct known *known = *bucket; known; known = known->next)
        if (known->entry == die->addr)
            return known->name;
    if (!has_scopes(die) || scopes->spent_us > PATIENCE_US)
        return dwarf_diename(die);
    struct known *known = calloc(1, sizeof(*known));
    if (!known)
        return dwarf_diename(die);
    known->entry = die->addr;
    known->name = make_name(scopes, die);
    known->next = *bucket;
    *bucket = known;
    return known->name;
}
