/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-retention.c - what gives way, in which order, and what never does. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/cache_files.h"
#include "store/index.h"
#include "store/module_store.h"
#include "store/pin.h"
#include "store/query.h"
#include "store/record.h"
#include "store/retention.h"
#include "store/usage.h"
#include "store/when.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define DAY    (24 * 3600 * SECOND)

enum { CORE = 200 * 1000, CORE_BLOCKS = 204800, KEEP = 2 };

static const struct budgets unlimited = {
    .max_use = RETENTION_UNLIMITED,
    .core_age_us = RETENTION_UNLIMITED,
    .report_age_us = RETENTION_UNLIMITED,
};

/* What was decided, as text: "P20261122-…" pruned, "R…" removed, "S…" skipped. */
struct log {
    char text[64][LAYOUT_ID_SIZE + 1];
    size_t n;
    uint64_t bytes;
};

static void note(void *context, const struct retention_decision *decision)
{
    struct log *log = context;
    if (!decision->row)
        return;
    assert_true(log->n < ARRAY_SIZE(log->text));
    assert_true(decision->trouble || decision->reason.budget != RETENTION_NO_BUDGET);
    snprintf(log->text[log->n++], sizeof log->text[0], "%c%s",
             decision->action == RETENTION_PRUNE    ? 'P'
             : decision->action == RETENTION_REMOVE ? 'R'
                                                    : 'S',
             decision->row->id);
    log->bytes += decision->bytes;
}

static void run(struct fixture *fixture, const struct budgets *budgets, bool dry_run,
                struct log *log, struct retention_result *ret)
{
    struct error error = {0};
    *log = (struct log){0};
    if (retention_run(fixture->store, budgets, dry_run, note, log, ret, &error) < 0)
        fail_msg("%s", error.text);
}

/* A crash so many days ago, of a user, with a signature; the row's id. */
static void add(struct fixture *fixture, int64_t pid, int64_t days, int64_t uid,
                const char *signature, char ret_id[static LAYOUT_ID_SIZE])
{
    const struct example example = {
        .time_us = when_now() - days * DAY, .pid = pid, .uid = uid, .content = CORE};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    if (signature)
        fixture_explain(fixture, row, signature, signature, "f", KEEP);
    memcpy(ret_id, row->id, LAYOUT_ID_SIZE);
}

static enum record_state state_of(struct fixture *fixture, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id);
    if (!row)
        return RECORD_MISSING;
    assert_int_equal(store_row_core(fixture->store, row), row->core);
    return row->core;
}

static void test_nothing_to_do(void **state)
{
    struct fixture *fixture = *state;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE];
    add(fixture, 1, 1000, 1000, NULL, id);
    run(fixture, &unlimited, false, &log, &result);
    assert_int_equal(log.n, 0);
    assert_true(result.used > CORE_BLOCKS);
    assert_false(result.over);
}

static void test_age(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char recent[LAYOUT_ID_SIZE], old[LAYOUT_ID_SIZE], ancient[LAYOUT_ID_SIZE], kept[LAYOUT_ID_SIZE];
    add(fixture, 1, 1, 1000, "000000000000000a", recent);
    add(fixture, 2, 20, 1000, "000000000000000b", old);
    add(fixture, 3, 400, 1000, "000000000000000c", ancient);
    add(fixture, 4, 400, 1000, "000000000000000d", kept);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, kept);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    budgets.core_age_us = 14 * DAY;
    budgets.report_age_us = 365 * DAY;

    for (int dry_run = 1; dry_run >= 0; dry_run--) {
        run(fixture, &budgets, dry_run, &log, &result);
        assert_int_equal(result.pruned, 2);
        assert_int_equal(result.removed, 1);
        assert_int_equal(state_of(fixture, recent), RECORD_FULL);
        assert_int_equal(state_of(fixture, kept), RECORD_FULL);
        assert_int_equal(state_of(fixture, old), dry_run ? RECORD_FULL : RECORD_PRUNED);
        assert_int_equal(state_of(fixture, ancient), dry_run ? RECORD_FULL : RECORD_MISSING);
        assert_int_equal(fixture_has(fixture, "crashes/1000/%s.core.zst", ancient), dry_run);
    }
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 0); /* once is enough */

    AUTO_CRASH_ROW struct crash_row *pruned = fixture_row(fixture, old);
    AUTO_FD int fd = store_open_record(fixture->store, pruned, NULL);
    AUTO_RECORD struct record *record = NULL;
    assert_int_equal(record_open(fd, &record, NULL), 0);
    assert_int_equal(record_state(record), RECORD_PRUNED);
    assert_int_equal(record_content_size(record), 0);
    assert_int_equal(record_file_size(record), pruned->stored_size);
    assert_string_equal(metadata_text(record_metadata(record), "comm"), "boom");
    assert_string_equal(pruned->signature, "000000000000000b"); /* the evidence stays */
}

