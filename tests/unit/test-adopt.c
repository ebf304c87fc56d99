/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-adopt.c - from new/ into the store's care, whatever happened in between. */
#include <acl/libacl.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/access.h"
#include "store/adopt.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/index.h"
#include "store/keys.h"
#include "store/pin.h"
#include "store/query.h"
#include "store/record.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795305600) * SECOND) /* 2026-11-22 00:00:00 UTC */

static void adopt(struct fixture *fixture, struct adopt_result *ret)
{
    struct error error = {0};
    if (adopt_all(fixture->store, NULL, ret, &error) < 0)
        fail_msg("%s", error.text);
}

static mode_t mode_of(const struct fixture *fixture, const char *path)
{
    struct stat st;
    assert_int_equal(fstatat(store_fd(fixture->store, 0), path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

/* The ACL in short text, or "none" where the filesystem knows none. */
static void acl_of(const struct fixture *fixture, const char *path, char *ret, size_t size)
{
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_RDONLY);
    assert_true(fd >= 0);
    acl_t acl = acl_get_fd(fd);
    if (!acl) {
        assert_int_equal(errno, EOPNOTSUPP);
        snprintf(ret, size, "none");
        return;
    }
    char *text = acl_to_any_text(acl, NULL, ',', TEXT_ABBREVIATE | TEXT_NUMERIC_IDS);
    snprintf(ret, size, "%s", text);
    acl_free(text);
    acl_free(acl);
}

static void test_moves_and_lists(void **state)
{
    struct fixture *fixture = *state;
    const bool known = fixture_knows_user(1000);
    const struct example example = {.time_us = START,
                                    .uid = 1000,
                                    .access_uid = known ? 1000 : 0,
                                    .content = 300000,
                                    .comm = "my prog"};
    struct adopt_result result;
    char id[LAYOUT_ID_SIZE], acl[256];
    fixture_write(fixture, &example, LAYOUT_RECORD_SUFFIX, id);
    adopt(fixture, &result);
    assert_int_equal(result.adopted, 1);
    assert_int_equal(result.failed, 0);
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", id));
    assert_false(fixture_has(fixture, "new/%s.core.zst", id));

    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id);
    assert_non_null(row);
    assert_string_equal(row->text[CRASH_COMM], "my prog");
    assert_string_equal(row->text[CRASH_NAME], "my prog");
    assert_int_equal(row->core, RECORD_FULL);
    assert_int_equal(row->core_size, 300000);
    assert_true(row->stored_size > 300000);
    assert_int_equal(row->analysis, CRASH_PENDING);
    assert_true(row->has_content);

    char path[LAYOUT_PATH_SIZE];
    layout_crash_path(path, 1000, id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(mode_of(fixture, path), 0640);
    assert_int_equal(mode_of(fixture, "crashes/1000"), 0750);
    acl_of(fixture, path, acl, sizeof acl);
    if (!known) {
        print_message("# this user namespace has no uid 1000: no ACL to look at\n");
    } else if (strcmp(acl, "none") != 0) {
        assert_string_equal(acl, "u::rw-,u:1000:r--,g::r--,m::r--,o::---");
        acl_of(fixture, "crashes/1000", acl, sizeof acl);
        assert_string_equal(acl, "u::rwx,u:1000:r-x,g::r-x,m::r-x,o::---");
    }
    adopt(fixture, &result); /* nothing more to do */
    assert_int_equal(result.adopted, 0);
}

static void test_private(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {
        .time_us = START, .uid = 1000, .access_uid = 1000, .content = 100, .is_private = true};
    char acl[256], path[LAYOUT_PATH_SIZE];
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(row->owner, 0);
    assert_true(row->is_private);
    assert_true(row->access_uid == CRASH_ABSENT); /* whatever the facts say */
    layout_crash_path(path, 0, row->id, LAYOUT_RECORD_SUFFIX);
    assert_int_equal(mode_of(fixture, path), 0600);
    acl_of(fixture, path, acl, sizeof acl);
    if (strcmp(acl, "none") != 0)
        assert_string_equal(acl, "u::rw-,g::---,o::---");
    assert_false(fixture_has(fixture, "crashes/1000"));
}

/* Death after each step: whoever comes next carries on, and nothing is there twice. */
static void test_dies_after_the_row(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    struct index *index = store_writable_index(fixture->store);
    struct adopt_result result;
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    fixture_write(fixture, &example, LAYOUT_RECORD_SUFFIX, id);
    layout_new_path(path, id, LAYOUT_RECORD_SUFFIX);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_RDONLY);
    AUTO_RECORD struct record *record = NULL;
    struct crash_row row;
    assert_int_equal(record_open(fd, &record, NULL), 0);
    crash_row_from_record(id, record, &row);
    assert_int_equal(index_begin(index, NULL), 0);
    assert_int_equal(index_put(index, &row, NULL, NULL), 0);
    assert_int_equal(index_commit(index, NULL), 0);

    /* In between, it is listed once, and can be opened. */
    uint64_t n;
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
    AUTO_CRASH_ROW struct crash_row *listed = NULL;
    assert_int_equal(query_resolve(fixture->store, id, &listed, NULL), 0);
    AUTO_FD int opened = store_open_record(fixture->store, listed, NULL);
    assert_true(opened >= 0);
    assert_int_equal(store_row_core(fixture->store, listed), RECORD_FULL);

    adopt(fixture, &result);
    assert_int_equal(result.adopted, 1);
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", id));
}

static void test_dies_after_the_rename_of_a_copy(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    struct adopt_result result;
    char id[LAYOUT_ID_SIZE];
    uint64_t n;
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    fixture_write(fixture, &example, LAYOUT_RECORD_SUFFIX, id); /* the very same again */
    assert_string_equal(id, row->id);
    adopt(fixture, &result);
    assert_int_equal(result.failed, 0);
    assert_false(fixture_has(fixture, "new/%s.core.zst", id));
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
}

static void test_id_taken(void **state)
{
    struct fixture *fixture = *state;
    const struct example one = {.time_us = START + 1, .uid = 1000, .content = 5000};
    const struct example two = {.time_us = START + 2, .uid = 1000, .content = 6000};
    const struct example elsewhere = {.time_us = START + 3, .uid = 1001, .content = 6000};
    AUTO_CRASH_ROW struct crash_row *first = fixture_add(fixture, &one);
    AUTO_CRASH_ROW struct crash_row *second = fixture_add(fixture, &two);
    AUTO_CRASH_ROW struct crash_row *third = fixture_add(fixture, &elsewhere);
    assert_string_equal(first->id, "20261122-000000-1000");
    assert_string_equal(second->id, "20261122-000000-1000.2");
    assert_string_equal(third->id, "20261122-000000-1000.3");
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", first->id));
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", second->id));
    assert_true(fixture_has(fixture, "crashes/1001/%s.core.zst", third->id));
    assert_int_equal(first->core_size, 5000);
    assert_int_equal(second->core_size, 6000);
}

static void test_dead_hook(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {
        .time_us = START, .uid = 1000, .content = 600000, .unfinished = true};
    struct adopt_result result;
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    fixture_write(fixture, &example, LAYOUT_PART_SUFFIX, id);
    layout_new_path(path, id, LAYOUT_PART_SUFFIX);

    /* While its hook holds the lock, nobody touches it. */
    int hook = openat(store_fd(fixture->store, 0), path, O_RDONLY);
    assert_int_equal(flock(hook, LOCK_EX), 0);
    adopt(fixture, &result);
    assert_int_equal(result.salvaged + result.adopted, 0);
    assert_true(fixture_has(fixture, "%s", path));

    close(hook); /* dies */
    adopt(fixture, &result);
    assert_int_equal(result.salvaged, 1);
    assert_int_equal(result.adopted, 1);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id);
    assert_non_null(row);
    assert_int_equal(row->core, RECORD_TRUNCATED);
    assert_non_null(row->text[CRASH_REASON]);
    assert_true(row->has_content);
    assert_false(fixture_has(fixture, "%s", path));
}

