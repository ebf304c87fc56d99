/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-retention-files.c - what stands in the way of retention: files that are gone, damaged, odd
 * or immutable. */
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/cache_files.h"
#include "store/record.h"
#include "store/retention.h"
#include "tests/unit/retention_fixture.h"
#include "tests/unit/store_fixture.h"

static void test_files_that_are_gone_or_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result;
    struct decisions log;
    char gone[LAYOUT_ID_SIZE], damaged[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    add_crash(fixture, 1, 20, 1000, NULL, gone);
    add_crash(fixture, 2, 20, 1000, NULL, damaged);
    layout_crash_path(path, 1000, gone, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    layout_crash_path(path, 1000, damaged, LAYOUT_RECORD_SUFFIX);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    budgets.core_age_us = DAY;
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[CASES][LAYOUT_ID_SIZE], path[CASES][LAYOUT_PATH_SIZE];
    int storefd = store_fd(fixture->store, 0);
    AUTO_FD int elsewhere = openat(storefd, "elsewhere", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(elsewhere, "mine", 4), 4);
    for (int i = 0; i < CASES; i++) {
        add_crash(fixture, 1 + i, 20, 1000, NULL, id[i]);
        layout_crash_path(path[i], 1000, id[i], LAYOUT_RECORD_SUFFIX);
        if (i != SOUND)
            assert_int_equal(unlinkat(storefd, path[i], 0), 0);
    }
    assert_int_equal(symlinkat("../../elsewhere", storefd, path[LINK]), 0);
    assert_int_equal(mkdirat(storefd, path[DIRECTORY], 0700), 0);
    assert_int_equal(mkfifoat(storefd, path[FIFO], 0600), 0);

    budgets.core_age_us = DAY;
    run_retention(fixture, &budgets, true, &log, &result);
    assert_int_equal(result.pruned, CASES);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.pruned, CASES);
    assert_int_equal(result.skipped, 0);
    assert_int_equal(state_of(fixture, id[SOUND]), RECORD_PRUNED);
    for (int i = 0; i < CASES; i++) {
        AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id[i]);
        assert_true(fixture_has(fixture, "%s", path[i]));
        assert_int_equal(row->core, i == SOUND ? RECORD_PRUNED : RECORD_MISSING);
    }

    budgets.report_age_us = DAY;
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE];
    int storefd = store_fd(fixture->store, 0);
    add_crash(fixture, 1, 20, 1000, NULL, id);
    assert_int_equal(renameat(storefd, "crashes/1000", storefd, "elsewhere"), 0);
    assert_int_equal(symlinkat("../elsewhere", storefd, "crashes/1000"), 0);
    budgets.core_age_us = budgets.report_age_us = DAY;
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[4][LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    for (int i = 0; i < 4; i++)
        add_crash(fixture, 1 + i, 20 - i, 1000, NULL, id[i]);
    layout_crash_path(path, 1000, id[0], LAYOUT_RECORD_SUFFIX);
    if (!set_immutable(fixture, path, true)) {
        print_message("no immutable files here\n");
        return;
    }
    /* Over size: the second oldest goes in place of the oldest. */
    budgets.max_use = room_for(fixture, 3, 1);
    run_retention(fixture, &budgets, false, &log, &result);
    bool goes_on = log.n == 2 && log.text[0][0] == 'S' && strcmp(log.text[0] + 1, id[0]) == 0 &&
                   strcmp(log.text[1] + 1, id[1]) == 0;
    bool over = result.over;
    budgets.max_use = room_for(fixture, 0, 0);
    run_retention(fixture, &budgets, false, &log, &result);
    bool others_go = result.removed == 3 && result.skipped == 2 && result.over;
    budgets = unlimited;
    budgets.core_age_us = budgets.report_age_us = DAY;
    run_retention(fixture, &budgets, false, &log, &result);
    bool is_told = result.skipped == 2 && result.removed == 0;
    assert_true(set_immutable(fixture, path, false)); /* before anything fails: for the teardown */
    assert_true(goes_on);
    assert_false(over);
    assert_true(others_go);
    assert_true(is_told);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.skipped, 0);
    assert_int_equal(result.removed, 1);
}

/* What cannot be deleted there is told, and stops neither the rest of the cache nor other budgets.
 */
static void test_immutable_cache(void **state)
{
    struct fixture *fixture = *state;
    struct budgets budgets = unlimited;
    struct retention_result result = {0};
    struct decisions log = {0};
    struct error error = {0};
    char id[LAYOUT_ID_SIZE];
    const struct iovec part = {(char[8192]){0}, 8192};
    add_crash(fixture, 1, 1, 1000, NULL, id);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "x.debug", &part, 1), 0);
    assert_int_equal(cache_write(store_fd(fixture->store, 0), "y.debug", &part, 1), 0);
    if (!set_immutable(fixture, "cache/x.debug", true)) {
        print_message("no immutable files here\n");
        return;
    }
    budgets.max_use = 1;
    int r = retention_run(fixture->store, &budgets, false, note_decision, &log, &result, &error);
    assert_true(set_immutable(fixture, "cache/x.debug", false)); /* for the teardown */
    assert_int_equal(r, 0);
    assert_int_equal(result.skipped, 1);
    assert_int_equal(result.pruned, 1);
    assert_int_equal(result.freed, 8192 + log.bytes);
    assert_true(fixture_has(fixture, "cache/x.debug"));
    assert_false(fixture_has(fixture, "cache/y.debug"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_that_are_gone_or_damaged, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names_that_are_no_records, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_directory_that_is_a_link, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_immutable_record, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_immutable_cache, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