/* Bytes that crashes may use, so that `n` full cores fit beside everything else. */
static uint64_t room_for(struct fixture *fixture, unsigned n, unsigned pruned)
{
    struct usage usage;
    assert_int_equal(
        usage_of(store_writable_index(fixture->store), store_fd(fixture->store, 0), &usage, NULL),
        0);
    return usage.index + usage.modules + usage.unadopted + usage.reports +
           (uint64_t)n * CORE_BLOCKS + (uint64_t)pruned * 4096 + 2048;
}

static void test_age_by_rule(void **state)
{
    static const char text[] = "[store]\ncore_age = 14d\nreport_age = 1y\n"
                               "[rule short]\ncomm = a\ncore_age = 1d\nreport_age = 30d\n"
                               "[rule long]\ncomm = b\ncore_age = 100d\n";
    static const struct {
        const char *rule;
        int64_t days;
        enum record_state then;
    } cases[] = {
        {NULL, 2, RECORD_FULL},      {"short", 2, RECORD_PRUNED},   {"short", 40, RECORD_MISSING},
        {"long", 40, RECORD_FULL},   {"long", 200, RECORD_PRUNED},  {"gone", 2, RECORD_FULL},
        {"gone", 40, RECORD_PRUNED}, {"long", 400, RECORD_MISSING},
    };
    struct fixture *fixture = *state;
    AUTO_CONFIG struct config *config = NULL;
    struct retention_result result;
    struct budgets budgets;
    struct log log;
    char id[ARRAY_SIZE(cases)][LAYOUT_ID_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct example example = {.time_us = when_now() - cases[i].days * DAY,
                                        .pid = (int64_t)i + 1,
                                        .uid = 1000,
                                        .rule = cases[i].rule,
                                        .content = CORE};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
        memcpy(id[i], row->id, LAYOUT_ID_SIZE);
    }
    assert_int_equal(config_parse("test", text, sizeof text - 1, NULL, NULL, &config), 0);
    assert_int_equal(retention_budgets(config, store_writable_fd(fixture->store), &budgets, NULL),
                     0);
    budgets.keep_free = 0;
    run(fixture, &budgets, false, &log, &result);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(state_of(fixture, id[i]), cases[i].then);
}

/* Nobody has explained them: what looks alike comes after the first. */
static void test_unexplained_repeats(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[7][LAYOUT_ID_SIZE];

    for (int i = 0; i < 7; i++) /* the default keeps five */
        add(fixture, i + 1, 20 - i, 1000, NULL, id[i]);
    run(fixture, &budgets, false, &log, &result);
    budgets.max_use = result.used - CORE_BLOCKS;
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 2);
    for (int i = 0; i < 7; i++)
        assert_int_equal(state_of(fixture, id[i]), i < 5 ? RECORD_FULL : RECORD_PRUNED);
}