static void test_dead_before_the_facts(void **state)
{
    struct fixture *fixture = *state;
    struct adopt_result result;
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), "new/20261122-000001-77.core.zst.part",
                            O_WRONLY | O_CREAT, 0600);
    assert_int_equal(io_write(fd, "INQ", 3), 0);
    adopt(fixture, &result);
    assert_int_equal(result.adopted, 1);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, "20261122-000001-77");
    assert_non_null(row);
    assert_int_equal(row->pid, 77);
    assert_true(row->time_us == START + SECOND);
    assert_int_equal(row->core, RECORD_FACTS);
    assert_true(row->is_private);
    assert_int_equal(row->analysis, CRASH_HOPELESS);
}

static void test_bad_files_keep_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct adopt_result result;
    char name[64], id[LAYOUT_ID_SIZE];
    int storefd = store_fd(fixture->store, 0);
    for (int i = 0; i < 70; i++) { /* more than a batch */
        snprintf(name, sizeof name, "new/20261121-000001-%d.core.zst", 100 + i);
        AUTO_FD int fd = openat(storefd, name, O_WRONLY | O_CREAT, 0600);
        assert_int_equal(io_write(fd, "no record", 9), 0);
    }
    assert_int_equal(symlinkat("/etc/passwd", storefd, "new/20261121-000001-1.core.zst"), 0);
    assert_int_equal(mkfifoat(storefd, "new/20261121-000001-2.core.zst", 0600), 0);
    assert_int_equal(mkdirat(storefd, "new/20261121-000001-3.core.zst", 0700), 0);
    assert_int_equal(mkfifoat(storefd, "new/20261121-000001-4.core.zst.part", 0600), 0);
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    fixture_write(fixture, &example, LAYOUT_RECORD_SUFFIX, id);
    for (int i = 0; i < 3; i++)
        adopt(fixture, &result);
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", id));
    uint64_t n;
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_true(fixture_has(fixture, "new/20261121-000001-100.damaged"));
}

