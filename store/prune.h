/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prune.h - takes the content out of a record: facts, rescue core and outcome stay. */
#pragma once

#include <stdint.h>

#include "store/base/error.h"
#include "store/record.h"
#include "store/store.h"

struct pruned {
    enum record_state state; /* RECORD_PRUNED, or RECORD_MISSING where there was no record */
    int64_t stored_size;
};

/* Writes the small record beside the old one, with its rights, and renames it over. A record that
 * is damaged beyond its facts goes whole; what is no file at that name is left, never followed, and
 * counts as missing. */
int prune_core(struct store *store, const struct crash_row *row, struct pruned *ret,
               struct error *error);

/* What that would leave. */
int prune_estimate(const struct store *store, const struct crash_row *row, struct pruned *ret,
                   struct error *error);
