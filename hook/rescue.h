/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescue.h - a small valid core that is enough for a backtrace: notes, live stacks, ELF headers,
 * dynamic sections, link maps.
 */
#pragma once

#include "hook/victim.h"

struct plan; /* plan.h: the front of the core, read from the pipe */

enum rescue_depth {
    RESCUE_NOTES,  /* ELF header and notes alone: what mode `facts` keeps */
    RESCUE_STACKS, /* enough for every thread's backtrace */
    RESCUE_AROUND, /* mode `stacks`: also the memory around the registers' pointers */
};

/* Appends a whole core to `ret`. -ENOSYS, -ESTALE where the victim is gone. */
int rescue_build(const struct victim *victim, const struct plan *plan, enum rescue_depth depth,
                 struct bytes *ret, struct error *error);
