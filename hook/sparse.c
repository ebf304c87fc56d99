/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sparse.c - layout `sparse`: the kernel's segments, split at what was never touched. */
#include "hook/sparse.h"

#include <errno.h>
#include <stdlib.h>

enum { SEGMENTS_WANTED = 60000 }; /* fewer than PN_XNUM where the kernel's are: all readers cope */

struct split {
    const struct plan *plan;
    const struct extents *extents;
    uint64_t hole_min; /* shorter runs of zeros stay in the file */
    Elf64_Phdr *loads; /* NULL: only count */
    size_t count;
};

/* Adds [start, end) of a load, with its bytes in the file or as a hole. */
static void emit(struct split *split, const Elf64_Phdr *load, uint64_t start, uint64_t end,
                 bool has_bytes)
{
    if (start == end)
        return;
    if (split->loads) {
        Elf64_Phdr *part = &split->loads[split->count];
        *part = *load;
        part->p_vaddr = start;
        part->p_paddr = 0;
        part->p_filesz = has_bytes ? end - start : 0;
        part->p_memsz = end - start;
    }
    split->count++;
}

/* Splits one load; `extent` is the first of its own. Returns the first of the next load. */
static size_t split_load(struct split *split, size_t index, size_t extent)
{
    const Elf64_Phdr *load = &split->plan->loads[index];
    const struct extents *extents = split->extents;
    const bool leaves_out = extents->leaves_out[index];
    const uint64_t end = load->p_vaddr + load->p_filesz;
    uint64_t start = load->p_vaddr, at = start; /* bytes are in the file from start to at */

    for (;;) {
        bool is_extent = extent < extents->count && extents->items[extent].load == index;
        uint64_t next = is_extent ? extents->items[extent].address : end;
        if (next > at && (leaves_out || next - at >= split->hole_min)) {
            emit(split, load, start, at, true);
            if (!leaves_out)
                emit(split, load, at, next, false);
            start = next;
        }
        if (!is_extent) {
            emit(split, load, start, end, true);
            break;
        }
        at = next + extents->items[extent++].size;
    }
    if (load->p_memsz > load->p_filesz) /* what the kernel named, but did not dump */
        emit(split, load, end, load->p_vaddr + load->p_memsz, false);
    return extent;
}

static void split_all(struct split *split)
{
    size_t extent = 0;
    split->count = 0;
    for (size_t i = 0; i < split->plan->load_count; i++)
        extent = split_load(split, i, extent);
}

int sparse_split(const struct plan *plan, const struct extents *extents, Elf64_Phdr **ret,
                 size_t *ret_count)
{
    struct split split = {plan, extents, EXTENTS_HOLE_MIN, NULL, 0};

    split_all(&split);
    while (split.count > SEGMENTS_WANTED && split.count > 2 * plan->load_count &&
           split.hole_min < (1ull << 40)) {
        split.hole_min *= 4;
        split_all(&split);
    }
    split.loads = calloc(split.count + 1, sizeof *split.loads);
    if (!split.loads)
        return -ENOMEM;
    split_all(&split);
    *ret = split.loads;
    *ret_count = split.count;
    return 0;
}