/* A batch that cannot be opened hides nobody; one of them among what is no record stays, for
 * another time may be better. */
static void test_stuck_files(void **state)
{
    enum { BATCH = 64 };
    struct fixture *fixture = *state;
    struct adopt_result result;
    char name[64], id[LAYOUT_ID_SIZE];
    int storefd = store_fd(fixture->store, 0);
    for (int i = 0; i < BATCH; i++) {
        snprintf(name, sizeof name, "new/20261121-000001-%d.core.zst", 100 + i);
        assert_int_equal(symlinkat("/etc/passwd", storefd, name), 0);
    }
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    fixture_write(fixture, &example, LAYOUT_RECORD_SUFFIX, id);
    for (int i = 0; i < 3; i++)
        adopt(fixture, &result);
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", id));

    unsigned before = 0, after = 0;
    for (int i = 0; i < BATCH; i++)
        before += fixture_has(fixture, "new/20261121-000001-%d.core.zst", 100 + i);
    for (int i = (int)before; i < 2 * BATCH; i++) { /* more than enough for a batch */
        snprintf(name, sizeof name, "new/20261121-000000-%d.core.zst", 100 + i);
        AUTO_FD int fd = openat(storefd, name, O_WRONLY | O_CREAT, 0600);
        assert_int_equal(io_write(fd, "no record", 9), 0);
    }
    adopt(fixture, &result);
    for (int i = 0; i < BATCH; i++)
        after += fixture_has(fixture, "new/20261121-000001-%d.core.zst", 100 + i);
    assert_int_equal(before, BATCH - 1);
    assert_int_equal(after, before);
}

/* Many adopters at once: each crash once, no error, no deadlock. */
static void test_race(void **state)
{
    struct fixture *fixture = *state;
    enum { CRASHES = 150, ADOPTERS = 8 };
    char id[LAYOUT_ID_SIZE];
    for (int i = 0; i < CRASHES; i++) {
        const struct example example = {
            .time_us = START + i, .pid = 100 + i, .uid = 1000 + i % 3, .content = 1000};
        fixture_write(fixture, &example, LAYOUT_RECORD_SUFFIX, id);
    }
    store_free(fixture->store);
    fixture->store = NULL;
    for (int i = 0; i < ADOPTERS; i++)
        if (fork() == 0) {
            struct store *store;
            struct adopt_result result = {0};
            int r = store_open(fixture->path, STORE_WRITE, &store, NULL);
            if (r == 0)
                r = adopt_all(store, NULL, &result, NULL);
            _exit(r < 0 || result.failed ? 1 : 0);
        }
    int status;
    for (int i = 0; i < ADOPTERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    fixture_reopen(fixture, STORE_WRITE);
    uint64_t n;
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, CRASHES);
    assert_true(fixture_has(fixture, "crashes/1002"));
    struct adopt_result result;
    adopt(fixture, &result);
    assert_int_equal(result.adopted, 0); /* nobody left anything */
}

static void overwrite_index(const struct fixture *fixture, const char *with)
{
    /* As long as the log is there, sqlite has the pages from it, and all is well. */
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), LAYOUT_INDEX "-wal", 0), 0);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), LAYOUT_INDEX, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(io_write(fd, with, strlen(with)), 0);
}

