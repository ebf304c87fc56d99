/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-view.c - what a user sees: his own crashes, by an index of his own, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/access.h"
#include "store/base/cleanup.h"
#include "store/index.h"
#include "store/pin.h"
#include "store/query.h"
#include "store/when.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795305600) * SECOND) /* 2026-11-22 00:00:00 UTC */

enum { ALICE = 51000, BOB = 51001 };

static int setup(void **state)
{
    if (fixture_setup(state) < 0)
        return -1;
    const struct fixture *fixture = *state;
    return chmod(fixture->path, LAYOUT_STORE_MODE); /* mkdtemp() is stricter */
}

/* True where the test can be other users, and the filesystem knows ACLs. */
static bool is_possible(const struct fixture *fixture)
{
    if (geteuid() == 0 && fixture_knows_user(ALICE) &&
        access_is_supported(store_fd(fixture->store, 0)))
        return true;
    print_message("# needs a root who can be others, and a filesystem with ACLs\n");
    return false;
}

static struct crash_row *add(struct fixture *fixture, int64_t uid, int n)
{
    const struct example example = {.time_us = START + n * SECOND,
                                    .pid = 100 + n,
                                    .uid = uid,
                                    .access_uid = uid,
                                    .content = 5000};
    return fixture_add(fixture, &example);
}

/* Runs `body` as another user, without groups; its result is the exit status. */
static int as_user(uid_t uid, struct fixture *fixture, int (*body)(struct store *, const char *),
                   const char *argument)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *store;
        struct error error = {0};
        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
            _exit(100);
        if (store_open(fixture->path, STORE_READ, &store, &error) < 0) {
            fprintf(stderr, "# %s\n", error.text);
            _exit(101);
        }
        _exit(body(store, argument));
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The number of crashes seen, each of which can be opened; by a real index unless "scan". */
static int count_own(struct store *store, const char *how)
{
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    int n = 0;
    if (store_sees_all(store) || store_source_in_memory(store, 0) != (strcmp(how, "scan") == 0))
        return 110;
    if (query_begin(store, NULL, QUERY_NEWEST_FIRST, 0, &query, NULL) < 0)
        return 111;
    for (; query_next(query, &row, NULL) == 1; n++) {
        AUTO_FD int fd = store_open_record(store, row, NULL);
        if (fd < 0 || row->uid != (int64_t)geteuid() || store_row_core(store, row) != RECORD_FULL)
            return 112;
    }
    return n;
}

static int has_match(struct store *store, const char *match)
{
    AUTO_FILTER struct filter *filter = filter_new();
    uint64_t n;
    if (filter_add(filter, store, match, NULL) < 0 || query_count(store, filter, &n, NULL) < 0)
        return 111;
    return (int)n;
}

static int see(void *context, const struct crash_group *group)
{
    int *n = context;
    *n += (int)group->count + 10 * (strcmp(group->frames[0], "alice_crashed") == 0);
    return 0;
}

static int count_groups(struct store *store, const char *unused)
{
    int n = 0;
    (void)unused;
    return query_top(store, NULL, 0, see, &n, NULL) < 0 ? 111 : n;
}

static int change_fails(struct store *store, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    if (query_id(store, id, &row, NULL) < 0)
        return 111;
    return store_remove(store, row, true, NULL) == -EPERM && pin_set(store, row, NULL) == -EPERM
               ? 0
               : 1;
}

static void test_sees_his_own(void **state)
{
    struct fixture *fixture = *state;
    if (!is_possible(fixture))
        return;
    const struct example private = {.time_us = START + 50 * SECOND,
                                    .uid = ALICE,
                                    .access_uid = ALICE,
                                    .is_private = true,
                                    .content = 5000};
    AUTO_CRASH_ROW struct crash_row *one = add(fixture, ALICE, 1);
    AUTO_CRASH_ROW struct crash_row *two = add(fixture, ALICE, 2);
    AUTO_CRASH_ROW struct crash_row *bobs = add(fixture, BOB, 3);
    AUTO_CRASH_ROW struct crash_row *hidden = fixture_add(fixture, &private);
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 2);
    assert_int_equal(as_user(BOB, fixture, count_own, "index"), 1);
    assert_int_equal(as_user(ALICE, fixture, has_match, bobs->id), 0);
    assert_int_equal(as_user(ALICE, fixture, has_match, hidden->id), 0);
    assert_int_equal(as_user(ALICE, fixture, change_fails, one->id), 0);

    /* What changes, changes for him, too. */
    fixture_explain(fixture, one, "00000000000000aa", "stack a", "alice_crashed", 5);
    fixture_explain(fixture, bobs, "00000000000000bb", "stack b", "bob_crashed", 5);
    assert_int_equal(store_sync_views(fixture->store, NULL), 0);
    assert_int_equal(as_user(ALICE, fixture, has_match, "function=alice_crashed"), 1);
    assert_int_equal(as_user(ALICE, fixture, has_match, "function=bob_crashed"), 0);
    assert_int_equal(as_user(ALICE, fixture, count_groups, NULL), 11);
    assert_int_equal(store_remove(fixture->store, two, true, NULL), 0);
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 1);
    /* The same again makes nothing twice. */
    assert_int_equal(store_sync_views(fixture->store, NULL), 0);
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 1);
}

