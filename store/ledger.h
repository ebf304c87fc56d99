/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger.h - how much of max_use is spent: what the keeper has counted, and what hooks have taken
 * since.
 *
 * STORE/new/.ledger, a file of fixed size. `used` is what the last count found under the store and
 * all that has come since; each running hook has an entry with the bytes it may still write, which
 * it holds by an OFD lock: the entry of a hook that died counts as used until the next count. So a
 * hook knows in constant time whether there is room, and a number that was ever wrong is set right
 * by the next keeper.
 *
 * A hook that finds no room asks for some and waits for the count that begins after its question
 * (retention.h makes room before it counts). Losing the file costs nothing but one such count: it
 * bounds what is written, and nobody believes it in anything else. Times and sizes are not secret
 * from the store's owner, to whom it belongs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"

#define LEDGER_FILE ".ledger"

enum { LEDGER_ENTRIES = 2048 }; /* hooks at once; one more finds no room */

struct ledger {
    int fd;          /* -1: there is none, and all is allowed */
    int entry;       /* ours, locked by whoever shares the open file; -1 none */
    uint64_t filled; /* bytes that are on the disk for good: see ledger_close() */
};

#define LEDGER_NONE                                                                                \
    (struct ledger)                                                                                \
    {                                                                                              \
        .fd = -1, .entry = -1                                                                      \
    }

/* Opens the ledger in new/, making it, for uid and gid, where it is missing or not understood. */
int ledger_open(int newfd, uid_t uid, gid_t gid, struct ledger *ret, struct error *error);

/* ---- a hook ---- */

/*
 * Takes `bytes` more for as long as the ledger stays open, if all that is used and taken then stays
 * within `limit`. Always true without a ledger, and where it cannot be locked in time.
 */
bool ledger_take(struct ledger *ledger, uint64_t bytes, uint64_t limit);

/* Asks for room for `bytes`; a keeper is to be started. Returns what ledger_is_answered() wants. */
uint64_t ledger_ask(struct ledger *ledger, uint64_t bytes);

/* True once a count that began after the question has ended. */
bool ledger_is_answered(const struct ledger *ledger, uint64_t question);

/* What was taken is given back, but for what was filled, which counts as used from now on. */
void ledger_close(struct ledger *ledger);
#define AUTO_LEDGER CLEANUP(ledger_close)

/* ---- the keeper ---- */

/* Counts `bytes` that came in another way. */
void ledger_add(struct ledger *ledger, uint64_t bytes);

/* One counts at a time. False: somebody is at it, and will look again, for he has been asked. */
bool ledger_begin_turn(struct ledger *ledger);

/* Ends the turn. True: somebody has asked meanwhile, and it is to be begun again. */
bool ledger_end_turn(struct ledger *ledger);

/* What a count has to know of hooks. */
struct ledger_survey {
    uint64_t taken;    /* bytes that running hooks may have written, or will write */
    uint64_t wanted;   /* bytes that they ask for besides */
    uint64_t filled;   /* see ledger_end_count() */
    uint64_t question; /* likewise */
};

/* Before a count. */
void ledger_begin_count(struct ledger *ledger, struct ledger_survey *ret);

/* After a count, which found `used` bytes without those of running hooks. */
void ledger_end_count(struct ledger *ledger, const struct ledger_survey *survey, uint64_t used);
