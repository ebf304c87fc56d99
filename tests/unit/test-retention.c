/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-retention.c - what gives way, in which order, and what never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/cache_files.h"
#include "store/index.h"
#include "store/pin.h"
#include "store/query.h"
#include "store/record.h"
#include "store/retention.h"
#include "store/when.h"
#include "tests/unit/retention_fixture.h"
#include "tests/unit/store_fixture.h"

static void test_nothing_to_do(void **state)
{
    struct fixture *fixture = *state;
    struct retention_result result;
    struct decisions log;
    char id[LAYOUT_ID_SIZE];
    add_crash(fixture, 1, 1000, 1000, NULL, id);
    run_retention(fixture, &unlimited, false, &log, &result);
    assert_int_equal(log.n, 0);
    assert_true(result.used > CORE_BLOCKS);
    assert_false(result.over);
}

static void test_age(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct decisions log;
    char recent[LAYOUT_ID_SIZE], old[LAYOUT_ID_SIZE], ancient[LAYOUT_ID_SIZE], kept[LAYOUT_ID_SIZE];
    add_crash(fixture, 1, 1, 1000, "000000000000000a", recent);
    add_crash(fixture, 2, 20, 1000, "000000000000000b", old);
    add_crash(fixture, 3, 400, 1000, "000000000000000c", ancient);
    add_crash(fixture, 4, 400, 1000, "000000000000000d", kept);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, kept);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    budgets.core_age_us = 14 * DAY;
    budgets.report_age_us = 365 * DAY;

    for (int dry_run = 1; dry_run >= 0; dry_run--) {
        run_retention(fixture, &budgets, dry_run, &log, &result);
        assert_int_equal(result.pruned, 2);
        assert_int_equal(result.removed, 1);
        assert_int_equal(state_of(fixture, recent), RECORD_FULL);
        assert_int_equal(state_of(fixture, kept), RECORD_FULL);
        assert_int_equal(state_of(fixture, old), dry_run ? RECORD_FULL : RECORD_PRUNED);
        assert_int_equal(state_of(fixture, ancient), dry_run ? RECORD_FULL : RECORD_MISSING);
        assert_int_equal(fixture_has(fixture, "crashes/1000/%s.core.zst", ancient), dry_run);
    }
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
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
    run_retention(fixture, &budgets, false, &log, &result);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(state_of(fixture, id[i]), cases[i].then);
}

/* Nobody has explained them: what looks alike comes after the first. */
static void test_unexplained_repeats(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct decisions log;
    char id[7][LAYOUT_ID_SIZE];

    for (int i = 0; i < 7; i++) /* the default keeps five */
        add_crash(fixture, i + 1, 20 - i, 1000, NULL, id[i]);
    run_retention(fixture, &budgets, false, &log, &result);
    budgets.max_use = result.used - CORE_BLOCKS;
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 2);
    for (int i = 0; i < 7; i++)
        assert_int_equal(state_of(fixture, id[i]), i < 5 ? RECORD_FULL : RECORD_PRUNED);
}

static void test_repeats_before_firsts(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct decisions log, dry;
    char id[8][LAYOUT_ID_SIZE];
    /* Five of one bug, of which two are firsts; one of another, the oldest of all. */
    add_crash(fixture, 1, 9, 1000, "000000000000000b", id[0]);
    for (int i = 1; i < 6; i++)
        add_crash(fixture, 1 + i, 9 - i, 1000, "000000000000000a", id[i]);

    budgets.max_use = room_for(fixture, 2, 4);
    run_retention(fixture, &budgets, true, &dry, &result);
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[4][LAYOUT_ID_SIZE];
    for (int i = 0; i < 4; i++)
        add_crash(fixture, 1 + i, 9 - i, 1000, i < 2 ? "000000000000000a" : NULL, id[i]);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id[0]);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    budgets.max_use = room_for(fixture, 0, 0); /* no crash fits */
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char modest[LAYOUT_ID_SIZE], greedy[6][LAYOUT_ID_SIZE];
    add_crash(fixture, 1, 30, 1001, "000000000000000a",
              modest);            /* older than all, and a repeat's sibling */
    for (int i = 0; i < 6; i++) { /* each a bug of its own: all firsts */
        char signature[CRASH_SIGNATURE_SIZE];
        snprintf(signature, sizeof signature, "%016x", 0xb0 + i);
        add_crash(fixture, 2 + i, 9 - i, 1000, signature, greedy[i]);
    }
    budgets.max_use = room_for(fixture, 4, 3);
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char modest[2][LAYOUT_ID_SIZE];
    for (int i = 0; i < 2; i++) /* older than all, and twice what each of the six has */
        add_crash(fixture, 1 + i, 30, 1001, NULL, modest[i]);
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
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, 4);
    for (int i = 0; i < 2; i++)
        assert_int_equal(state_of(fixture, modest[i]), RECORD_FULL);
}