static void test_repeats_before_firsts(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log, dry;
    char id[8][LAYOUT_ID_SIZE];
    /* Five of one bug, of which two are firsts; one of another, the oldest of all. */
    add(fixture, 1, 9, 1000, "000000000000000b", id[0]);
    for (int i = 1; i < 6; i++)
        add(fixture, 1 + i, 9 - i, 1000, "000000000000000a", id[i]);

    budgets.max_use = room_for(fixture, 2, 4);
    run(fixture, &budgets, true, &dry, &result);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 4);
    assert_memory_equal(dry.text, log.text, sizeof log.text); /* a dry run tells the truth */
    static const int order[] = {3, 4, 5, 0}; /* repeats, oldest first; then the oldest first */
    for (int i = 0; i < 4; i++)
        assert_string_equal(log.text[i] + 1, id[order[i]]);
    assert_int_equal(state_of(fixture, id[1]), RECORD_FULL);
    assert_int_equal(state_of(fixture, id[2]), RECORD_FULL);
    assert_true(result.used <= budgets.max_use);
    assert_false(result.over);
}

static void test_cores_before_crashes_and_never_pins(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[4][LAYOUT_ID_SIZE];
    for (int i = 0; i < 4; i++)
        add(fixture, 1 + i, 9 - i, 1000, i < 2 ? "000000000000000a" : NULL, id[i]);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id[0]);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    budgets.max_use = room_for(fixture, 0, 0); /* no crash fits */
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 3);
    assert_int_equal(result.removed, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(log.text[i][0], 'P');
        assert_int_equal(log.text[3 + i][0], 'R');
    }
    assert_true(result.over); /* the pin */
    assert_int_equal(state_of(fixture, id[0]), RECORD_FULL);
    uint64_t n;
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
}

static void test_who_uses_most_gives(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char modest[LAYOUT_ID_SIZE], greedy[6][LAYOUT_ID_SIZE];
    add(fixture, 1, 30, 1001, "000000000000000a",
        modest);                  /* older than all, and a repeat's sibling */
    for (int i = 0; i < 6; i++) { /* each a bug of its own: all firsts */
        char signature[CRASH_SIGNATURE_SIZE];
        snprintf(signature, sizeof signature, "%016x", 0xb0 + i);
        add(fixture, 2 + i, 9 - i, 1000, signature, greedy[i]);
    }
    budgets.max_use = room_for(fixture, 4, 3);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(log.text[i] + 1, greedy[i]);
    assert_int_equal(state_of(fixture, modest), RECORD_FULL);
}

/* Six uids of one user namespace have one share: their maker's. */
static void test_ids_of_a_namespace_share(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char modest[2][LAYOUT_ID_SIZE];
    for (int i = 0; i < 2; i++) /* older than all, and twice what each of the six has */
        add(fixture, 1 + i, 30, 1001, NULL, modest[i]);
    for (int i = 0; i < 6; i++) {
        const struct example example = {.time_us = when_now() - (9 - i) * DAY,
                                        .pid = 3 + i,
                                        .uid = 100000 + i,
                                        .account = 1000,
                                        .content = CORE};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
        assert_int_equal(row->account, 1000);
    }
    budgets.max_use = room_for(fixture, 4, 4);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 4);
    for (int i = 0; i < 2; i++)
        assert_int_equal(state_of(fixture, modest[i]), RECORD_FULL);
}

static void test_too_large_goes_first(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char small[2][LAYOUT_ID_SIZE];
    for (int i = 0; i < 2; i++)
        add(fixture, 1 + i, 9 - i, 1000, NULL, small[i]);
    const struct example example = {
        .time_us = when_now(), .pid = 9, .uid = 1000, .content = (uint64_t)5 * CORE};
    AUTO_CRASH_ROW struct crash_row *large = fixture_add(fixture, &example);
    budgets.max_use = room_for(fixture, 3, 1);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 1);
    assert_string_equal(log.text[0] + 1, large->id);
    assert_int_equal(state_of(fixture, small[0]), RECORD_FULL);
}

