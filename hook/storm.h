/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm.h - crash loops are bounded: how many crashes of a program, of a user, of all together keep
 * how much.
 *
 * One table of fixed size in LAYOUT_RUNTIME, shared by all hooks through a lock; it goes with the
 * machine's run. Programs are known by their executable's device and inode and by the uid, never by
 * a name, which the victim chooses; of a user namespace, all uids are its maker's (facts_account).
 * In a window, the first `full` crashes of a program keep their core, `stacks` more their stacks,
 * `facts` more their facts, the rest is counted. A user has STORM_USER_SHARE times as much for all
 * his programs, the machine STORM_MACHINE_SHARE times. The first of a window and one in each minute
 * stay full all the same.
 *
 * Each bound is charged only for what is kept in the end, so that a user who has come to his own
 * leaves the machine's to others.
 *
 * Counted crashes leave a number in the table. The first of them waits STORM_COUNT_US and writes
 * all that have come meanwhile as one record: see storm_count().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"

#define STORM_FILE "storm"

enum {
    STORM_USER_SHARE = 4,
    STORM_MACHINE_SHARE = 16,
    STORM_SAMPLE_US = 60 * 1000 * 1000,
    STORM_COUNT_US = 10 * 1000 * 1000,
    STORM_COUNT_STALE_US = 3 * STORM_COUNT_US, /* whoever should have counted is dead */
};

/* Ascending: each keeps less. */
enum storm_verdict { STORM_FULL, STORM_STACKS, STORM_FACTS, STORM_COUNT };

struct storm_key {
    uint64_t device, inode; /* 0: unknown */
    uint64_t uid;
};

struct storm_limits {
    uint64_t window_us; /* 0: no storm rules */
    uint64_t full, stacks, facts;
};

struct storm;

/* Opens the table in the directory, making it where it is missing or not understood. */
int storm_open(int dirfd, struct storm **ret, struct error *error);
void storm_free(struct storm *storm);

/* Counts one crash at `now` (microseconds of a clock that goes on) and says how much it keeps.
 * -EAGAIN where the table cannot be locked in time: nobody waits for it while a victim is held. */
int storm_judge(struct storm *storm, const struct storm_key *key, const struct storm_limits *limits,
                uint64_t now, enum storm_verdict *ret);

/*
 * Adds a crash that is only counted. True: the caller is to write the record, which he does by
 * waiting STORM_COUNT_US and then asking storm_collect() how many it stands for.
 */
bool storm_count(struct storm *storm, const struct storm_key *key, uint64_t now);
uint64_t storm_collect(struct storm *storm, const struct storm_key *key);

CLEANUP_FUNCTION(struct storm, storm_free)
#define AUTO_STORM CLEANUP(storm_free_cleanup)
