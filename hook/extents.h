/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * extents.h - which parts of the segments have to be copied, and which are known to be zeros.
 *
 * What the kernel writes for a page (get_dump_page() of mm/gup.c), and what is done here:
 *
 *   anonymous, never touched          zeros          nothing is copied
 *   anonymous, present or swapped     its bytes      copied
 *   shared memory, file, vdso         its bytes      copied; reading brings them into memory
 *   absent, with userfaultfd(2)       zeros          nothing: reading would wait for its handler
 *   vvar, vsyscall                    zeros          nothing
 *   closed by a protection key        zeros          nothing, though root's reading would succeed
 *   absent, of a remote file          its bytes      left out: they may never come
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hook/mappings.h"
#include "hook/pagemap.h"
#include "hook/plan.h"
#include "store/base/error.h"

struct extent {
    uint64_t address;
    uint64_t size;
    uint32_t load; /* index into plan->loads; lies within its p_filesz */
    bool has_gaps; /* some pages in it are absent: look again before reading them */
};

struct extents {
    struct extent *items; /* in the order of the loads, ascending in each */
    size_t count, capacity;
    bool *leaves_out;   /* for each load: what lies between its extents is not zeros, but unknown */
    uint64_t size;      /* bytes in extents */
    uint64_t untouched; /* bytes in gaps of at least EXTENTS_HOLE_MIN that are zeros */
    uint64_t left_out;  /* bytes in gaps that are unknown */
    uint64_t merge_gap; /* gaps up to this size were merged into extents with `has_gaps` */
};

enum {
    EXTENTS_HOLE_MIN = 256 * 1024,
    EXTENTS_MAX = 128 * 1024, /* merged ever more coarsely above it: 4 MiB of memory */
};

/*
 * Finds them. The caller checks afterwards that the process still had its memory
 * (pagemap_is_alive()): of a killed one the result is empty. -ENOTSUP where only the pipe can tell
 * what the kernel would write.
 */
int extents_find(const struct plan *plan, const struct mappings *mappings,
                 const struct pagemap *pagemap, struct extents *ret, struct error *error);
void extents_free(struct extents *extents);
#define AUTO_EXTENTS CLEANUP(extents_free)