/* A budget that the index alone is over, and a core under way that is larger than it. */
static void test_takes_nothing_in_vain(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE], coming[LAYOUT_ID_SIZE];
    add(fixture, 1, 1, 1000, NULL, id);
    budgets.max_use = 1;
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.removed, 0);
    assert_true(result.over);
    assert_int_equal(state_of(fixture, id), RECORD_PRUNED); /* cores do give way */

    add(fixture, 2, 1, 1000, NULL, id);
    budgets.max_use = room_for(fixture, 3, 1);
    const struct example example = {.time_us = when_now(),
                                    .pid = 9,
                                    .uid = 1000,
                                    .content = (uint64_t)20 * CORE,
                                    .unfinished = true};
    fixture_write(fixture, &example, LAYOUT_PART_SUFFIX, coming);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 0);
    assert_int_equal(state_of(fixture, id), RECORD_FULL);
}

static void test_index_is_tidied(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = index_database(store_writable_index(fixture->store));
    char id[LAYOUT_ID_SIZE];
    int64_t before, after, pages;
    add(fixture, 1, 1, 1000, "000000000000000a", id);
    assert_int_equal(database_get(database, NULL, &before, "SELECT count(*) FROM text", ""), 0);
    assert_int_equal(
        database_script(database,
                        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                        " WHERE i < 50000) INSERT INTO text (value) SELECT CAST(printf('%0200d', i)"
                        " AS BLOB) FROM n",
                        NULL),
        0);
    assert_int_equal(index_tidy(store_writable_index(fixture->store), NULL), 0);
    assert_int_equal(database_get(database, NULL, &after, "SELECT count(*) FROM text", ""), 0);
    assert_int_equal(after, before);
    assert_int_equal(database_get(database, NULL, &pages, "PRAGMA freelist_count", ""), 0);
    assert_int_equal(pages, 0);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id);
    assert_string_equal(row->text[CRASH_COMM], "boom");
    assert_string_equal(row->text[CRASH_FUNCTION], "f");
}

static void test_full_disk_takes_no_facts(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE];
    add(fixture, 1, 1, 1000, NULL, id);
    budgets.keep_free = UINT64_MAX; /* whoever filled it: it was not us */
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 1);
    assert_int_equal(result.removed, 0);
    assert_true(result.over);
    assert_int_equal(state_of(fixture, id), RECORD_PRUNED);
}

/* Others write meanwhile, so not to the byte: some go, and some stay. */
static void test_full_disk_takes_what_helps(void **state)
{
    enum { CRASHES = 40 };
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct statvfs fs;
    struct log log;
    char id[LAYOUT_ID_SIZE];
    for (int i = 1; i <= CRASHES; i++)
        add(fixture, i, 1, 1000, "000000000000000a", id);
    assert_int_equal(fstatvfs(store_fd(fixture->store, 0), &fs), 0);
    uint64_t wanted = (uint64_t)CRASHES / 2 * CORE_BLOCKS;
    budgets.keep_free = (uint64_t)fs.f_bavail * fs.f_frsize + wanted;
    run(fixture, &budgets, true, &log, &result);
    assert_in_range(result.pruned, 1, CRASHES - 1);
    run(fixture, &budgets, false, &log, &result);
    assert_in_range(result.pruned, 1, CRASHES - 1);
    assert_int_equal(result.removed, 0);
    assert_false(result.over);
}

/* The first to go, and nothing else when that is enough. */
static void test_cache_goes_first(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE];
    const struct iovec part = {(char[8192]){0}, 8192};
    add(fixture, 1, 1, 1000, NULL, id);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "x.debug", &part, 1), 0);
    budgets.max_use = 32 << 20; /* too little for a cache */
    run(fixture, &budgets, true, &log, &result);
    assert_int_equal(result.freed, 8192);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.freed, 8192);
    assert_int_equal(result.pruned, 0);
    assert_int_equal(cache_open(store_fd(fixture->store, 0), "x.debug"), -ENOENT);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.freed, 0);
}

