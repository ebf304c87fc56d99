/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debug_info.c - functions, inlined calls and lines of addresses, by indexes over libdw. */
#include "analyzer/debug_info.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/scopes.h"

enum {
    MAX_RANGES = 64 * 1024 * 1024,
    MAX_NESTING = 64,              /* of namespaces, classes and blocks */
    MAX_LOOK_BACK = 256,           /* ranges that start before an address and may hold it */
    MAX_ENTRIES = 4 * 1024 * 1024, /* entries looked at below one function */
};

struct range {
    uint64_t start, end;
    uint64_t target; /* the number of a unit, or the offset of a function's entry */
};

struct ranges {
    struct range *items; /* by start, then the larger first */
    size_t count, capacity;
};

struct unit {
    Dwarf_Die die;
    struct ranges functions;
    bool indexed;
};

struct debug_info {
    Dwarf *dwarf;
    struct scopes *scopes;
    Dwarf_Aranges *aranges; /* which compilers leave out, in whole or for some units; NULL: none */
    struct unit *units;     /* those that were needed, or all */
    size_t unit_count, unit_capacity;
    struct ranges units_at;
    bool has_all; /* units_at is of all */
};

/* What the linker discarded lies at 0 (or 1, in lists of ranges). */
static bool is_discarded(uint64_t start)
{
    return start <= 1;
}

static bool add_range(struct ranges *ranges, uint64_t start, uint64_t end, uint64_t target)
{
    if (start >= end || is_discarded(start))
        return true;
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity ? 2 * ranges->capacity : 64;
        struct range *grown =
            capacity <= MAX_RANGES ? realloc(ranges->items, capacity * sizeof(*grown)) : NULL;
        if (!grown)
            return false;
        ranges->items = grown;
        ranges->capacity = capacity;
    }
    ranges->items[ranges->count++] = (struct range){start, end, target};
    return true;
}

static bool add_ranges_of(struct ranges *ranges, Dwarf_Die *die, uint64_t target)
{
    Dwarf_Addr base, start, end;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;)
        if (!add_range(ranges, start, end, target))
            return false;
    return true;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->end > y->end ? -1 : x->end < y->end;
}

static void sort_ranges(struct ranges *ranges)
{
    if (ranges->count)
        qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
}

/* The innermost range that holds `address`. */
static const struct range *find_range(const struct ranges *ranges, uint64_t address)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i > 0 && low - i < MAX_LOOK_BACK; i--)
        if (address < ranges->items[i - 1].end)
            return &ranges->items[i - 1];
    return NULL;
}

static struct unit *add_unit(struct debug_info *info, const Dwarf_Die *die)
{
    if (info->unit_count == info->unit_capacity) {
        size_t capacity = info->unit_capacity ? 2 * info->unit_capacity : 64;
        struct unit *grown = realloc(info->units, capacity * sizeof(*grown));
        if (!grown)
            return NULL;
        info->units = grown;
        info->unit_capacity = capacity;
    }
    info->units[info->unit_count] = (struct unit){.die = *die};
    return &info->units[info->unit_count++];
}

struct debug_info *debug_info_new(Dwarf *dwarf)
{
    struct debug_info *info = calloc(1, sizeof(*info));
    if (!info)
        return NULL;
    info->dwarf = dwarf;
    info->scopes = scopes_new();
    if (!info->scopes) {
        free(info);
        return NULL;
    }
    size_t count;
    if (dwarf_getaranges(dwarf, &info->aranges, &count) != 0 || count == 0)
        info->aranges = NULL;
    return info;
}

void debug_info_free(struct debug_info *info)
{
    if (!info)
        return;
    for (size_t i = 0; i < info->unit_count; i++)
        free(info->units[i].functions.items);
    free(info->units);
    free(info->units_at.items);
    scopes_free(info->scopes);
    free(info);
}

static bool has_code(Dwarf_Die *die)
{
    return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

static bool add_function(void *context, Dwarf_Die *die)
{
    struct unit *unit = context;
    return !has_code(die) || add_ranges_of(&unit->functions, die, dwarf_dieoffset(die));
}

/* The entries of functions at an address, outermost first; [0] is the real one. */
struct chain {
    Dwarf_Die dies[DEBUG_MAX_DEPTH];
    size_t count;
    uint64_t address;
    unsigned looked_at;
};

/* Goes down to the innermost call that was inlined at the address. A function nested in this one
 * (GNU C, Ada) takes its place. */
static bool descend(struct chain *chain, Dwarf_Die *parent, unsigned nesting)
{
    Dwarf_Die die;
    if (nesting > MAX_NESTING || dwarf_child(parent, &die) != 0)
        return false;
    do {
        int tag = dwarf_tag(&die);
        if (++chain->looked_at > MAX_ENTRIES)
            return false;
        bool is_block =
            tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
        bool is_function = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram;
        if (!is_block && !is_function)
            continue;
        if (is_block && !has_code(&die)) {
            if (descend(chain, &die, nesting + 1))
                return true;
            continue;
        }
        if (dwarf_haspc(&die, chain->address) <= 0)
            continue;
        if (tag == DW_TAG_subprogram)
            chain->count = 0;
        if (is_function && chain->count < DEBUG_MAX_DEPTH)
            chain->dies[chain->count++] = die;
        (void)descend(chain, &die, nesting + 1); /* nothing deeper is fine, too */
        return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

static const char *linkage_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
    return name ? name
                : dwarf_formstring(dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute));
}

static int number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    if (dwarf_formudata(dwarf_attr(die, name, &attribute), &value) != 0 || value > INT32_MAX)
        return 0;
    return (int)value;
}

