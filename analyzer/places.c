/* SPDX-License-Identifier: GPL-2.0-or-later */
/* places.c - what lies at an address, in words. */
#include "analyzer/places.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/keys.h"

enum {
    NULL_AREA = 64 * 1024,        /* vm.mmap_min_addr: never mapped */
    NEARBY = 1024 * 1024,         /* bytes: an overrun, not a stray pointer */
    STACK_GAP = 1024 * 1024,      /* the kernel's stack_guard_gap, 256 pages */
    DEEP_FRAME = 8 * 1024 * 1024, /* one function's locals at most */
};

/* x86_64: bits 63 to 47 are equal, and the upper half is the kernel's. aarch64: 48 bits, where the
 * topmost byte may be a tag. */
static bool is_canonical(const struct core *core, uint64_t address)
{
    if (core->machine == EM_X86_64)
        return address < 1ull << 47 || address >= 0x1ffffull << 47;
    if (core->machine == EM_AARCH64)
        return (address << 8) >> 8 < 1ull << 52;
    return true;
}

static const char *rights(const struct core_segment *segment)
{
    static const char *const names[8] = {
        "inaccessible", "execute-only", "write-only", "writable and executable",
        "read-only",    "executable",   "writable",   "writable and executable",
    };
    return names[segment->flags & 7];
}

/* The name that /proc/PID/maps had for the mapping, as the record knows it ("[heap]"). */
static bool name_from_maps(const struct core *core, uint64_t address, char *ret, size_t size)
{
    const struct fact *maps = core->metadata ? metadata_get(core->metadata, KEY_PROC_MAPS) : NULL;
    const char *line = maps ? maps->value : NULL;
    while (line && *line) {
        char *end;
        uint64_t start = strtoull(line, &end, 16);
        uint64_t stop = *end == '-' ? strtoull(end + 1, &end, 16) : 0;
        const char *newline = strchr(line, '\n');
        if (address >= start && address < stop) {
            const char *bracket =
                memchr(line, '[', newline ? (size_t)(newline - line) : strlen(line));
            if (bracket)
                snprintf(ret, size, "%.*s", (int)strcspn(bracket, "\n"), bracket);
            return bracket != NULL;
        }
        line = newline ? newline + 1 : NULL;
    }
    return false;
}

static bool is_stack(const struct core *core, const struct core_segment *segment)
{
    struct registers registers = {0};
    if (!core->arch || !core->thread_count)
        return false;
    core_thread_registers(core, &core->threads[0], &registers);
    uint64_t sp = registers.value[core->arch->sp];
    return sp >= segment->start && sp < segment->end;
}

static void describe_mapped(const struct modules *modules, uint64_t address, struct place *place)
{
    const struct core *core = modules->core;
    const struct core_segment *segment = place->segment;
    const struct core_mapping *mapping = core_mapping_at(core, address);
    const struct module *module = modules_at(modules, address);
    char name[256];
    if (mapping)
        snprintf(place->text, sizeof(place->text), "in a %s mapping of %.300s", rights(segment),
                 mapping->path);
    else if (module)
        snprintf(place->text, sizeof(place->text), "in %s data of %.300s", rights(segment),
                 module->path);
    else if (is_stack(core, segment))
        snprintf(place->text, sizeof(place->text), "on the crashing thread's %s stack",
                 rights(segment));
    else if (name_from_maps(core, address, name, sizeof(name)))
        snprintf(place->text, sizeof(place->text), "in %s memory, %s", rights(segment), name);
    else
        snprintf(place->text, sizeof(place->text), "in %s anonymous memory of %llu KiB",
                 rights(segment), (unsigned long long)((segment->end - segment->start) / 1024));
}

static void describe_unmapped(const struct modules *modules, uint64_t address, struct place *place)
{
    const struct core *core = modules->core;
    const struct core_segment *before = core_segment_before(core, address);
    const struct core_segment *after = core_segment_after(core, address);
    struct place neighbour = {0};
    if (before && address - before->end < NEARBY) {
        neighbour.segment = before;
        describe_mapped(modules, before->end - 1, &neighbour);
        snprintf(place->text, sizeof(place->text),
                 "where nothing is mapped, %llu bytes behind what is %.400s",
                 (unsigned long long)(address - before->end), neighbour.text);
    } else if (after && after->start - address < NEARBY) {
        neighbour.segment = after;
        describe_mapped(modules, after->start, &neighbour);
        snprintf(place->text, sizeof(place->text),
                 "where nothing is mapped, %llu bytes before what is %.400s",
                 (unsigned long long)(after->start - address), neighbour.text);
    } else {
        snprintf(place->text, sizeof(place->text), "where nothing is mapped");
    }
}

void place_describe(const struct modules *modules, uint64_t address, struct place *ret)
{
    const struct core *core = modules->core;
    struct place place = {.kind = PLACE_UNMAPPED};
    place.segment = core_segment_at(core, address);
    if (place.segment) {
        uint32_t flags = place.segment->flags;
        place.readable = flags & PF_R;
        place.writable = flags & PF_W;
        place.executable = flags & PF_X;
        place.kind = (flags & (PF_R | PF_W | PF_X)) ? PLACE_MAPPED : PLACE_GUARD;
        describe_mapped(modules, address, &place);
        if (place.kind == PLACE_GUARD)
            snprintf(place.text, sizeof(place.text), "in a guard page, which nothing may access");
    } else if (address < NULL_AREA) {
        place.kind = PLACE_NULL;
        snprintf(place.text, sizeof(place.text),
                 address ? "a NULL pointer plus 0x%llx" : "a NULL pointer",
                 (unsigned long long)address);
    } else if (!is_canonical(core, address)) {
        place.kind = PLACE_NONCANONICAL;
        snprintf(place.text, sizeof(place.text), "no valid address");
    } else {
        describe_unmapped(modules, address, &place);
    }
    *ret = place;
}

bool place_is_stack_overflow(const struct core *core, uint64_t sp, uint64_t address,
                             uint64_t *ret_size)
{
    /* What is touched lies below a writable mapping, in its guard or in the gap under it, and the
     * stack pointer is about there. */
    const struct core_segment *at = core_segment_at(core, address);
    const struct core_segment *stack = core_segment_after(core, address);
    if (!stack || !(stack->flags & PF_W) || (at && at->flags & (PF_R | PF_W)))
        return false;
    uint64_t distance = sp > address ? sp - address : address - sp;
    if (stack->start - address > STACK_GAP + DEEP_FRAME || distance > DEEP_FRAME ||
        (sp >= stack->start && sp - stack->start > STACK_GAP))
        return false;
    if (!at && stack->start - address > STACK_GAP)
        return false;
    *ret_size = stack->end - stack->start;
    return true;
}