static void check_rebuilt(struct fixture *fixture, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct error error = {0};
    if (query_resolve(fixture->store, id, &row, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(row->pinned);
    assert_int_equal(row->core, RECORD_FULL);
    assert_int_equal(row->owner, 1000);
}

static void test_index_lost_or_garbage(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);

    overwrite_index(fixture, "garbage\n"); /* under somebody who has it open, too */
    for (int rights = STORE_READ; rights <= STORE_WRITE; rights++) {
        fixture_reopen(fixture, (enum store_rights)rights);
        check_rebuilt(fixture, row->id);
    }
    assert_true(fixture_has(fixture, "index.db.damaged"));

    for (int rights = STORE_READ; rights <= STORE_WRITE; rights++) {
        (void)unlinkat(store_fd(fixture->store, 0), LAYOUT_INDEX, 0);
        fixture_reopen(fixture, (enum store_rights)rights);
        check_rebuilt(fixture, row->id);
    }

    assert_int_equal(unlinkat(store_fd(fixture->store, 0), LAYOUT_INDEX, 0), 0);
    assert_int_equal(mkdirat(store_fd(fixture->store, 0), LAYOUT_INDEX, 0700), 0);
    fixture_reopen(fixture, STORE_READ);
    check_rebuilt(fixture, row->id);
    fixture_reopen(fixture, STORE_WRITE);
    check_rebuilt(fixture, row->id);

    assert_int_equal(unlinkat(store_fd(fixture->store, 0), LAYOUT_INDEX "-wal", 0), 0);
    assert_int_equal(mkdirat(store_fd(fixture->store, 0), LAYOUT_INDEX "-wal", 0700), 0);
    fixture_reopen(fixture, STORE_WRITE);
    check_rebuilt(fixture, row->id);
    assert_int_equal(store_source_in_memory(fixture->store, 0), false);
}

static void test_index_of_another_version(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    assert_int_equal(pin_set(fixture->store, row, NULL), 0);
    static const char *const others[] = {"PRAGMA user_version=1", "PRAGMA user_version=1000000",
                                         "PRAGMA application_id=1"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct database *database = index_database(store_writable_index(fixture->store));
        assert_int_equal(database_script(database, others[i], NULL), 0);
        for (int rights = STORE_READ; rights <= STORE_WRITE; rights++) {
            fixture_reopen(fixture, (enum store_rights)rights);
            check_rebuilt(fixture, row->id);
        }
    }
}

static void test_index_replaced_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    const struct example one = {.time_us = START, .uid = 1000, .content = 5000};
    const struct example two = {.time_us = START + SECOND, .uid = 1000, .content = 5000};
    AUTO_CRASH_ROW struct crash_row *first = fixture_add(fixture, &one);
    struct store *other;
    uint64_t n;
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &other, NULL), 0);
    assert_int_equal(store_rebuild_index(other, NULL, NULL, &n, NULL), 0);
    assert_int_equal(n, 1);
    AUTO_CRASH_ROW struct crash_row *second = fixture_add(fixture, &two); /* into the new one */
    assert_int_equal(query_count(other, NULL, &n, NULL), 0);
    assert_int_equal(n, 2);
    store_free(other);
}

static int import_again(const char *path, const struct crash_row *row)
{
    AUTO_CRASH_ROW struct crash_row *imported = NULL;
    AUTO_STORE struct store *store = NULL;
    if (store_open(path, STORE_WRITE, &store, NULL) < 0)
        return 1;
    AUTO_FD int fd = store_open_record(store, row, NULL);
    return fd < 0 || adopt_record(store, fd, UINT64_MAX, &imported, NULL) < 0 ? 2 : 0;
}

/* What is imported has no name that a keeper could adopt before the import does. */
static void test_import_beside_a_keeper(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .uid = 1000, .content = 3000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    char again[LAYOUT_ID_SIZE];
    AUTO_FD int newfd = adopt_open_new(fixture->store, NULL);
    assert_int_equal(adopt_lock(newfd, NULL), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int status = import_again(fixture->path, row);
        crash_row_free(steal_pointer(&row)); /* or memcheck takes it for lost */
        _exit(status);
    }
    for (int i = 0; i < 30 && !fixture_has(fixture, "new/%s.2.core.zst", row->id); i++)
        (void)usleep(10000);
    assert_false(fixture_has(fixture, "new/%s.2.core.zst", row->id));
    /* It leaves nothing behind that came while it had the lock. */
    const struct example hooked = {.time_us = START + SECOND, .uid = 1000, .content = 3000};
    fixture_write(fixture, &hooked, LAYOUT_RECORD_SUFFIX, again);
    io_unlock(newfd);
    int status;
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", again));
    assert_true(fixture_has(fixture, "crashes/1000/%s.2.core.zst", row->id) ||
                fixture_has(fixture, "crashes/0/%s.2.core.zst", row->id));
}

