/* SPDX-License-Identifier: GPL-2.0-or-later */
/* groups.c - crashes by signature: how often, since when, whose. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/filter.h"
#include "store/index.h"
#include "store/query.h"

enum { TALLY_MAX = 256 }; /* distinct users or programs of a group that are told apart */

/* ---- which groups ---- */

struct ranked {
    char signature[CRASH_SIGNATURE_SIZE];
    uint64_t count;
};

struct ranking {
    struct ranked *at;
    size_t n, capacity;
};

static void ranking_free(struct ranking *ranking)
{
    free(ranking->at);
}

static int ranking_add(struct ranking *ranking, const char *signature, uint64_t count)
{
    if (ranking->n == ranking->capacity) {
        size_t capacity = ranking->capacity ? ranking->capacity * 2 : 256;
        struct ranked *at = reallocarray(ranking->at, capacity, sizeof *at);
        if (!at)
            return -ENOMEM;
        ranking->at = at;
        ranking->capacity = capacity;
    }
    struct ranked *new = &ranking->at[ranking->n++];
    snprintf(new->signature, sizeof new->signature, "%s", signature);
    new->count = count;
    return 0;
}

static int rank_source(struct index *index, const struct filter *filter, struct ranking *ranking,
                       struct error *error)
{
    AUTO_COMPILED struct compiled compiled = {0};
    AUTO_BYTES struct bytes sql = {0};
    struct database *database = index_database(index);
    sqlite3_stmt *statement;
    int code, r = filter_compile(filter, index, false, &compiled, error);
    if (r < 0 || compiled.never)
        return r;
    if (filter_is_empty(filter))
        r = bytes_append_text(&sql, "SELECT name, count FROM signature WHERE count > 0");
    else
        r = bytes_printf(
            &sql,
            "SELECT (SELECT name FROM signature WHERE seq = crash.signature),"
            " CAST(total(count) AS INTEGER) FROM crash WHERE signature IS NOT NULL AND %s"
            " GROUP BY signature",
            compiled.where.data);
    if (r < 0)
        return error_errno(error, -r, "query");
    if (sqlite3_prepare_v2(database_handle(database), sql.data, -1, &statement, NULL) != SQLITE_OK)
        return database_error(database, error, "query");
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        if (name)
            r = ranking_add(ranking, name, (uint64_t)sqlite3_column_int64(statement, 1));
    }
    if (r == 0 && code != SQLITE_DONE)
        r = database_error(database, error, "query");
    sqlite3_finalize(statement);
    return r;
}

static int by_signature(const void *a, const void *b)
{
    return strcmp(((const struct ranked *)a)->signature, ((const struct ranked *)b)->signature);
}

static int by_count(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return by_signature(a, b);
}

/* Groups that several sources have become one. */
static void ranking_merge(struct ranking *ranking)
{
    size_t kept = 0;
    if (ranking->n == 0)
        return;
    qsort(ranking->at, ranking->n, sizeof *ranking->at, by_signature);
    for (size_t i = 0; i < ranking->n; i++)
        if (kept > 0 && by_signature(&ranking->at[kept - 1], &ranking->at[i]) == 0)
            ranking->at[kept - 1].count += ranking->at[i].count;
        else
            ranking->at[kept++] = ranking->at[i];
    ranking->n = kept;
    qsort(ranking->at, ranking->n, sizeof *ranking->at, by_count);
}

/* ---- one group ---- */

/* Distinct texts of one source, by number. */
struct tally {
    int64_t keys[TALLY_MAX];
    size_t n, last;
};

static void tally_add(struct tally *tally, int64_t key)
{
    if (tally->n && tally->keys[tally->last] == key)
        return;
    size_t i = 0;
    while (i < tally->n && tally->keys[i] != key)
        i++;
    if (i == TALLY_MAX)
        return;
    if (i == tally->n)
        tally->keys[tally->n++] = key;
    tally->last = i;
}

