/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-check.c - what is wrong with a store is found, told and set right. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
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

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/check.h"
#include "store/index.h"
#include "store/query.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795305600) * SECOND) /* 2026-11-22 00:00:00 UTC */

struct tally {
    unsigned kinds[CHECK_KINDS], repaired[CHECK_KINDS];
    uint64_t offset;
};

static void note(void *context, const struct check_finding *finding)
{
    struct tally *tally = context;
    assert_true(finding->kind < CHECK_KINDS);
    assert_true(*finding->text);
    tally->kinds[finding->kind]++;
    tally->repaired[finding->kind] += finding->repaired;
    tally->offset = finding->content_offset;
    print_message("# %s %s: %s%s\n", check_kind_name(finding->kind),
                  finding->path ? finding->path : "-", finding->text,
                  finding->repaired ? " (repaired)" : "");
}

static uint64_t check(struct fixture *fixture, unsigned flags, struct tally *ret)
{
    struct check_result result;
    struct error error = {0};
    *ret = (struct tally){0};
    if (check_run(fixture->store, flags, note, ret, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result.found;
}

/* Finds exactly this; repairs it; and then finds nothing. */
static void finds_and_repairs(struct fixture *fixture, enum check_kind kind)
{
    struct tally tally;
    uint64_t found = check(fixture, 0, &tally);
    assert_int_equal(tally.kinds[kind], 1);
    assert_int_equal(found, 1);
    assert_int_equal(tally.repaired[kind], 0);
    check(fixture, CHECK_REPAIR, &tally);
    assert_int_equal(tally.repaired[kind], 1);
    assert_int_equal(check(fixture, CHECK_CONTENTS, &tally), 0);
}

static struct crash_row *add(struct fixture *fixture, int64_t uid)
{
    const struct example example = {.time_us = START,
                                    .uid = uid,
                                    .access_uid = fixture_knows_user((uid_t)uid) ? uid : 0,
                                    .content = 600000};
    return fixture_add(fixture, &example);
}

static void path_of(const struct crash_row *row, const char *suffix,
                    char ret[static LAYOUT_PATH_SIZE])
{
    layout_crash_path(ret, row->owner, row->id, suffix);
}

static void test_sound(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    const struct example private = {.time_us = START + SECOND, .uid = 1000, .is_private = true};
    AUTO_CRASH_ROW struct crash_row *other = fixture_add(fixture, &private);
    fixture_explain(fixture, row, "00000000000000aa", "stack", "f", 5);
    assert_int_equal(check(fixture, CHECK_CONTENTS, &tally), 0);
    fixture_reopen(fixture, STORE_READ);
    assert_int_equal(check(fixture, CHECK_CONTENTS, &tally), 0);
}

static void test_row_without_file(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    assert_int_equal(store_row_core(fixture->store, row), RECORD_MISSING);
    finds_and_repairs(fixture, CHECK_ROW_WITHOUT_FILE);
    assert_null(fixture_row(fixture, row->id));
}

static void test_row_with_a_report_alone(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    fixture_report(fixture, row, "{}");
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    finds_and_repairs(fixture, CHECK_ROW_WITHOUT_FILE);
    AUTO_CRASH_ROW struct crash_row *kept = fixture_row(fixture, row->id);
    assert_non_null(kept); /* what is known of it is still told */
    assert_int_equal(kept->core, RECORD_MISSING);
}

/* Who may read it, and pass its directory, the row says then. */
static void test_report_alone_and_its_reader(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    struct tally tally;
    const struct example example = {.time_us = START, .uid = 1000, .access_uid = 1001};
    if (!fixture_knows_user(1001))
        skip();
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    fixture_report(fixture, row, "{}");
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    assert_int_equal(unlinkat(store_fd(fixture->store, 0), path, 0), 0);
    finds_and_repairs(fixture, CHECK_ROW_WITHOUT_FILE);
    assert_int_equal(check(fixture, 0, &tally), 0);
    path_of(row, LAYOUT_REPORT_SUFFIX, path);
    assert_int_equal(fchmodat(store_fd(fixture->store, 0), path, 0666, 0), 0);
    finds_and_repairs(fixture, CHECK_MODE);
}

static void test_file_without_row(void **state)
{
    struct fixture *fixture = *state;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    assert_int_equal(index_remove(store_writable_index(fixture->store), row->seq, NULL), 0);
    finds_and_repairs(fixture, CHECK_FILE_WITHOUT_ROW);
    AUTO_CRASH_ROW struct crash_row *again = fixture_row(fixture, row->id);
    assert_non_null(again);
    assert_int_equal(again->core_size, 600000);
}

static void test_row_differs(void **state)
{
    struct fixture *fixture = *state;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    assert_int_equal(index_set_stored(store_writable_index(fixture->store), row->seq, RECORD_PRUNED,
                                      false, 17, NULL),
                     0);
    finds_and_repairs(fixture, CHECK_ROW_DIFFERS);
    AUTO_CRASH_ROW struct crash_row *again = fixture_row(fixture, row->id);
    assert_int_equal(again->core, RECORD_FULL);
    assert_int_equal(again->stored_size, row->stored_size);
}

static void test_pin_without_mark(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    path_of(row, LAYOUT_PIN_SUFFIX, path);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_WRONLY | O_CREAT, 0640);
    assert_true(fd >= 0);
    finds_and_repairs(fixture, CHECK_ROW_DIFFERS);
    AUTO_CRASH_ROW struct crash_row *again = fixture_row(fixture, row->id);
    assert_true(again->pinned);
}

static void test_mode_and_acl(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    assert_int_equal(fchmodat(store_fd(fixture->store, 0), path, 0644, 0), 0);
    finds_and_repairs(fixture, CHECK_MODE);
    struct stat st;
    assert_int_equal(fstatat(store_fd(fixture->store, 0), path, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(fchmodat(store_fd(fixture->store, 0), "crashes/1000", 0755, 0), 0);
    finds_and_repairs(fixture, CHECK_MODE);
}

/* Made under whatever umask, its directory has the mode that is due. */
static void test_kept_module(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally;
    struct stat st;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    AUTO_FD int fd = open("/dev/null", O_RDONLY);
    mode_t mask = umask(0077);
    int r = store_keep_module(fixture->store, row, "aabb", fd, NULL);
    (void)umask(mask);
    assert_int_equal(r, 0);
    assert_int_equal(check(fixture, 0, &tally), 0);
    assert_int_equal(fstatat(store_fd(fixture->store, 0), "crashes/1000/modules", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(fchmodat(store_fd(fixture->store, 0), "crashes/1000/modules", 0777, 0), 0);
    finds_and_repairs(fixture, CHECK_MODE);
}

/* While the directory is read, a crash of another reader comes into it, or is about to. */
struct intrusion {
    struct fixture *fixture;
    bool is_done, is_moved;
};

static void intrude(void *context, const struct check_finding *finding)
{
    struct intrusion *intrusion = context;
    struct fixture *fixture = intrusion->fixture;
    char path[LAYOUT_PATH_SIZE], new[LAYOUT_PATH_SIZE];
    const struct example example = {
        .time_us = START + SECOND, .uid = 1000, .access_uid = 1001, .pid = 77};
    (void)finding;
    if (intrusion->is_done)
        return;
    intrusion->is_done = true;
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    layout_new_path(new, row->id, LAYOUT_RECORD_SUFFIX);
    if (!intrusion->is_moved)
        assert_int_equal(
            renameat(store_fd(fixture->store, 0), path, store_fd(fixture->store, 0), new), 0);
}

static void test_adoption_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    struct check_result result;
    struct tally tally;
    if (!fixture_knows_user(1001))
        skip();
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    for (int is_moved = 0; is_moved < 2; is_moved++) {
        struct intrusion intrusion = {.fixture = fixture, .is_moved = is_moved};
        assert_int_equal(fchmodat(store_fd(fixture->store, 0), path, 0644, 0), 0);
        assert_int_equal(
            check_run(fixture->store, CHECK_REPAIR, intrude, &intrusion, &result, NULL), 0);
        assert_int_equal(result.found, 1);
        check(fixture, CHECK_REPAIR, &tally); /* adopts what is left in new/ */
        assert_int_equal(tally.kinds[CHECK_MODE], 0);
        AUTO_CRASH_ROW struct crash_row *other = fixture_row(fixture, "20261122-000001-77");
        assert_non_null(other);
        assert_int_equal(store_remove(fixture->store, other, true, NULL), 0);
        check(fixture, CHECK_REPAIR, &tally); /* then the other reader goes */
        assert_int_equal(tally.repaired[CHECK_MODE], 1);
    }
}

static void test_frame_damaged(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    struct tally tally;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_RDWR);
    char byte;
    off_t at = 350000; /* in the second of three frames: the content does not compress */
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(check(fixture, 0, &tally), 0); /* without reading the contents */
    assert_int_equal(check(fixture, CHECK_CONTENTS, &tally), 1);
    assert_int_equal(tally.kinds[CHECK_FRAME_DAMAGED], 1);
    assert_int_equal(tally.offset, 262144);
}

static void test_record_damaged(void **state)
{
    struct fixture *fixture = *state;
    char path[LAYOUT_PATH_SIZE];
    struct tally tally;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    path_of(row, LAYOUT_RECORD_SUFFIX, path);
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), path, O_RDWR);
    assert_int_equal(ftruncate(fd, 300000), 0);
    check(fixture, 0, &tally);
    assert_int_equal(tally.kinds[CHECK_RECORD_DAMAGED], 1); /* it has no end */
    assert_int_equal(ftruncate(fd, 3), 0);
    check(fixture, 0, &tally);
    assert_int_equal(tally.kinds[CHECK_RECORD_DAMAGED], 1);
}

static void test_left_in_new(void **state)
{
    struct fixture *fixture = *state;
    char id[LAYOUT_ID_SIZE];
    const struct example dead = {
        .time_us = START, .uid = 1000, .content = 600000, .unfinished = true};
    fixture_write(fixture, &dead, LAYOUT_PART_SUFFIX, id);
    finds_and_repairs(fixture, CHECK_ORPHAN_PART);
    assert_true(fixture_has(fixture, "crashes/1000/%s.core.zst", id));
}

static void test_orphans(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    int storefd = store_fd(fixture->store, 0);
    static const char *const names[] = {"crashes/1000/20261122-000000-9.pin",
                                        "crashes/1000/.20261122-000000-9.core.zst.new",
                                        "crashes/1000/20261122-000000-8.report.json"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FD int fd = openat(storefd, names[i], O_WRONLY | O_CREAT, 0640);
        const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
        assert_int_equal(futimens(fd, old), 0);
    }
    check(fixture, CHECK_REPAIR, &tally);
    assert_int_equal(tally.kinds[CHECK_ORPHAN_FILE], 3);
    assert_int_equal(tally.repaired[CHECK_ORPHAN_FILE], 2);
    assert_false(fixture_has(fixture, "%s", names[0]));
    assert_false(fixture_has(fixture, "%s", names[1]));
    assert_true(fixture_has(fixture, "%s", names[2])); /* all that is left of it */
}

static void test_totals(void **state)
{
    struct fixture *fixture = *state;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    fixture_explain(fixture, row, "00000000000000aa", "stack", "f", 5);
    struct database *database = index_database(store_writable_index(fixture->store));
    static const char *const harm[] = {
        "UPDATE usage SET bytes = bytes + 1",
        "UPDATE state SET rows = 7",
        "UPDATE signature SET count = 3",
    };
    for (size_t i = 0; i < ARRAY_SIZE(harm); i++) {
        assert_int_equal(database_script(database, harm[i], NULL), 0);
        finds_and_repairs(fixture, CHECK_TOTALS);
    }
}

static void test_index_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct tally tally;
    struct error error = {0};
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    for (int i = 0; i < 50; i++) {
        const struct example example = {.time_us = START + i, .pid = 100 + i, .uid = 1000};
        crash_row_free(row);
        row = fixture_add(fixture, &example);
    }
    struct database *database = index_database(store_writable_index(fixture->store));
    assert_int_equal(database_script(database, "PRAGMA wal_checkpoint(TRUNCATE)", NULL), 0);
    /* Pages in the middle, while the first one, with the schema, is sound. */
    AUTO_FD int fd = openat(store_fd(fixture->store, 0), LAYOUT_INDEX, O_RDWR);
    struct stat st;
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 4096 * 12; at + 4096 <= st.st_size; at += 4096)
        assert_int_equal(io_pwrite(fd, junk, sizeof junk, (uint64_t)at), 0);
    fixture_reopen(fixture, STORE_WRITE);
    struct check_result result;
    tally = (struct tally){0};
    if (check_run(fixture->store, CHECK_REPAIR, note, &tally, &result, &error) < 0)
        fail_msg("%s", error.text);
    uint64_t n;
    assert_int_equal(query_count(fixture->store, NULL, &n, NULL), 0);
    assert_int_equal(n, 50);
    assert_int_equal(check(fixture, CHECK_CONTENTS, &tally), 0);
}

