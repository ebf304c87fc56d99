/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query.h - which crashes: matches, order, groups, totals.
 *
 * A filter holds conditions. Conditions on the same key are alternatives, those on different keys
 * must all hold. A match is
 *
 *   KEY=value    KEY any JSON key of `list` in any case, or coredumpctl's COREDUMP_ name of it
 *   CRASH        an id, a pid, a signature (from 6 hex digits), a program's name or path, or the
 *                beginning of an id (from 8 characters): the first of these kinds that matches
 *                anything counts as its key
 *
 * Results stream in batches: no read transaction outlives a call, memory does not grow with the
 * result, and each batch comes from one index in order, whatever the number of rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/crash_row.h"
#include "store/store.h"

struct filter;

struct filter *filter_new(void); /* matches everything. NULL without memory */
void filter_free(struct filter *filter);

/* Adds a match. -EINVAL: no such key, or no value for it. A CRASH that matches nothing is a
 * condition that never holds. */
int filter_add(struct filter *filter, struct store *store, const char *match, struct error *error);

void filter_set_since(struct filter *filter, int64_t time_us); /* at or after */
void filter_set_until(struct filter *filter, int64_t time_us); /* at or before */

/*
 * The crashing thread's stack has such a function: the name as shown, or without its arguments, or
 * with `*` and `?` as in the shell. Several are alternatives.
 */
int filter_add_function(struct filter *filter, const char *name, struct error *error);

CLEANUP_FUNCTION(struct filter, filter_free)
#define AUTO_FILTER CLEANUP(filter_free_cleanup)

/* ---- lists ---- */

enum query_order { QUERY_NEWEST_FIRST, QUERY_OLDEST_FIRST };

struct query;

/* `filter` NULL: everything. `limit` 0: no limit. The filter must outlive the query. */
int query_begin(struct store *store, const struct filter *filter, enum query_order order,
                uint64_t limit, struct query **ret, struct error *error);

/* Likewise with rows that need have no more than these fields (crash_row.h). */
int query_begin_fields(struct store *store, const struct filter *filter, enum query_order order,
                       uint64_t limit, uint64_t fields, struct query **ret, struct error *error);

/* 1 and the next row, which is valid until the next call; 0 at the end; a negative errno. */
int query_next(struct query *query, const struct crash_row **ret, struct error *error);
void query_free(struct query *query);

CLEANUP_FUNCTION(struct query, query_free)
#define AUTO_QUERY CLEANUP(query_free_cleanup)

/* The number of rows that match (not the sum of their counts). */
int query_count(struct store *store, const struct filter *filter, uint64_t *ret,
                struct error *error);

/*
 * The one crash that `crash` names: the latest match; NULL or "" means the latest of all. -ENOENT:
 * nothing matches; -ENOTUNIQ: an id prefix of several, which the message lists.
 */
int query_resolve(struct store *store, const char *crash, struct crash_row **ret,
                  struct error *error);

/* The crash with exactly this id. -ENOENT. */
int query_id(struct store *store, const char *id, struct crash_row **ret, struct error *error);

/* Crashes in order of arrival: begins behind `position`, which moves with every row taken. For
 * `watch`: take the position, then poll store_changed() and begin again. */
struct query_position {
    int64_t seq[STORE_SOURCES_MAX];
    struct index *index[STORE_SOURCES_MAX]; /* whose numbers they are */
};
int query_position_now(struct store *store, struct query_position *ret, struct error *error);
int query_begin_arrivals(struct store *store, const struct filter *filter,
                         struct query_position *position, struct query **ret, struct error *error);

/* ---- groups ---- */

enum {
    GROUP_BARS = 24, /* equal spans of time from the first crash of the selection to the last */
    GROUP_IDS = 20,
    GROUP_NAMES = 32,
    GROUP_FRAMES = 16,
};

struct crash_group {
    char signature[CRASH_SIGNATURE_SIZE];
    uint64_t count; /* crashes, counted ones included */
    int64_t first_us, last_us;
    int64_t signal;
    const char *comm, *function;      /* of its latest crash */
    const char *frames[GROUP_FRAMES]; /* what the signature was made of, from the top */
    size_t frame_count;
    const char *users[GROUP_NAMES]; /* names, or uids where there is no name */
    size_t user_count;              /* may exceed GROUP_NAMES: not all are in `users` */
    const char *programs[GROUP_NAMES];
    size_t program_count;
    char ids[GROUP_IDS][LAYOUT_ID_SIZE]; /* the newest, newest first */
    size_t id_count;
    uint64_t bars[GROUP_BARS];
};

/* Calls back with each group, most frequent first; a result other than 0 ends it and is returned.
 * The group is valid during the call. `limit` 0: all. */
typedef int group_function(void *context, const struct crash_group *group);
int query_top(struct store *store, const struct filter *filter, uint64_t limit,
              group_function *function, void *context, struct error *error);

/* ---- totals ---- */

struct store_stats {
    uint64_t crashes; /* sum of counts */
    uint64_t rows, pinned, pending, signatures;
    uint64_t states[RECORD_MISSING + 1];     /* rows by state */
    uint64_t last_hour, last_day, last_week; /* sums of counts */
    int64_t first_us, last_us;               /* CRASH_ABSENT without crashes */

    uint64_t used; /* bytes under the store, all of the following: */
    uint64_t record_bytes, report_bytes, module_bytes, index_bytes, part_bytes;
    uint64_t core_bytes; /* what the stored cores would be uncompressed */

    uint64_t pruned_cores, removed_crashes, freed_bytes; /* by retention, since the index is */
    int64_t last_retention_us;                           /* CRASH_ABSENT: never */
};
int query_stats(struct store *store, struct store_stats *ret, struct error *error);