static void test_too_large_goes_first(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct decisions log;
    char small[2][LAYOUT_ID_SIZE];
    for (int i = 0; i < 2; i++)
        add_crash(fixture, 1 + i, 9 - i, 1000, NULL, small[i]);
    const struct example example = {
        .time_us = when_now(), .pid = 9, .uid = 1000, .content = (uint64_t)5 * CORE};
    AUTO_CRASH_ROW struct crash_row *large = fixture_add(fixture, &example);
    budgets.max_use = room_for(fixture, 3, 1);
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE], coming[LAYOUT_ID_SIZE];
    add_crash(fixture, 1, 1, 1000, NULL, id);
    budgets.max_use = 1;
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.removed, 0);
    assert_true(result.over);
    assert_int_equal(state_of(fixture, id), RECORD_PRUNED); /* cores do give way */

    add_crash(fixture, 2, 1, 1000, NULL, id);
    budgets.max_use = room_for(fixture, 3, 1);
    const struct example example = {.time_us = when_now(),
                                    .pid = 9,
                                    .uid = 1000,
                                    .content = (uint64_t)20 * CORE,
                                    .unfinished = true};
    fixture_write(fixture, &example, LAYOUT_PART_SUFFIX, coming);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 0);
    assert_int_equal(state_of(fixture, id), RECORD_FULL);
}

static void test_index_is_tidied(void **state)
{
    struct fixture *fixture = *state;
    struct database *database = index_database(store_writable_index(fixture->store));
    char id[LAYOUT_ID_SIZE];
    int64_t before, after, pages;
    add_crash(fixture, 1, 1, 1000, "000000000000000a", id);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE];
    add_crash(fixture, 1, 1, 1000, NULL, id);
    budgets.keep_free = UINT64_MAX; /* whoever filled it: it was not us */
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE];
    for (int i = 1; i <= CRASHES; i++)
        add_crash(fixture, i, 1, 1000, "000000000000000a", id);
    assert_int_equal(fstatvfs(store_fd(fixture->store, 0), &fs), 0);
    uint64_t wanted = (uint64_t)CRASHES / 2 * CORE_BLOCKS;
    budgets.keep_free = (uint64_t)fs.f_bavail * fs.f_frsize + wanted;
    run_retention(fixture, &budgets, true, &log, &result);
    assert_in_range(result.pruned, 1, CRASHES - 1);
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE];
    const struct iovec part = {(char[8192]){0}, 8192};
    add_crash(fixture, 1, 1, 1000, NULL, id);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "x.debug", &part, 1), 0);
    budgets.max_use = 32 << 20; /* too little for a cache */
    run_retention(fixture, &budgets, true, &log, &result);
    assert_int_equal(result.freed, 8192);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.freed, 8192);
    assert_int_equal(result.pruned, 0);
    assert_int_equal(cache_open(store_fd(fixture->store, 0), "x.debug"), -ENOENT);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.freed, 0);
}

/* What a dry run would have taken before is gone for what it decides of firsts. */
static void test_dry_run_remembers(void **state)
{
    enum { CACHE = 3 * CORE_BLOCKS, CRASHES = 6 };
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result dry_result, result;
    struct decisions log, dry;
    char id[CRASHES][LAYOUT_ID_SIZE];
    const struct iovec part = {(char[CACHE]){0}, CACHE};
    for (int i = 0; i < CRASHES; i++) /* the last two are repeats */
        add_crash(fixture, 1 + i, 20 - i, 1000, i < 2 ? NULL : "000000000000000a", id[i]);
    budgets.max_use = room_for(fixture, 2, CRASHES - 2);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "x.debug", &part, 1), 0);
    budgets.core_age_us = 19 * DAY + DAY / 2;
    run_retention(fixture, &budgets, true, &dry, &dry_result);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(log.n, 4); /* by age, two repeats, a first */
    assert_memory_equal(dry.text, log.text, sizeof log.text);
    assert_int_equal(dry_result.freed, result.freed);
    assert_int_equal(dry_result.over, result.over);
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
        cmocka_unit_test_setup_teardown(test_dry_run_remembers, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