static void test_reindex(void **state)
{
    struct fixture *fixture = *state;
    uint64_t n;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    AUTO_CRASH_ROW struct crash_row *other = add(fixture, 1001);
    assert_int_equal(check_reindex(fixture->store, NULL, NULL, &n, NULL), 0);
    assert_int_equal(n, 2);
    AUTO_CRASH_ROW struct crash_row *again = fixture_row(fixture, row->id);
    assert_non_null(again);
    assert_int_equal(again->stored_size, row->stored_size);
    assert_int_equal(again->access_uid, row->access_uid);
    struct tally tally;
    assert_int_equal(check(fixture, CHECK_CONTENTS, &tally), 0);
}

/* Whether this process has a POSIX lock on the file, as another one is told. */
static bool is_locked_by_us(int dirfd, const char *name)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
        _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

/* Any descriptor of a file that is closed ends the locks that sqlite has on it: the next who comes
 * would take himself for the first, and cut the shared memory short under the others. */
static void test_sqlite_keeps_its_locks(void **state)
{
    struct fixture *fixture = *state;
    struct check_result result;
    AUTO_CRASH_ROW struct crash_row *row = add(fixture, 1000);
    int fd = store_fd(fixture->store, 0);

    assert_true(is_locked_by_us(fd, LAYOUT_INDEX "-shm"));
    assert_int_equal(check_run(fixture->store, 0, NULL, NULL, &result, NULL), 0);
    assert_true(is_locked_by_us(fd, LAYOUT_INDEX "-shm"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sound),
        TEST(test_row_without_file),
        TEST(test_row_with_a_report_alone),
        TEST(test_report_alone_and_its_reader),
        TEST(test_file_without_row),
        TEST(test_row_differs),
        TEST(test_pin_without_mark),
        TEST(test_mode_and_acl),
        TEST(test_kept_module),
        TEST(test_adoption_meanwhile),
        TEST(test_frame_damaged),
        TEST(test_record_damaged),
        TEST(test_left_in_new),
        TEST(test_orphans),
        TEST(test_totals),
        TEST(test_index_damaged),
        TEST(test_reindex),
        TEST(test_sqlite_keeps_its_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