static void test_files_that_are_gone_or_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char gone[LAYOUT_ID_SIZE], damaged[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    add(fixture, 1, 20, 1000, NULL, gone);
    add(fixture, 2, 20, 1000, NULL, damaged);
    layout_crash_path(path, 1000, gone, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    layout_crash_path(path, 1000, damaged, LAYOUT_RECORD_SUFFIX);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    budgets.core_age_us = DAY;
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 2);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, damaged);
    assert_int_equal(row->core, RECORD_MISSING);
    assert_int_equal(row->stored_size, 0);
    assert_false(fixture_has(fixture, "%s", path));
}

/* What is no record does not stop the others, is never followed, and stays; a name where there may
 * be only what we write is nobody's else. */
static void test_names_that_are_no_records(void **state)
{
    enum { LINK, DIRECTORY, FIFO, SOUND, CASES };
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[CASES][LAYOUT_ID_SIZE], path[CASES][LAYOUT_PATH_SIZE];
    int storefd = store_fd(fixture->store, 0);
    AUTO_FD int elsewhere = openat(storefd, "elsewhere", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(elsewhere, "mine", 4), 4);
    for (int i = 0; i < CASES; i++) {
        add(fixture, 1 + i, 20, 1000, NULL, id[i]);
        layout_crash_path(path[i], 1000, id[i], LAYOUT_RECORD_SUFFIX);
        if (i != SOUND)
            assert_int_equal(unlinkat(storefd, path[i], 0), 0);
    }
    assert_int_equal(symlinkat("../../elsewhere", storefd, path[LINK]), 0);
    assert_int_equal(mkdirat(storefd, path[DIRECTORY], 0700), 0);
    assert_int_equal(mkfifoat(storefd, path[FIFO], 0600), 0);

    budgets.core_age_us = DAY;
    run(fixture, &budgets, true, &log, &result);
    assert_int_equal(result.pruned, CASES);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, CASES);
    assert_int_equal(result.skipped, 0);
    assert_int_equal(state_of(fixture, id[SOUND]), RECORD_PRUNED);
    for (int i = 0; i < CASES; i++) {
        AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id[i]);
        assert_true(fixture_has(fixture, "%s", path[i]));
        assert_int_equal(row->core, i == SOUND ? RECORD_PRUNED : RECORD_MISSING);
    }

    budgets.report_age_us = DAY;
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.removed, CASES);
    for (int i = 0; i < CASES; i++)
        assert_int_equal(fixture_has(fixture, "%s", path[i]), i == DIRECTORY);
    assert_true(fixture_has(fixture, "elsewhere"));
    struct stat st;
    assert_int_equal(fstat(elsewhere, &st), 0);
    assert_int_equal(st.st_size, 4);
}

/* A crash whose directory is a link: what is there is not the store's. */
static void test_directory_that_is_a_link(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE];
    int storefd = store_fd(fixture->store, 0);
    add(fixture, 1, 20, 1000, NULL, id);
    assert_int_equal(renameat(storefd, "crashes/1000", storefd, "elsewhere"), 0);
    assert_int_equal(symlinkat("../elsewhere", storefd, "crashes/1000"), 0);
    budgets.core_age_us = budgets.report_age_us = DAY;
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.removed, 1);
    assert_true(fixture_has(fixture, "elsewhere/%s.core.zst", id));
}

/* False where the filesystem or our rights know nothing of it. */
static bool set_immutable(struct fixture *fixture, const char *path, bool on)
{
    int flags = 0;
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_RDONLY);
    assert_true(fd >= 0);
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
        return false;
    flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static void test_immutable_record(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[4][LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    for (int i = 0; i < 4; i++)
        add(fixture, 1 + i, 20 - i, 1000, NULL, id[i]);
    layout_crash_path(path, 1000, id[0], LAYOUT_RECORD_SUFFIX);
    if (!set_immutable(fixture, path, true)) {
        print_message("no immutable files here\n");
        return;
    }
    /* Over size: the second oldest goes in place of the oldest. */
    budgets.max_use = room_for(fixture, 3, 1);
    run(fixture, &budgets, false, &log, &result);
    bool goes_on = log.n == 2 && log.text[0][0] == 'S' && strcmp(log.text[0] + 1, id[0]) == 0 &&
                   strcmp(log.text[1] + 1, id[1]) == 0;
    bool over = result.over;
    budgets.max_use = room_for(fixture, 0, 0);
    run(fixture, &budgets, false, &log, &result);
    bool others_go = result.removed == 3 && result.skipped == 2 && result.over;
    budgets = unlimited;
    budgets.core_age_us = budgets.report_age_us = DAY;
    run(fixture, &budgets, false, &log, &result);
    bool is_told = result.skipped == 2 && result.removed == 0;
    assert_true(set_immutable(fixture, path, false)); /* before anything fails: for the teardown */
    assert_true(goes_on);
    assert_false(over);
    assert_true(others_go);
    assert_true(is_told);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.skipped, 0);
    assert_int_equal(result.removed, 1);
}

