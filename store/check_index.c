/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_index.c - the index against itself, and its rows against the files. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/check_work.h"
#include "store/layout.h"
#include "store/query.h"

/* ---- the index ---- */

/* What sqlite says of the database: "ok", or its first complaint. */
static int quick_check(struct check *check, char ret[static 128], struct error *error)
{
    sqlite3_stmt *statement;
    struct database *database = index_database(check_index_of(check));
    int r = database_prepare(database, "PRAGMA quick_check(1)", &statement, error, "");
    if (r < 0)
        return r;
    int code = sqlite3_step(statement);
    snprintf(ret, 128, "%s",
             code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0)
                                : sqlite3_errmsg(database_handle(database)));
    sqlite3_reset(statement);
    return 0;
}

static int check_is_there(void *context, const char *name)
{
    struct check *check = context;
    if (store_source_in_memory(check->store, check->source))
        check_tell(check, CHECK_INDEX_DAMAGED, NULL, name, CHECK_NOT_TRIED,
                   "the index is missing, damaged or locked: what is listed comes from the files");
    return 0;
}

int check_index(struct check *check, struct error *error)
{
    struct suspects suspects = {.check = check, .function = check_is_there, .context = check};
    char says[128];
    (void)check_suspect(&suspects, LAYOUT_INDEX);
    (void)check_settle(&suspects);
    if (store_source_in_memory(check->store, check->source))
        return 0;
    int r = quick_check(check, says, error);
    if (r < 0 && r != -EUCLEAN)
        return r;
    if (r == 0 && strcmp(says, "ok") == 0)
        return 0;
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check)) {
        uint64_t crashes;
        fixed = store_rebuild_index(check->store, NULL, NULL, &crashes, error);
    }
    check_tell(check, CHECK_INDEX_DAMAGED, NULL, LAYOUT_INDEX, fixed, "the index is damaged: %s",
               r < 0 ? error->text : says);
    return fixed < 0 ? fixed : r < 0 && fixed == CHECK_NOT_TRIED ? r : 0;
}

/* ---- totals ---- */

struct total {
    const char *what, *differs, *repair;
};

/* Each `differs` counts the groups whose running total is not what their rows add up to. */
#define ROW_BYTES                                                                                  \
    "((ifnull(stored_size, 0) + 4095) / 4096 + (ifnull(report_size, 0) + 4095) / 4096) * 4096"
#define ROW_REPORTS "(ifnull(report_size, 0) + 4095) / 4096 * 4096"
#define USAGE_ROWS                                                                                 \
    "SELECT ifnull(account, -1), count(*), sum(count), sum(content), sum(" ROW_BYTES               \
    "), sum(" ROW_REPORTS ") FROM crash GROUP BY ifnull(account, -1)"
#define STATE_ROWS "SELECT state, count(*) FROM crash GROUP BY state"
#define SIGNATURE_ROWS                                                                             \
    "SELECT signature, sum(count), sum(content), min(time), max(time) FROM crash"                  \
    " WHERE signature IS NOT NULL GROUP BY signature"

static const struct total totals[] = {
    {"bytes and crashes of users",
     "SELECT count(*) FROM (" USAGE_ROWS
     " EXCEPT SELECT account, rows, crashes, cores, bytes, reports FROM usage)",
     "DELETE FROM usage; INSERT INTO usage (account, rows, crashes, cores, bytes, "
     "reports) " USAGE_ROWS},
    {"crashes by state",
     "SELECT count(*) FROM (" STATE_ROWS " EXCEPT SELECT state, rows FROM state)",
     "DELETE FROM state; INSERT INTO state (state, rows) " STATE_ROWS},
    {"crashes by signature",
     "SELECT count(*) FROM (" SIGNATURE_ROWS
     " EXCEPT SELECT seq, count, cores, first, last FROM signature)",
     "UPDATE signature SET (count, cores, first, last) = (SELECT ifnull(sum(count), 0),"
     " ifnull(sum(content), 0), min(time), max(time) FROM crash"
     " WHERE crash.signature = signature.seq)"},
};

static int repair_total(struct check *check, const struct total *total, struct error *error)
{
    int r = check_begin(check, error);
    if (r < 0)
        return r;
    r = database_script(index_database(check_index_of(check)), total->repair, error);
    return check_end(check, r, error);
}

int check_totals(struct check *check, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
        int64_t differing;
        int r = database_get(index_database(check_index_of(check)), error, &differing,
                             totals[i].differs, "");
        if (r < 0)
            return r;
        if (differing == 0)
            continue;
        int fixed = check_repairs(check) ? repair_total(check, &totals[i], error) : CHECK_NOT_TRIED;
        check_tell(check, CHECK_TOTALS, NULL, LAYOUT_INDEX, fixed,
                   "the index's running totals are off: %s (%" PRId64 ")", totals[i].what,
                   differing);
        if (fixed < 0)
            return fixed;
    }
    return 0;
}

/* ---- rows ---- */

static bool has_file(const struct check *check, const struct crash_row *row, const char *suffix)
{
    char path[LAYOUT_PATH_SIZE];
    struct stat st;
    layout_crash_path(path, row->owner, row->id, suffix);
    return fstatat(check->storefd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* The report is evidence: with it, the row stays and says what is missing. */
static int repair_row(struct check *check, const struct crash_row *row, bool has_report,
                      struct error *error)
{
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    if (!has_report)
        return store_remove(check->store, row, true, error);
    int r = store_begin_change(check->store, row, &now, error);
    if (r < 0)
        return r;
    r = index_set_stored(check_index_of(check), now->seq, RECORD_MISSING, false, 0, error);
    return store_end_change(check->store, r, error);
}

struct rows {
    struct check *check;
    struct error *error;
};

/* A row without its record, unless it isn't adopted to its end, or says itself that nothing but the
 * report is left. */
static int check_row(void *context, const char *id)
{
    const struct rows *rows = context;
    struct check *check = rows->check;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    char path[LAYOUT_PATH_SIZE];
    if (check_find(check, id, &row) < 0)
        return 0;
    row->source = check->source;
    if (has_file(check, row, LAYOUT_RECORD_SUFFIX))
        return 0;
    AUTO_FD int fd = store_open_record(check->store, row, NULL);
    bool has_report = has_file(check, row, LAYOUT_REPORT_SUFFIX);
    if (fd >= 0 || (row->core == RECORD_MISSING && has_report))
        return 0;
    int fixed =
        check_repairs(check) ? repair_row(check, row, has_report, rows->error) : CHECK_NOT_TRIED;
    layout_crash_path(path, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    check_tell(check, CHECK_ROW_WITHOUT_FILE, row->id, path, fixed, "its record is gone%s",
               has_report ? "; the report is still there" : "");
    return fixed < 0 ? fixed : 0;
}

static int suspect_rows(struct check *check, struct suspects *suspects, struct error *error)
{
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    int r = query_begin(check->store, NULL, QUERY_OLDEST_FIRST, 0, &query, error);
    while (r >= 0 && (r = query_next(query, &row, error)) == 1) {
        if (row->source != check->source)
            continue;
        check->result.crashes++;
        if (!has_file(check, row, LAYOUT_RECORD_SUFFIX))
            r = check_suspect(suspects, row->id);
    }
    return r;
}

int check_rows(struct check *check, struct error *error)
{
    struct rows rows = {check, error};
    struct suspects suspects = {.check = check, .function = check_row, .context = &rows};
    int r = suspect_rows(check, &suspects, error);
    int settled = check_settle(&suspects); /* without the query: a repair may replace the index */
    return r < 0 ? r : settled;
}
