/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stats.c - what a store holds, in numbers. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/index.h"
#include "store/query.h"
#include "store/usage.h"
#include "store/when.h"

#define HOUR_US (3600 * INT64_C(1000000))

/* An index may be older than the bounds of crash_row.c: sum() would fail where total() goes on. */
#define SUM(column) "SELECT CAST(total(" column ") AS INTEGER)"

/* One number of one source. NULL counts as nothing. */
static int add_number(struct index *index, uint64_t *sum, const char *sql, int64_t parameter,
                      struct error *error)
{
    int64_t value;
    int r = database_get(index_database(index), error, &value, sql, strstr(sql, "?1") ? "n" : "",
                         parameter);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    *sum += value == CRASH_ABSENT || value < 0 ? 0 : (uint64_t)value;
    return 0;
}

static int add_numbers(struct index *index, struct store_stats *stats, struct error *error)
{
    int64_t now = when_now();
    const struct {
        uint64_t *sum;
        const char *sql;
        int64_t parameter;
    } numbers[] = {
        {&stats->crashes, SUM("crashes") " FROM usage", 0},
        {&stats->rows, SUM("rows") " FROM usage", 0},
        {&stats->pinned, "SELECT count(*) FROM crash INDEXED BY crash_pinned WHERE pinned = 1", 0},
        {&stats->pending, "SELECT count(*) FROM crash INDEXED BY crash_pending WHERE analysis = 0",
         0},
        {&stats->signatures, "SELECT count(*) FROM signature", 0},
        {&stats->last_hour, SUM("count") " FROM crash WHERE time >= ?1", now - HOUR_US},
        {&stats->last_day, SUM("count") " FROM crash WHERE time >= ?1", now - 24 * HOUR_US},
        {&stats->last_week, SUM("count") " FROM crash WHERE time >= ?1", now - 7 * 24 * HOUR_US},
        {&stats->core_bytes,
         SUM("core_size") " FROM crash INDEXED BY crash_core WHERE content = 1"
                          " AND pinned = 0",
         0},
        {&stats->core_bytes,
         SUM("core_size") " FROM crash INDEXED BY crash_pinned WHERE pinned = 1"
                          " AND content = 1",
         0},
        {&stats->pruned_cores, "SELECT value FROM meta WHERE name = '" INDEX_PRUNED "'", 0},
        {&stats->removed_crashes, "SELECT value FROM meta WHERE name = '" INDEX_REMOVED "'", 0},
        {&stats->freed_bytes, "SELECT value FROM meta WHERE name = '" INDEX_FREED "'", 0},
    };
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(numbers) && r == 0; i++)
        r = add_number(index, numbers[i].sum, numbers[i].sql, numbers[i].parameter, error);
    for (int i = 0; i <= RECORD_MISSING && r == 0; i++)
        r = add_number(index, &stats->states[i], "SELECT rows FROM state WHERE state = ?1", i,
                       error);
    return r;
}

/* The earlier of two times (or the later, with `sign` -1), where either may be absent. */
static int64_t extreme(int64_t a, int64_t b, int sign)
{
    if (a == CRASH_ABSENT || b == CRASH_ABSENT)
        return a == CRASH_ABSENT ? b : a;
    return (a < b) == (sign > 0) ? a : b;
}

static int add_times(struct index *index, struct store_stats *stats, struct error *error)
{
    struct database *database = index_database(index);
    int64_t first, last, retention;
    int r = database_get(database, error, &first, "SELECT min(time) FROM crash", "");
    if (r == 0)
        r = database_get(database, error, &last, "SELECT max(time) FROM crash", "");
    if (r == 0)
        r = index_meta(index, INDEX_RETENTION, &retention, error);
    if (r != 0)
        return r;
    stats->first_us = extreme(stats->first_us, first, 1);
    stats->last_us = extreme(stats->last_us, last, -1);
    if (retention)
        stats->last_retention_us = extreme(stats->last_retention_us, retention, -1);
    return 0;
}

int query_stats(struct store *store, struct store_stats *ret, struct error *error)
{
    struct store_stats stats = {
        .first_us = CRASH_ABSENT, .last_us = CRASH_ABSENT, .last_retention_us = CRASH_ABSENT};
    int r = store_refresh(store, error);
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++) {
        struct index *index = store_index(store, i);
        r = add_numbers(index, &stats, error);
        if (r == 0)
            r = add_times(index, &stats, error);
        if (r == 0 && !store_source_is_unadopted(store, i)) {
            struct usage usage;
            r = store_source_is_own_view(store, i)
                    ? usage_of_view(index, store_fd(store, i), geteuid(), &usage, error)
                    : usage_of(index, store_fd(store, i), &usage, error);
            if (r < 0)
                return r;
            stats.record_bytes += usage.records;
            stats.report_bytes += usage.reports;
            stats.module_bytes += usage.modules;
            stats.index_bytes += usage.index;
            stats.part_bytes += usage.unadopted;
            stats.used += usage_sum(&usage);
        }
    }
    if (r == 0)
        *ret = stats;
    return r;
}