/* What a dry run would have taken before is gone for what it decides of firsts. */
static void test_dry_run_remembers(void **state)
{
    enum { CACHE = 3 * CORE_BLOCKS, CRASHES = 6 };
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result dry_result, result;
    struct log log, dry;
    char id[CRASHES][LAYOUT_ID_SIZE];
    const struct iovec part = {(char[CACHE]){0}, CACHE};
    for (int i = 0; i < CRASHES; i++) /* the last two are repeats */
        add(fixture, 1 + i, 20 - i, 1000, i < 2 ? NULL : "000000000000000a", id[i]);
    budgets.max_use = room_for(fixture, 2, CRASHES - 2);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "x.debug", &part, 1), 0);
    budgets.core_age_us = 19 * DAY + DAY / 2;
    run(fixture, &budgets, true, &dry, &dry_result);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 4); /* by age, two repeats, a first */
    assert_memory_equal(dry.text, log.text, sizeof log.text);
    assert_int_equal(dry_result.freed, result.freed);
    assert_int_equal(dry_result.over, result.over);
}

/* What cannot be deleted there is told, and stops neither the rest of the cache nor other budgets.
 */
static void test_immutable_cache(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result = {0};
    struct log log = {0};
    struct error error = {0};
    char id[LAYOUT_ID_SIZE];
    const struct iovec part = {(char[8192]){0}, 8192};
    add(fixture, 1, 1, 1000, NULL, id);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "x.debug", &part, 1), 0);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "y.debug", &part, 1), 0);
    if (!set_immutable(fixture, "cache/x.debug", true)) {
        print_message("no immutable files here\n");
        return;
    }
    budgets.max_use = 1;
    int r = retention_run(fixture->store, &budgets, false, note, &log, &result, &error);
    assert_true(set_immutable(fixture, "cache/x.debug", false)); /* for the teardown */
    assert_int_equal(r, 0);
    assert_int_equal(result.skipped, 1);
    assert_int_equal(result.pruned, 1);
    assert_int_equal(result.freed, 8192 + log.bytes);
    assert_true(fixture_has(fixture, "cache/x.debug"));
    assert_false(fixture_has(fixture, "cache/y.debug"));
}

/* A file in a directory of modules, so many days old. */
static void keep_module(struct fixture *fixture, const char *path, int64_t days, size_t size)
{
    AUTO_FREE char *data = calloc(1, size + 1);
    const struct timespec time = {.tv_sec = (when_now() - days * DAY) / SECOND};
    const struct timespec times[2] = {time, time};
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_WRONLY | O_CREAT, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    assert_int_equal(futimens(fd, times), 0);
}

