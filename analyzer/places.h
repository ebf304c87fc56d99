/* SPDX-License-Identifier: GPL-2.0-or-later */
/* places.h - what lies at an address, in words: which mapping, stack, guard, or nothing. */
#pragma once

#include "analyzer/modules.h"

enum place_kind {
    PLACE_NULL,         /* the first 64 KiB: a NULL pointer and an offset */
    PLACE_NONCANONICAL, /* no address that a process can have */
    PLACE_UNMAPPED,
    PLACE_GUARD, /* mapped, but not to be accessed at all */
    PLACE_MAPPED,
};

struct place {
    enum place_kind kind;
    bool readable, writable, executable;
    const struct core_segment *segment; /* where it is mapped */
    char text[512];                     /* "in the read-only data of /usr/lib/libc.so.6" */
};

void place_describe(const struct modules *modules, uint64_t address, struct place *ret);

/* Has a thread whose stack pointer is `sp` run off its stack by touching `address`? `ret_size` gets
 * the stack's size. */
bool place_is_stack_overflow(const struct core *core, uint64_t sp, uint64_t address,
                             uint64_t *ret_size);
