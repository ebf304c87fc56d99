/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-change.c - crashes are pinned, explained and removed, whatever others do to them meanwhile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/adopt.h"
#include "store/base/cleanup.h"
#include "store/explain.h"
#include "store/pin.h"
#include "store/query.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795305600) * SECOND) /* 2026-11-22 00:00:00 UTC */

/* Whoever chose crashes by the index before changes the same ones, and may go on reading it. */
static void test_changed_after_the_index_was_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct crash_row *rows[4];
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    struct store *other;
    struct error error = {0};
    for (int i = 0; i < 4; i++) {
        const struct example example = {.time_us = START + i * SECOND, .uid = 1000, .content = 50};
        rows[i] = fixture_add(fixture, &example);
    }
    for (int i = 0; i < 2; i++) /* so that the numbers of the others will be smaller */
        assert_int_equal(store_remove(fixture->store, rows[i], true, NULL), 0);
    assert_int_equal(query_begin(fixture->store, NULL, QUERY_NEWEST_FIRST, 0, &query, NULL), 0);
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &other, NULL), 0);
    assert_int_equal(store_rebuild_index(other, NULL, NULL, NULL, NULL), 0);
    store_free(other);
    if (pin_set(fixture->store, rows[2], &error) < 0)
        fail_msg("%s", error.text);
    AUTO_CRASH_ROW struct crash_row *now = fixture_row(fixture, rows[2]->id);
    assert_true(now->pinned && now->seq != rows[2]->seq);
    assert_int_equal(query_next(query, &row, NULL), 1);
    assert_int_equal(store_remove(fixture->store, row, true, NULL), 0);
    assert_false(fixture_has(fixture, "crashes/1000/%s.core.zst", rows[3]->id));
    assert_null(fixture_row(fixture, rows[3]->id));
    assert_int_equal(query_next(query, &row, NULL), 1);
    assert_int_equal(query_next(query, &row, NULL), 0);
    for (int i = 0; i < 4; i++)
        crash_row_free(rows[i]);
}

static void test_remove(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    fixture_report(fixture, row, "{}");
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    assert_true(fixture_has(fixture, "crashes/1000/%s.report.json", row->id));
    assert_true(fixture_has(fixture, "crashes/1000/%s.pin", row->id));
    assert_int_equal(store_remove(fixture->store, row, true, NULL), 0);
    assert_false(fixture_has(fixture, "crashes/1000/%s.core.zst", row->id));
    assert_false(fixture_has(fixture, "crashes/1000/%s.report.json", row->id));
    assert_false(fixture_has(fixture, "crashes/1000/%s.pin", row->id));
    assert_null(fixture_row(fixture, row->id));
}

/* Whoever has the row of a crash that another removed, or whose name another has got since, changes
 * nothing by it. */
static void test_removed_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    static char text[] =
        "{\"version\":1,\"signal\":11,\"reason\":\"\",\"stacks\":[],\"threads\":[]}";
    const struct bytes report = {text, sizeof text - 1, sizeof text};
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000},
                         namesake = {.time_us = START, .uid = 1001, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *old = fixture_add(fixture, &example), *same = NULL;
    struct error error = {0};

    assert_int_equal(store_remove(fixture->store, old, false, NULL), 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(pin_set(fixture->store, old, NULL), -ESTALE);
        assert_int_equal(explain_keep(fixture->store, old, &report, NULL, NULL, &error), -ESTALE);
        assert_non_null(strstr(error.text, "removed meanwhile"));
        assert_int_equal(explain_keep_failure(fixture->store, old, false, NULL), 0);
        assert_int_equal(store_remove(fixture->store, old, false, NULL), 0);
        assert_false(fixture_has(fixture, "crashes/1000/%s.pin", old->id));
        assert_false(fixture_has(fixture, "crashes/1000/%s.report.json", old->id));
        if (!again)
            same = fixture_add(fixture, &namesake);
    }
    assert_string_equal(same->id, old->id);
    assert_true(fixture_has(fixture, "crashes/1001/%s.core.zst", same->id));
    assert_false(fixture_has(fixture, "crashes/1001/%s.pin", same->id));
}

/* An index made anew has other numbers: the crash is still the one that was meant. */
static void test_index_made_anew_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    const struct example one = {.time_us = START, .pid = 1, .content = 5000},
                         two = {.time_us = START, .pid = 2, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *first = fixture_add(fixture, &one);
    AUTO_CRASH_ROW struct crash_row *second = fixture_add(fixture, &two);
    uint64_t crashes;

    assert_int_equal(store_remove(fixture->store, first, false, NULL), 0);
    assert_int_equal(store_rebuild_index(fixture->store, NULL, NULL, &crashes, NULL), 0);
    AUTO_CRASH_ROW struct crash_row *now = fixture_row(fixture, second->id);
    assert_int_not_equal(now->seq, second->seq);
    assert_int_equal(pin_set(fixture->store, second, NULL), 0);
    assert_int_equal(store_remove(fixture->store, second, false, NULL), 1); /* pinned since */
    assert_true(fixture_has(fixture, "crashes/%u/%s.core.zst", second->owner, second->id));
    assert_int_equal(store_remove(fixture->store, second, true, NULL), 0);
    assert_null(fixture_row(fixture, second->id));
    assert_false(fixture_has(fixture, "crashes/%u/%s.core.zst", second->owner, second->id));
}

/* A keeper died between row and place: what is removed does not come back with the next one. */
static void test_remove_what_is_not_moved(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    int fd = store_fd(fixture->store, 0);
    char from[LAYOUT_PATH_SIZE], to[LAYOUT_PATH_SIZE];
    struct adopt_result result;

    layout_crash_path(from, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    layout_new_path(to, row->id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(renameat(fd, from, fd, to), 0);
    assert_int_equal(store_remove(fixture->store, row, false, NULL), 0);
    assert_int_equal(adopt_all(fixture->store, NULL, &result, NULL), 0);
    assert_int_equal(result.adopted, 0);
    assert_null(fixture_row(fixture, row->id));
}

/* An adopter has told the index already, and is about to move the file. */
static void test_remove_beside_an_adoption(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    char adopted[LAYOUT_PATH_SIZE], new[LAYOUT_PATH_SIZE];
    int storefd = store_writable_fd(fixture->store);
    layout_crash_path(adopted, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    layout_new_path(new, row->id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(renameat(storefd, adopted, storefd, new), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)usleep(50000);
        _exit(renameat(storefd, new, storefd, adopted) < 0 ? 1 : 0);
    }
    assert_int_equal(store_remove(fixture->store, row, true, NULL), 0);
    int status;
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    assert_false(fixture_has(fixture, "%s", adopted));
    assert_null(fixture_row(fixture, row->id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changed_after_the_index_was_replaced, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_remove, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_removed_meanwhile, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_index_made_anew_meanwhile, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_remove_what_is_not_moved, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_remove_beside_an_adoption, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
