/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * salvage.h - makes whole records out of what is there: a dead hook's .part, somebody's core file,
 * a record whose core has expired.
 */
#pragma once

#include "store/base/error.h"
#include "store/record.h"

/*
 * Ends an unfinished record in place: cuts what follows the last whole frame, then writes the
 * outcome (`outcome` says at least state and reason) and the seek table. The caller holds the
 * file's flock. A finished record is left as it is (returns 0). -ENODATA where not even the facts
 * are whole.
 */
int salvage_part(int fd, const struct metadata *outcome, struct error *error);

/* Writes to the empty `out` a copy of the record with state `pruned`: facts, rescue core and
 * outcome without the content. */
int salvage_prune(struct record *record, int out, struct error *error);

/* The reason in the outcome of what was cut off at max_core. */
#define SALVAGE_TOO_LARGE "the core is larger than max_core in inquest.conf allows"

/*
 * Reads a core (an ELF file, or one compressed with zstd: its first bytes tell) from `in`, which
 * may be a pipe, and writes it as a record with `facts` to the empty `out`. `outcome` gets state,
 * core_size and source added. Of a compressed one, `max_core` bytes are taken and the rest is left
 * out: it may be a bomb. -EBADMSG where it is no core.
 */
int salvage_import(int in, int out, const struct metadata *facts, uint64_t max_core,
                   struct metadata *outcome, struct error *error);
