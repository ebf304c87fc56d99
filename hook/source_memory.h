/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_memory.h - the core's bytes from the held process itself: scanned, then copied in threads.
 *
 * Layout `kernel`: exactly the bytes the pipe would have given. Layout `sparse`, where
 * never-touched ranges add up to more than 1 GiB: the head is rewritten with PT_LOADs split at the
 * holes.
 */
#pragma once

#include "hook/source.h"
#include "hook/victim.h"

struct plan; /* plan.h: the front of the core, read from the pipe */

/*
 * -ENOSYS where the kernel or the build cannot; -ESTALE where the victim is gone; whatever is
 * returned but 0, the caller drains the pipe instead. Both arguments must outlive the source; the
 * victim's mappings get their details (mappings.h) where those may matter.
 */
int source_memory_new(struct victim *victim, const struct plan *plan, struct source **ret,
                      struct error *error);
