/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-modules.c - modules and users' indexes count, and modules go when no core is left that may
 * need them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/index.h"
#include "store/module_store.h"
#include "store/pin.h"
#include "store/retention.h"
#include "store/usage.h"
#include "store/when.h"
#include "tests/unit/retention_fixture.h"
#include "tests/unit/store_fixture.h"

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
    struct decisions log, dry;
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
    run_retention(fixture, &budgets, true, &dry, &result);
    assert_int_equal(dry.n, 1);
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    int storefd = store_fd(fixture->store, 0);
    add_crash(fixture, 1, 2, 1000, NULL, id);
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
    run_retention(fixture, &budgets, false, &log, &result);
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
    struct decisions log;
    char id[LAYOUT_ID_SIZE];
    static const struct {
        const char *path;
        int64_t days;
    } modules[] = {{"modules/aa", 20}, {"modules/bb", 2}};
    add_crash(fixture, 1, 10, 1000, NULL, id);
    for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
        keep_module(fixture, modules[i].path, modules[i].days, 0);
    run_retention(fixture, &budgets, false, &log, &result);
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

    assert_int_equal(store_remove(fixture->store, row, true, NULL), 0);
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
    struct decisions log;
    const struct example example = {.time_us = INT64_MIN + 1000, .pid = 1, .content = CORE};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(row->time_us, 0);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    keep_module(fixture, "modules/aa", 2, 100);
    run_retention(fixture, &budgets, false, &log, &result);
    assert_int_equal(result.modules, 0);
    assert_int_equal(database_run(index_database(store_writable_index(fixture->store)), NULL,
                                  "UPDATE crash SET time = ?1", "n", example.time_us),
                     0);
    run_retention(fixture, &budgets, false, &log, &result);
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
