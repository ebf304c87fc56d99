/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt.h - takes what hooks have written into the store's care.
 *
 * One adopter at a time, by a lock on new/. For each ID.core.zst in new/, every step idempotent, so
 * that whoever comes next after a fall carries on:
 *
 *   1  a .part without a living hook (no flock) is salvaged and renamed to ID.core.zst
 *   2  crashes/<uid>/ is there, with its mode and ACL
 *   3  the record has its final mode and ACL
 *   4  the index has its row (committed, fsynced)
 *   5  rename into crashes/<uid>/, both directories fsynced
 *
 * Records of /run/inquest/new, where hooks leave them while the store is away, are copied first.
 */
#pragma once

#include <stdbool.h>

#include "store/base/error.h"
#include "store/config.h"
#include "store/metadata.h"
#include "store/store.h"

struct adopt_result {
    unsigned adopted;
    unsigned salvaged; /* dead .part files among them */
    unsigned failed;   /* left where they are; the first one's error is in `error` */
    bool busy;         /* somebody else is at it, and looks again before he ends */
};

/*
 * Drains new/: lock, adopt everything, unlock, look again. A loser of the race for the lock
 * returns 0 at once with `busy`. One bad file does not keep the others. `config`, NULL for the
 * defaults, says how many cores that look alike are firsts until they are explained.
 */
int adopt_all(struct store *store, const struct config *config, struct adopt_result *ret,
              struct error *error);

/* Root's: copies what waits in /run/inquest/new to new/, and removes it there. */
int adopt_runtime(struct store *store, struct error *error);

/* How many wait there for the store at this path, with those that hooks are at or without; 0 for
 * who may not look. */
unsigned adopt_waiting(const char *store, bool with_live);

/*
 * When a crash from elsewhere was, by what a file or a record says of it. What is to come would be
 * the latest for ever, and never old: it becomes now (another clock may be a little ahead), and
 * what was before 1970 becomes 1970.
 */
int64_t adopt_time(int64_t time_us);

/*
 * Stores a core, plain or compressed with zstd, from `in` (may be a pipe) with `facts` (at least
 * time and pid, which make the id; core_facts.h helps), and adopts it. Of a compressed one, at
 * most `max_core` bytes. -EBADMSG where it is no core.
 */
int adopt_import(struct store *store, int in, const struct metadata *facts, uint64_t max_core,
                 struct crash_row **ret, struct error *error);

/*
 * Stores a copy of a finished record from elsewhere, and adopts it. Every byte goes through the
 * reader and the writer; what it says of who may read it is not believed: root alone may. Of its
 * core at most `max_core` bytes that are not zero are taken; the rest is cut off.
 */
int adopt_record(struct store *store, int in, uint64_t max_core, struct crash_row **ret,
                 struct error *error);
