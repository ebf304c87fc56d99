/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-owner.c - what only a root who can become others can do for a store that is not his. */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/adopt.h"
#include "store/base/cleanup.h"
#include "store/check.h"
#include "store/query.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795305600) * SECOND) /* 2026-11-22 00:00:00 UTC */

enum { OWNER = 54321 };

/* In many a container nobody can: there is no such user, or root has no such right. */
static bool can_be_others(void)
{
    return geteuid() == 0 && setgroups(0, NULL) == 0 && setegid(OWNER) == 0 &&
           seteuid(OWNER) == 0 && seteuid(0) == 0 && setegid(0) == 0;
}

/* A store of somebody else's: root becomes him, and is root again afterwards. */
static void test_works_as_the_owner(void **state)
{
    struct fixture *fixture = *state;
    static const char *const rooms[] = {".", "new", "crashes", "modules"};
    store_free(fixture->store);
    fixture->store = NULL;
    AUTO_FD int fd = open(fixture->path, O_RDONLY | O_DIRECTORY);
    static const char *const files[] = {LAYOUT_INDEX, LAYOUT_INDEX "-wal", LAYOUT_INDEX "-shm",
                                        "new/.lock"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        (void)unlinkat(fd, files[i], 0);
    for (size_t i = 0; i < ARRAY_SIZE(rooms); i++)
        assert_int_equal(fchownat(fd, rooms[i], OWNER, OWNER, 0), 0);

    fixture_reopen(fixture, STORE_WRITE);
    assert_int_equal(geteuid(), OWNER);
    assert_int_equal(getegid(), OWNER);
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(store_leave(fixture->store, NULL), 0);
    assert_int_equal(geteuid(), 0);

    /* A hook without that user leaves root's files. */
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    const struct example roots = {.time_us = START + SECOND, .uid = 1000, .content = 5000};
    fixture_write(fixture, &roots, LAYOUT_RECORD_SUFFIX, id);
    assert_int_equal(store_enter(fixture->store, NULL), 0);
    struct adopt_result result;
    assert_int_equal(adopt_all(fixture->store, NULL, &result, NULL), 0);
    assert_int_equal(result.adopted, 1);
    struct stat st;
    layout_crash_path(path, 1000, id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(fstatat(fd, path, &st, 0), 0);
    assert_int_equal(st.st_uid, OWNER);
    assert_int_equal(st.st_gid, OWNER);
    assert_int_equal(fstatat(fd, LAYOUT_INDEX, &st, 0), 0);
    assert_int_equal(st.st_uid, OWNER);
    assert_int_equal(st.st_mode & 07777, 0640);
    store_free(fixture->store);
    fixture->store = NULL;
    assert_int_equal(geteuid(), 0);
}

static void count(void *context, const struct check_finding *finding)
{
    unsigned *kinds = context;
    assert_int_equal(finding->kind, CHECK_MODE);
    kinds[finding->repaired]++;
}

/* A record that is not the store's owner's is found, and given to him. */
static void test_takes_back(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    layout_crash_path(path, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(fchownat(store_fd(fixture->store, 0), path, 4711, 4711, 0), 0);

    struct check_result result;
    unsigned found[2] = {0};
    assert_int_equal(check_run(fixture->store, 0, count, found, &result, NULL), 0);
    assert_int_equal(found[false], 1);
    assert_int_equal(found[true], 0);
    assert_int_equal(check_run(fixture->store, CHECK_REPAIR, count, found, &result, NULL), 0);
    assert_int_equal(found[true], 1);
    struct stat st;
    assert_int_equal(fstatat(store_fd(fixture->store, 0), path, &st, 0), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(check_run(fixture->store, CHECK_CONTENTS, count, found, &result, NULL), 0);
    assert_int_equal(result.found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_works_as_the_owner, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_takes_back, fixture_setup, fixture_teardown),
    };
    if (!can_be_others()) {
        printf("1..0 # SKIP needs a root who can be other users\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