/* Where an inlined function was called from: that is where the function around it stands. */
static void read_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct debug_frame *ret)
{
    Dwarf_Files *files;
    size_t count;
    int file = number_of(inlined, DW_AT_call_file);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && (size_t)file < count)
        ret->file = dwarf_filesrc(files, (size_t)file, NULL, NULL);
    ret->line = number_of(inlined, DW_AT_call_line);
    ret->column = number_of(inlined, DW_AT_call_column);
}

static void read_line(Dwarf_Die *unit, uint64_t address, struct debug_frame *ret)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    if (!line)
        return;
    ret->file = dwarf_linesrc(line, NULL, NULL);
    (void)dwarf_lineno(line, &ret->line); /* stay 0 */
    (void)dwarf_linecol(line, &ret->column);
}

/* Reads the entry of each unit: what costs most in a large program. */
static void add_all_units(struct debug_info *info)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die die, split;
    uint8_t type;
    info->has_all = true;
    while (dwarf_get_units(info->dwarf, unit, &unit, NULL, &type, &die, &split) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        bool is_split = type == DW_UT_skeleton && dwarf_tag(&split) == DW_TAG_compile_unit;
        if (!add_unit(info, is_split ? &split : &die) ||
            !add_ranges_of(&info->units_at, &die, info->unit_count - 1))
            break;
    }
    sort_ranges(&info->units_at);
}

static struct unit *find_unit(struct debug_info *info, uint64_t address)
{
    if (!info->has_all)
        add_all_units(info);
    const struct range *range = find_range(&info->units_at, address);
    return range ? &info->units[range->target] : NULL;
}

/* The same by .debug_aranges alone. Split units are left to find_unit(). */
static struct unit *find_unit_quickly(struct debug_info *info, uint64_t address)
{
    Dwarf_Arange *arange =
        info->aranges && !info->has_all ? dwarf_getarange_addr(info->aranges, address) : NULL;
    Dwarf_Addr start;
    Dwarf_Off offset;
    Dwarf_Die die;
    uint8_t type;
    if (!arange || dwarf_getarangeinfo(arange, &start, NULL, &offset) != 0 || is_discarded(start) ||
        !dwarf_offdie(info->dwarf, offset, &die) ||
        dwarf_cu_info(die.cu, NULL, &type, NULL, NULL, NULL, NULL, NULL) != 0 ||
        type != DW_UT_compile)
        return NULL;
    for (size_t i = 0; i < info->unit_count; i++)
        if (info->units[i].die.addr == die.addr)
            return &info->units[i];
    return add_unit(info, &die);
}

static size_t look_into(struct debug_info *info, struct unit *unit, uint64_t address,
                        struct debug_frame ret[static DEBUG_MAX_DEPTH])
{
    if (!unit->indexed) {
        unit->indexed = true;
        scopes_walk(info->scopes, &unit->die, add_function, unit);
        sort_ranges(&unit->functions);
    }
    ret[0] = (struct debug_frame){0};
    read_line(&unit->die, address, &ret[0]);

    struct chain chain = {.address = address};
    const struct range *function = find_range(&unit->functions, address);
    if (!function || !dwarf_offdie(info->dwarf, function->target, &chain.dies[0]))
        return ret[0].file ? 1 : 0;
    chain.count = 1;
    Dwarf_Die outermost = chain.dies[0];
    (void)descend(&chain, &outermost, 0);
    for (size_t i = 0; i < chain.count; i++) {
        Dwarf_Die *die = &chain.dies[chain.count - 1 - i];
        ret[i].linkage_name = linkage_name(die);
        ret[i].name = ret[i].linkage_name ? dwarf_diename(die) : scopes_name(info->scopes, die);
        ret[i].inlined = i + 1 < chain.count;
        if (i + 1 < chain.count) {
            ret[i + 1] = (struct debug_frame){0};
            read_call(&unit->die, die, &ret[i + 1]);
        }
    }
    return chain.count;
}

size_t debug_info_at(struct debug_info *info, uint64_t address,
                     struct debug_frame ret[static DEBUG_MAX_DEPTH])
{
    struct unit *unit = find_unit_quickly(info, address);
    size_t count = unit ? look_into(info, unit, address, ret) : 0;
    if (count == 0 && (unit = find_unit(info, address)))
        count = look_into(info, unit, address, ret);
    return count;
}