static void test_import_of_a_record(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START,
                                    .uid = 1000,
                                    .access_uid = fixture_knows_user(1000) ? 1000 : 0,
                                    .content = 300000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example), *copy = NULL;
    AUTO_FD int fd = store_open_record(fixture->store, row, NULL);
    struct error error = {0};
    if (adopt_record(fixture->store, fd, UINT64_MAX, &copy, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(error.text, ""); /* that it has no rescue core is no trouble */
    assert_string_equal(copy->id, "20261122-000000-1000.2");
    assert_true(copy->is_private); /* a record from elsewhere does not say who reads it here */
    assert_true(copy->access_uid == CRASH_ABSENT);
    assert_int_equal(copy->core_size, 300000);
    assert_int_equal(copy->core, RECORD_FULL);
    AUTO_FD int copied = store_open_record(fixture->store, copy, NULL);
    AUTO_RECORD struct record *from = NULL, *to = NULL;
    assert_int_equal(record_open(fd, &from, NULL), 0);
    assert_int_equal(record_open(copied, &to, NULL), 0);
    AUTO_FREE char *a = malloc(300000), *b = malloc(300000);
    assert_int_equal(record_read(from, a, 300000, 0), 300000);
    assert_int_equal(record_read(to, b, 300000, 0), 300000);
    assert_memory_equal(a, b, 300000);
}

static void test_import_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    const struct example example = {.time_us = START, .content = 300000};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    AUTO_FD int fd = store_open_record(fixture->store, row, NULL);
    const struct {
        uint64_t max_core, content;
        enum record_state core;
    } cases[] = {
        {300000, 300000, RECORD_FULL},
        {299999, 299999, RECORD_TRUNCATED},
        {100000, 100000, RECORD_TRUNCATED},
        {0, 0, RECORD_TRUNCATED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_CRASH_ROW struct crash_row *copy = NULL;
        AUTO_RECORD struct record *record = NULL;
        struct error error = {0};
        assert_int_equal(adopt_record(fixture->store, fd, cases[i].max_core, &copy, &error), 0);
        assert_string_equal(error.text, "");
        assert_int_equal(copy->core, cases[i].core);
        assert_int_equal(copy->core_size, 300000);
        AUTO_FD int copied = store_open_record(fixture->store, copy, NULL);
        assert_int_equal(record_open(copied, &record, NULL), 0);
        assert_int_equal(record_content_size(record), cases[i].content);
        const char *reason = metadata_text(record_metadata(record), KEY_REASON);
        assert_true((reason && strstr(reason, "max_core")) == (cases[i].core != RECORD_FULL));
    }
}

static void test_import_of_another_time(void **state)
{
    struct fixture *fixture = *state;
    const int64_t now = time(NULL) * SECOND;
    const struct {
        int64_t said, least, most;
    } cases[] = {
        {START, START, START},
        {now - SECOND, now - SECOND, now - SECOND},
        {now + 600 * SECOND, now + 600 * SECOND, now + 600 * SECOND}, /* another clock */
        {now + 7200 * SECOND, now, now + 60 * SECOND},
        {INT64_MAX, now, now + 60 * SECOND},
        {-SECOND, 0, 0},
        {INT64_MIN + 1, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct example example = {.time_us = cases[i].said, .content = 100};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example), *copy = NULL;
        AUTO_FD int fd = store_open_record(fixture->store, row, NULL);
        assert_int_equal(adopt_record(fixture->store, fd, UINT64_MAX, &copy, NULL), 0);
        assert_in_range((uint64_t)copy->time_us, (uint64_t)cases[i].least, (uint64_t)cases[i].most);
    }
}

/* stat(2) tells anybody the sizes: they move by whole MiB. */
static void test_index_has_round_sizes(void **state)
{
    enum { CHANGES = 150, MIB = 1024 * 1024 };
    struct fixture *fixture = *state;
    static const char *const names[] = {LAYOUT_INDEX, LAYOUT_INDEX "-wal"};
    for (int i = 0; i < CHANGES; i++) {
        const struct example example = {.time_us = START + i, .pid = i + 1, .uid = 1000};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
        for (size_t file = 0; file < ARRAY_SIZE(names); file++) {
            struct stat st;
            assert_int_equal(fstatat(store_fd(fixture->store, 0), names[file], &st, 0), 0);
            if (st.st_size == 0 || st.st_size % MIB != 0)
                fail_msg("%s has %lld bytes after %d", names[file], (long long)st.st_size, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_moves_and_lists, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_private, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dies_after_the_row, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dies_after_the_rename_of_a_copy, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_id_taken, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dead_hook, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dead_before_the_facts, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stuck_files, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bad_files_keep_nobody, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_race, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_index_lost_or_garbage, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_index_of_another_version, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_index_replaced_meanwhile, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_import_beside_a_keeper, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_import_of_a_record, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_import_of_another_time, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_import_is_bounded, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_index_has_round_sizes, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
