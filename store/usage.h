/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage.h - how many bytes lie under a store, in the blocks that the disk gives them.
 *
 * Records and reports come from the index's running totals; what new/ holds, kept modules, the
 * indexes themselves and the cache are few and looked at.
 */
#pragma once

#include <stdint.h>

#include "store/base/error.h"
#include "store/index.h"

struct usage {
    uint64_t records, reports, modules, unadopted;
    uint64_t index;         /* and what else can be had again, LAYOUT_CACHE */
    uint64_t being_written; /* of what is unadopted, the .part files */
};

int usage_of(struct index *index, int storefd, struct usage *ret, struct error *error);

/*
 * Likewise, in a time that does not grow with the files: what kept modules and users' indexes took
 * is remembered in the index. modules/ is looked at again when names have come or gone there, and
 * once a day; crashes/<uid>/, where only analyses and views write, after five minutes, and what
 * views grow by meanwhile is added.
 */
int usage_recent(struct index *index, int storefd, struct usage *ret, struct error *error);

/* Where kept modules have come or gone: the next usage_recent() looks. */
int usage_forget(struct index *index, struct error *error);

/* What a user's index takes, and that it takes so many bytes more, or less, than it did. */
uint64_t usage_of_user_index(int storefd, uid_t uid);
int usage_add_user_index(struct index *index, int64_t bytes, struct error *error);

/* Of what one user sees, by his own index: nothing that tells how much others have. */
int usage_of_view(struct index *own, int storefd, uid_t uid, struct usage *ret,
                  struct error *error);

uint64_t usage_sum(const struct usage *usage);