/* What was kept for one crash goes with it, and is room that no other crash has to make. */
static void test_kept_modules_count(void **state)
{
    enum { SIZE = 2 * 4096 };
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log, dry;
    char id[3][LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    for (int i = 0; i < 3; i++) {
        const struct example example = {
            .time_us = when_now() - (9 - i) * DAY, .pid = 1 + i, .uid = 1000};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
        memcpy(id[i], row->id, LAYOUT_ID_SIZE);
    }
    assert_int_equal(mkdirat(store_fd(fixture->store, 0), "crashes/1000/modules", 0750), 0);
    snprintf(path, sizeof path, "crashes/1000/modules/%s.aabb", id[0]);
    keep_module(fixture, path, 0, SIZE);
    budgets.max_use = room_for(fixture, 0, 3) - SIZE; /* too much by one module */
    run(fixture, &budgets, true, &dry, &result);
    assert_int_equal(dry.n, 1);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 1);
    assert_string_equal(log.text[0] + 1, id[0]);
    assert_true(result.freed >= SIZE);
    assert_int_equal(result.freed, dry.bytes);
    assert_false(result.over);
    assert_false(fixture_has(fixture, "%s", path));
}

static void test_modules_behind_links(void **state)
{
    static const char *const links[][2] = {
        {"../elsewhere", "modules"},
        {"../../elsewhere", "crashes/1000/modules"},
        {"../other", "crashes/1001"},
    };
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    int storefd = store_fd(fixture->store, 0);
    add(fixture, 1, 2, 1000, NULL, id);
    assert_int_equal(unlinkat(storefd, "modules", AT_REMOVEDIR), 0);
    assert_int_equal(mkdirat(storefd, "elsewhere", 0750), 0);
    assert_int_equal(mkdirat(storefd, "other", 0750), 0);
    assert_int_equal(mkdirat(storefd, "other/modules", 0750), 0);
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        assert_int_equal(symlinkat(links[i][0] + (i == 0 ? 3 : 0), storefd, links[i][1]), 0);
    snprintf(path, sizeof path, "elsewhere/%s.aabb", id);
    keep_module(fixture, path, 20, 100);
    keep_module(fixture, "other/modules/aa", 20, 100);
    budgets.core_age_us = budgets.report_age_us = DAY;
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.modules, 0);
    assert_true(fixture_has(fixture, "%s", path));
    assert_true(fixture_has(fixture, "other/modules/aa"));
}

static void test_modules(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    char id[LAYOUT_ID_SIZE];
    static const struct {
        const char *path;
        int64_t days;
    } modules[] = {{"modules/aa", 20}, {"modules/bb", 2}};
    add(fixture, 1, 10, 1000, NULL, id);
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
        keep_module(fixture, modules[i].path, modules[i].days, 0);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.modules, 1);
    assert_false(fixture_has(fixture, "modules/aa")); /* older than the oldest core */
    assert_true(fixture_has(fixture, "modules/bb"));
}

/* What is remembered of modules is what is there. */
static void test_modules_are_counted(void **state)
{
    enum { SIZE = 5 * 4096 };
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    struct usage usage;
    int storefd = store_fd(fixture->store, 0);
    const struct example example = {.time_us = when_now(), .pid = 1, .uid = 1000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(usage_recent(index, storefd, &usage, NULL), 0);
    assert_int_equal(usage.modules, 0);

    keep_module(fixture, "modules/aa", 0, SIZE); /* a hook's */
    assert_int_equal(usage_recent(index, storefd, &usage, NULL), 0);
    assert_int_equal(usage.modules, SIZE);

    AUTO_FD int fd = openat(storefd, "modules/aa", O_RDONLY);
    assert_int_equal(store_keep_module(fixture->store, row, "bb", fd, NULL), 0);
    assert_int_equal(usage_recent(index, storefd, &usage, NULL), 0);
    assert_int_equal(usage.modules, 2 * SIZE);
    struct usage walked;
    assert_int_equal(usage_of(index, storefd, &walked, NULL), 0);
    assert_memory_equal(&usage, &walked, sizeof usage);

    assert_int_equal(unlinkat(storefd, "modules/aa", 0), 0); /* somebody tidied up */
    assert_int_equal(usage_recent(index, storefd, &usage, NULL), 0);
    assert_int_equal(usage.modules, SIZE);

    assert_int_equal(store_remove(fixture->store, row, NULL), 0);
    assert_int_equal(usage_recent(index, storefd, &usage, NULL), 0);
    assert_int_equal(usage.modules, 0);
}

/* And what a user's index grows by counts before the next walk. */
static void test_views_are_counted(void **state)
{
    enum { CRASHES = 60 };
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    int storefd = store_fd(fixture->store, 0);
    struct usage before, usage, walked;
    for (int pid = 1; pid <= CRASHES; pid++) {
        const struct example example = {
            .time_us = when_now(), .pid = pid, .uid = 1000, .access_uid = 1000};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
        assert_int_equal(store_sync_views(fixture->store, NULL), 0);
        if (pid == 1)
            assert_int_equal(usage_recent(index, storefd, &before, NULL), 0);
    }
    assert_int_equal(usage_recent(index, storefd, &usage, NULL), 0);
    assert_int_equal(usage_of(index, storefd, &walked, NULL), 0);
    assert_true(usage_of_user_index(storefd, 1000) > 0);
    assert_true(usage.index > before.index);
    assert_int_equal(usage.index, walked.index);
}

/* A pin of a time that no clock has told; an index may be older than the bounds on times. */
static void test_modules_and_impossible_times(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct log log;
    const struct example example = {.time_us = INT64_MIN + 1000, .pid = 1, .content = CORE};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(row->time_us, 0);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    keep_module(fixture, "modules/aa", 2, 100);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.modules, 0);
    assert_int_equal(database_run(index_database(store_writable_index(fixture->store)), NULL,
                                  "UPDATE crash SET time = ?1", "n", example.time_us),
                     0);
    run(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.modules, 0);
    assert_true(fixture_has(fixture, "modules/aa"));
}

