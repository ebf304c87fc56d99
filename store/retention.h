/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retention.h - keeps the store within its budgets: facts and reports outlive bulk.
 *
 * Over age: cores older than core_age lose their content, crashes older than report_age go; those
 * that came under a [rule] have that rule's ages, as the config says them today.
 * Over size (max_use of everything under the store, or less than keep_free left on the disk), until
 * it fits, what can be made anew first:
 *
 *      the cache, under keep_free or where it has more than its part of max_use
 *   0  cores that are larger than all that crashes may use
 *   1  cores of repeats: of users who use more than their equal share, then of anybody
 *   2  cores of firsts: likewise
 *   3  whole crashes: of repeats, then of firsts, likewise
 *
 * Within a step the user with most bytes gives, his oldest first; all ids of a user namespace are
 * who made it (KEY_ACCOUNT). A first is one of the first
 * `keep_per_signature` cores of its signature, or, before that is known, of its user's program and
 * signal. Pins are never touched. For keep_free,
 * and for what is still being written, crashes do not go whole: facts are small. Each decision
 * costs the same whatever the store holds: the index keeps running totals.
 *
 * What hooks have taken of max_use, and what they ask for, is looked up in the ledger (ledger.h),
 * which hears afterwards how much is used.
 *
 * Where a crash's files cannot be changed (immutable, unreadable), that is told, and it is left
 * out of the run: the others give way in its place. Likewise what cannot be deleted in the cache.
 *
 * A file is replaced or removed first, then the index is told: whoever dies in between has counted
 * too much, never too little, and check.h sets it right.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/config.h"
#include "store/crash_row.h"
#include "store/store.h"

#define RETENTION_UNLIMITED UINT64_MAX

struct budgets {
    uint64_t max_use, keep_free;         /* bytes, or RETENTION_UNLIMITED (keep_free: 0) */
    uint64_t core_age_us, report_age_us; /* or RETENTION_UNLIMITED */
    const struct config *config;         /* whose [rule]s have ages of their own; NULL: no rules */
};

/* The budgets that the configuration, which must live as long, means on the filesystem of
 * `storefd`. */
int retention_budgets(const struct config *config, int storefd, struct budgets *ret,
                      struct error *error);

enum retention_action {
    RETENTION_PRUNE,  /* the content goes; facts, rescue core and report stay */
    RETENTION_REMOVE, /* everything goes */
    RETENTION_MODULE, /* a kept ELF file that no core needs any more */
    RETENTION_CACHE,  /* all of cache/, made anew once there is room */
    RETENTION_SKIP,   /* nothing: the files would not let themselves be changed */
};

enum retention_budget {
    RETENTION_NO_BUDGET, /* no core is left that may need a module; or nothing was done */
    RETENTION_CORE_AGE,
    RETENTION_REPORT_AGE,
    RETENTION_MAX_USE,
    RETENTION_KEEP_FREE,
};

struct retention_reason {
    enum retention_budget budget;
    uint64_t limit;      /* what that is: bytes, or microseconds of an age */
    bool by_rule;        /* it is that of the row's [rule], and not that of all */
    uint64_t allowed;    /* what max_use leaves for the cache, or a core that is larger; else 0 */
    bool has_user;       /* of what makes room: whose turn it was */
    uint64_t user_bytes; /* what the row's account had then */
    uint64_t share;      /* its equal one, where that was why; else 0 */
};

struct retention_decision {
    enum retention_action action;
    const struct crash_row *row; /* NULL for a module and the cache, also where it is skipped */
    const char *path;            /* below the store */
    struct retention_reason reason;
    const char *trouble; /* of RETENTION_SKIP, in words; else NULL */
    uint64_t bytes;      /* what it frees */
};

struct retention_result {
    uint64_t pruned, removed, modules, freed;
    uint64_t skipped; /* decisions RETENTION_SKIP: the next run tries again */
    uint64_t used;    /* bytes under the store afterwards */
    bool over;        /* still over budget: what is left is pinned, being written or skipped */
};

typedef void retention_function(void *context, const struct retention_decision *decision);

/* Applies the budgets, or with `dry_run` only says what would be done. `function` may be NULL. */
int retention_run(struct store *store, const struct budgets *budgets, bool dry_run,
                  retention_function *function, void *context, struct retention_result *ret,
                  struct error *error);