static void test_without_an_index(void **state)
{
    struct fixture *fixture = *state;
    char path[64];
    if (!is_possible(fixture))
        return;
    for (int i = 0; i < 3; i++)
        crash_row_free(add(fixture, ALICE, i));
    snprintf(path, sizeof path, "crashes/%d/index.db", ALICE);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    assert_int_equal(as_user(ALICE, fixture, count_own, "scan"), 3);
    crash_row_free(add(fixture, ALICE, 4)); /* which makes it again */
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 4);

    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0); /* garbage: nothing at all */
    crash_row_free(add(fixture, ALICE, 5));
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 5);
}

static void test_made_anew_with_the_whole(void **state)
{
    struct fixture *fixture = *state;
    uint64_t n;
    if (!is_possible(fixture))
        return;
    AUTO_CRASH_ROW struct crash_row *one = add(fixture, ALICE, 1);
    AUTO_CRASH_ROW struct crash_row *two = add(fixture, ALICE, 2);
    assert_true(fixture_has(fixture, "crashes/%d/%s.core.zst", ALICE, two->id));
    char path[LAYOUT_PATH_SIZE];
    layout_crash_path(path, ALICE, one->id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    assert_int_equal(store_rebuild_index(fixture->store, NULL, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 1);
}

/* He may lock what he may read: nobody waits for him. */
/* Changes crashes of hers, beside others who do. */
static void pin_and_remove(const struct fixture *fixture, int n)
{
    struct store *store;
    if (store_open(fixture->path, STORE_WRITE, &store, NULL) < 0)
        _exit(1);
    for (int i = 0; i < 40; i++) {
        AUTO_CRASH_ROW struct crash_row *row = NULL;
        if (query_resolve(store, NULL, &row, NULL) < 0)
            _exit(2);
        (void)pin_set(store, row, NULL); /* another may just have removed it */
        if (i % 3 == n && store_remove(store, row, true, NULL) < 0)
            _exit(3);
    }
    store_free(store);
    _exit(0);
}

static void test_told_by_several_at_once(void **state)
{
    enum { CRASHES = 100, OTHERS = 3 };
    struct fixture *fixture = *state;
    uint64_t n;
    if (!is_possible(fixture))
        return;
    for (int i = 1; i <= CRASHES; i++)
        crash_row_free(add(fixture, ALICE, i));
    store_free(fixture->store); /* sqlite is not forked while it is in use */
    fixture->store = NULL;
    for (int i = 0; i < OTHERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            pin_and_remove(fixture, i);
    }
    int status, failed = 0;
    for (int i = 0; i < OTHERS; i++) {
        assert_true(wait(&status) > 0);
        failed += status != 0;
    }
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &fixture->store, NULL), 0);
    assert_int_equal(failed, 0);
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_true(n > 0 && n < CRASHES);
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), n);
}

static void test_user_holds_a_lock(void **state)
{
    struct fixture *fixture = *state;
    char path[96];
    int ready[2];
    if (!is_possible(fixture))
        return;
    crash_row_free(add(fixture, ALICE, 1));
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* Every lock that sqlite knows of, on all three files, as far as reading allows. */
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        if (setgroups(0, NULL) < 0 || setresgid(ALICE, ALICE, ALICE) < 0 ||
            setresuid(ALICE, ALICE, ALICE) < 0)
            _exit(1);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
            const struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
            snprintf(path, sizeof path, "%s/crashes/%d/index.db%s", fixture->path, ALICE,
                     suffixes[i]);
            int fd = open(path, O_RDONLY);
            if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0)
                _exit(1);
        }
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int64_t before = when_now();
    crash_row_free(add(fixture, ALICE, 2));
    assert_true(when_now() - before < 5 * SECOND);
    assert_int_equal(as_user(ALICE, fixture, count_own, "index"), 2);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ready[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sees_his_own, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_without_an_index, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_made_anew_with_the_whole, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_told_by_several_at_once, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_user_holds_a_lock, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