static void count_module(void *context, const char *path, uint64_t bytes)
{
    (void)path;
    (void)bytes;
    ++*(unsigned *)context;
}

/* Files of times that no number of microseconds tells, where the filesystem has them. */
static void test_modules_of_odd_times(void **state)
{
    static const time_t odd[] = {INT64_MAX / SECOND + 1, INT64_MIN / SECOND - 1};
    static const char *const names[] = {"modules/future", "modules/past"};
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    char path[] = "/dev/shm/inquest-unit.XXXXXX";
    struct usage usage;
    struct stat st[2] = {0};
    unsigned n = 0;
    bool stays = false, goes = false;
    if (!mkdtemp(path)) {
        print_message("no /dev/shm here\n");
        return;
    }
    AUTO_FD int dirfd = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(dirfd, "modules", 0750), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct timespec times[2] = {{.tv_sec = odd[i]}, {.tv_sec = odd[i]}};
        AUTO_FD int fd = openat(dirfd, names[i], O_WRONLY | O_CREAT, 0640);
        assert_int_equal(futimens(fd, times), 0);
        assert_int_equal(fstat(fd, &st[i]), 0);
    }
    int r = usage_recent(index, dirfd, &usage, NULL);
    if (r == 0)
        r = module_store_expire(index, dirfd, false, count_module, &n, NULL);
    stays = unlinkat(dirfd, names[0], 0) == 0;
    goes = unlinkat(dirfd, names[1], 0) < 0;
    assert_int_equal(unlinkat(dirfd, "modules", AT_REMOVEDIR) + rmdir(path), 0);
    if (st[0].st_mtime != odd[0] || st[1].st_mtime != odd[1]) {
        print_message("no such times here\n");
        return;
    }
    assert_int_equal(r, 0);
    assert_true(stays);
    assert_true(goes);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_to_do, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_age, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_age_by_rule, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unexplained_repeats, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_repeats_before_firsts, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cores_before_crashes_and_never_pins, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_who_uses_most_gives, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ids_of_a_namespace_share, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_too_large_goes_first, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_takes_nothing_in_vain, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_index_is_tidied, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_takes_what_helps, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cache_goes_first, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_takes_no_facts, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_gone_or_damaged, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names_that_are_no_records, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_directory_that_is_a_link, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_immutable_record, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dry_run_remembers, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_immutable_cache, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_kept_modules_count, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modules_behind_links, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modules, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modules_are_counted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_views_are_counted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modules_and_impossible_times, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modules_of_odd_times, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