struct group_work {
    struct crash_group group;
    struct bytes frames;              /* by newlines; cut into lines in place */
    char *names[2 * GROUP_NAMES + 2]; /* what the group's texts point to */
    size_t n_names;
    struct crash_row *latest;
};

static void group_work_free(struct group_work *work)
{
    bytes_free(&work->frames);
    for (size_t i = 0; i < work->n_names; i++)
        free(work->names[i]);
    crash_row_free(work->latest);
}

/* Keeps a copy of a text for the group; the same text twice is kept once. */
static void keep_name(struct group_work *work, const char *text, const char **names,
                      size_t *n_names)
{
    size_t kept = *n_names < GROUP_NAMES ? *n_names : GROUP_NAMES;
    for (size_t i = 0; i < kept; i++)
        if (strcmp(names[i], text) == 0)
            return;
    (*n_names)++;
    if (kept == GROUP_NAMES)
        return;
    char *copy = strdup(text);
    if (!copy) {
        (*n_names)--;
        return;
    }
    work->names[work->n_names++] = copy;
    names[kept] = copy;
}

/* The filter's rows of this signature in one source, oldest first. */
static int prepare_members(struct index *index, const struct filter *filter, const char *signature,
                           sqlite3_stmt **ret, struct error *error)
{
    AUTO_COMPILED struct compiled compiled = {0};
    AUTO_BYTES struct bytes sql = {0};
    struct database *database = index_database(index);
    int64_t seq;
    *ret = NULL;
    int r = database_get(database, error, &seq, "SELECT seq FROM signature WHERE name = ?1", "t",
                         signature);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = filter_compile(filter, index, false, &compiled, error);
    if (r < 0 || compiled.never)
        return r;
    if (bytes_printf(&sql,
                     "SELECT time, user, uid, name, count FROM crash INDEXED BY crash_signature"
                     " WHERE signature = %lld AND %s ORDER BY time, seq",
                     (long long)seq, compiled.where.data) < 0)
        return error_errno(error, ENOMEM, "query");
    if (sqlite3_prepare_v2(database_handle(database), sql.data, -1, ret, NULL) != SQLITE_OK)
        return database_error(database, error, "query");
    return 0;
}

struct span {
    int64_t first, last;
};

static void add_to_bars(struct crash_group *group, const struct span *span, int64_t time_us,
                        uint64_t n)
{
    double width = (double)span->last - (double)span->first + 1;
    double at = ((double)time_us - (double)span->first) / width * GROUP_BARS;
    if (at >= 0 && at < GROUP_BARS)
        group->bars[(int)at] += n;
}

static int count_members(struct group_work *work, struct index *index, sqlite3_stmt *statement,
                         const struct span *span, struct error *error)
{
    struct tally users = {0}, uids = {0}, programs = {0};
    struct crash_group *group = &work->group;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t time_us = sqlite3_column_int64(statement, 0);
        uint64_t n = (uint64_t)sqlite3_column_int64(statement, 4);
        if (group->count == 0 || time_us < group->first_us)
            group->first_us = time_us;
        if (group->count == 0 || time_us > group->last_us)
            group->last_us = time_us;
        group->count += n;
        add_to_bars(group, span, time_us, n);
        if (sqlite3_column_type(statement, 1) != SQLITE_NULL)
            tally_add(&users, sqlite3_column_int64(statement, 1));
        else if (sqlite3_column_type(statement, 2) != SQLITE_NULL)
            tally_add(&uids, sqlite3_column_int64(statement, 2));
        if (sqlite3_column_type(statement, 3) != SQLITE_NULL)
            tally_add(&programs, sqlite3_column_int64(statement, 3));
    }
    if (code != SQLITE_DONE)
        return database_error(index_database(index), error, "query");

    for (size_t i = 0; i < users.n; i++)
        keep_name(work, index_text(index, users.keys[i]) ?: "?", group->users, &group->user_count);
    for (size_t i = 0; i < uids.n; i++) {
        char uid[24];
        snprintf(uid, sizeof uid, "%lld", (long long)uids.keys[i]);
        keep_name(work, uid, group->users, &group->user_count);
    }
    for (size_t i = 0; i < programs.n; i++)
        keep_name(work, index_text(index, programs.keys[i]) ?: "?", group->programs,
                  &group->program_count);
    return 0;
}

static int count_all_members(struct group_work *work, struct store *store,
                             const struct filter *filter, const struct span *span,
                             struct error *error)
{
    int r = 0;
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++) {
        struct index *index = store_index(store, i);
        sqlite3_stmt *statement;
        r = prepare_members(index, filter, work->group.signature, &statement, error);
        if (r == 0 && statement)
            r = count_members(work, index, statement, span, error);
        sqlite3_finalize(statement);
        if (r == 0 && !work->frames.size)
            r = index_signature_frames(index, work->group.signature, &work->frames, error);
    }
    return r;
}

/* The newest ids, and what the latest crash says for the group. */
static int list_members(struct group_work *work, struct store *store, struct filter *filter,
                        struct error *error)
{
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    struct crash_group *group = &work->group;
    int r = query_begin(store, filter, QUERY_NEWEST_FIRST, GROUP_IDS, &query, error);
    while (r >= 0 && (r = query_next(query, &row, error)) == 1) {
        memcpy(group->ids[group->id_count++], row->id, sizeof row->id);
        if (!work->latest && !(work->latest = crash_row_copy(row)))
            return error_errno(error, ENOMEM, "query");
    }
    if (r < 0 || !work->latest)
        return r;
    group->signal = work->latest->signal;
    group->comm = work->latest->text[CRASH_COMM];
    group->function = work->latest->text[CRASH_FUNCTION];
    return 0;
}

static void split_frames(struct group_work *work)
{
    struct crash_group *group = &work->group;
    char *rest = work->frames.data, *line;
    while (group->frame_count < GROUP_FRAMES && (line = strsep(&rest, "\n")))
        group->frames[group->frame_count++] = line;
}

static int make_group(struct store *store, const struct filter *filter, const char *signature,
                      const struct span *span, group_function *function, void *context,
                      struct error *error)
{
    CLEANUP(group_work_free) struct group_work work = {0};
    AUTO_FILTER struct filter *members = filter_copy_with_signature(filter, signature);
    if (!members)
        return error_errno(error, ENOMEM, "query");
    snprintf(work.group.signature, sizeof work.group.signature, "%s", signature);
    int r = count_all_members(&work, store, filter, span, error);
    if (r == 0)
        r = list_members(&work, store, members, error);
    if (r < 0)
        return r;
    split_frames(&work);
    return work.group.count ? function(context, &work.group) : 0;
}

/* The first and the last crash of the selection: what the bars span. */
static int find_span(struct store *store, const struct filter *filter, struct span *ret,
                     struct error *error)
{
    static const enum query_order orders[] = {QUERY_OLDEST_FIRST, QUERY_NEWEST_FIRST};
    int64_t ends[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        AUTO_QUERY struct query *query = NULL;
        const struct crash_row *row = NULL;
        int r = query_begin(store, filter, orders[i], 1, &query, error);
        if (r == 0)
            r = query_next(query, &row, error);
        if (r < 0)
            return r;
        if (row)
            ends[i] = row->time_us;
    }
    *ret = (struct span){ends[0], ends[1]};
    return 0;
}

int query_top(struct store *store, const struct filter *filter, uint64_t limit,
              group_function *function, void *context, struct error *error)
{
    CLEANUP(ranking_free) struct ranking ranking = {0};
    struct span span;
    int r = find_span(store, filter, &span, error);
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++)
        r = rank_source(store_index(store, i), filter, &ranking, error);
    ranking_merge(&ranking);
    for (size_t i = 0; i < ranking.n && (limit == 0 || i < limit) && r == 0; i++)
        r = make_group(store, filter, ranking.at[i].signature, &span, function, context, error);
    return r;
}
