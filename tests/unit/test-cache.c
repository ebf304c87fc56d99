/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-cache.c - STORE/cache: whole or not there, within its bounds; and dpkg's lists, indexed. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/cache_files.h"
#include "store/package_index.h"
#include "tests/unit/store_fixture.h"

static int store_of(const struct fixture *fixture)
{
    return store_fd(fixture->store, 0);
}

/* What stands for /var/lib/dpkg/info. */
static int open_lists(const struct fixture *fixture)
{
    (void)mkdirat(store_of(fixture), "lists", 0755); /* once */
    return openat(store_of(fixture), "lists", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* As dpkg does: another file takes the name. */
static void write_list(const struct fixture *fixture, const char *name, const char *text)
{
    AUTO_FD int lists = open_lists(fixture);
    AUTO_FD int fd = openat(lists, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_int_equal(io_write(fd, text, strlen(text)), 0);
    assert_int_equal(renameat(lists, "new", lists, name), 0);
}

static int read_index(const struct fixture *fixture, struct package_index *ret)
{
    AUTO_FD int lists = open_lists(fixture);
    AUTO_FD int fd = package_index_open(store_of(fixture));
    return fd < 0 ? fd : package_index_read(fd, lists, ret);
}

static int refresh(const struct fixture *fixture)
{
    AUTO_FD int lists = open_lists(fixture);
    return package_index_refresh(store_of(fixture), lists, UINT64_MAX, NULL);
}

/* The lists that may name `path`, joined. */
static const char *lists_of(const struct fixture *fixture, const char *path)
{
    static char joined[256];
    AUTO_PACKAGE_INDEX struct package_index index = {0};
    size_t at = 0;
    joined[0] = '\0';
    assert_int_equal(read_index(fixture, &index), 0);
    for (const char *name; (name = package_index_next(&index, path, strlen(path), &at));) {
        size_t used = strlen(joined);
        snprintf(joined + used, sizeof joined - used, "%s ", name);
    }
    return joined;
}

static void test_packages(void **state)
{
    const struct fixture *fixture = *state;
    write_list(fixture, "libc6:amd64.list", "/.\n/usr\n/lib/libc.so.6\n/lib/libm.so.6\n");
    write_list(fixture, "other.list", "/usr/bin/other\n/lib/libm.so.6"); /* no last newline */
    write_list(fixture, "docs.list", "/usr/share/doc/x\n/usr/include/x.h\n");
    write_list(fixture, "libc6:amd64.md5sums", "/lib/libc.so.6\n");
    struct package_index index;
    assert_int_equal(read_index(fixture, &index), -ENOENT);
    assert_int_equal(refresh(fixture), 0);

    assert_string_equal(lists_of(fixture, "/lib/libc.so.6"), "libc6:amd64.list ");
    assert_string_equal(lists_of(fixture, "/usr/bin/other"), "other.list ");
    assert_string_equal(lists_of(fixture, "/usr/bin/othe"), "");
    assert_int_equal(strlen(lists_of(fixture, "/lib/libm.so.6")),
                     strlen("libc6:amd64.list other.list "));
    assert_false(package_index_knows("/usr/share/doc/x", 16));
    assert_string_equal(lists_of(fixture, "/usr/share/doc/x"), "");

    /* Older kernels keep time by the tick. */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    write_list(fixture, "other.list", "/usr/bin/another\n");
    assert_int_equal(read_index(fixture, &index), -ESTALE);
    assert_int_equal(refresh(fixture), 0);
    assert_string_equal(lists_of(fixture, "/usr/bin/other"), "");
    assert_string_equal(lists_of(fixture, "/usr/bin/another"), "other.list ");
}

static ino_t inode_of(const struct fixture *fixture)
{
    struct stat st;
    assert_int_equal(fstatat(store_of(fixture), "cache/packages", &st, 0), 0);
    return st.st_ino;
}

static void test_packages_are_kept(void **state)
{
    const struct fixture *fixture = *state;
    write_list(fixture, "a.list", "/bin/a\n");
    assert_int_equal(refresh(fixture), 0);
    ino_t first = inode_of(fixture);
    assert_int_equal(refresh(fixture), 0);
    assert_int_equal(inode_of(fixture), first);
}

/* However it is cut or changed: an error or an answer, and nothing read that is not there. */
static void test_packages_damaged(void **state)
{
    const struct fixture *fixture = *state;
    write_list(fixture, "a.list", "/bin/a\n/bin/b\n");
    write_list(fixture, "b.list", "/bin/b\n/bin/c\n");
    assert_int_equal(refresh(fixture), 0);
    AUTO_BYTES struct bytes whole = {0};
    assert_int_equal(io_read_file(store_of(fixture), "cache/packages", 1 << 20, &whole), 0);
    for (size_t size = 0; size <= whole.size + 1; size++) {
        const struct iovec part = {whole.data, size};
        AUTO_PACKAGE_INDEX struct package_index index = {0};
        assert_int_equal(cache_write(store_of(fixture), "packages", &part, 1), 0);
        assert_int_equal(read_index(fixture, &index), size == whole.size ? 0 : -EBADMSG);
    }
    for (size_t i = 0; i < whole.size; i++) {
        AUTO_PACKAGE_INDEX struct package_index index = {0};
        size_t at = 0;
        whole.data[i] ^= (char)0xff;
        const struct iovec part = {whole.data, whole.size};
        assert_int_equal(cache_write(store_of(fixture), "packages", &part, 1), 0);
        whole.data[i] ^= (char)0xff;
        if (read_index(fixture, &index) < 0)
            continue;
        for (const char *name; (name = package_index_next(&index, "/bin/b", 6, &at));)
            assert_true(strlen(name) <= strlen("a.list" /* NUL */ "b.list") + 1);
    }
}

static void write_file(const struct fixture *fixture, const char *name, size_t size, time_t time)
{
    static char text[64 * 1024] = {0};
    const struct iovec part = {text, size};
    assert_int_equal(cache_write(store_of(fixture), name, &part, 1), 0);
    char path[64];
    snprintf(path, sizeof path, "cache/%s", name);
    const struct timespec times[] = {{.tv_sec = time}, {.tv_sec = time}};
    assert_int_equal(utimensat(store_of(fixture), path, times, 0), 0);
}

static bool has(const struct fixture *fixture, const char *name)
{
    AUTO_FD int fd = cache_open(store_of(fixture), name);
    return fd >= 0;
}

static void test_room(void **state)
{
    const struct fixture *fixture = *state;
    enum { KIB = 1024 };
    assert_int_equal(cache_make_room(store_of(fixture), 100, 1000), 0); /* nothing there */
    write_file(fixture, "packages", 40 * KIB, 1);
    write_file(fixture, "b.debug", 40 * KIB, 20);
    write_file(fixture, "a.debug", 40 * KIB, 10);
    assert_int_equal(cache_make_room(store_of(fixture), 40 * KIB, 170 * KIB), 0);
    assert_true(has(fixture, "a.debug"));
    assert_int_equal(cache_make_room(store_of(fixture), 80 * KIB, 170 * KIB), 0);
    assert_false(has(fixture, "a.debug")); /* the oldest */
    assert_true(has(fixture, "b.debug"));
    assert_int_equal(cache_make_room(store_of(fixture), 160 * KIB, 170 * KIB), -ENOSPC);
    assert_false(has(fixture, "b.debug"));
    assert_true(has(fixture, "packages"));
    write_file(fixture, "c.debug", 40 * KIB, 30);
    uint64_t bytes;
    assert_int_equal(cache_expire(store_of(fixture), 80 * KIB, false, &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(cache_expire(store_of(fixture), 80 * KIB - 1, true, &bytes), 0);
    assert_int_equal(bytes, 80 * KIB);
    assert_true(has(fixture, "packages"));
    assert_int_equal(cache_expire(store_of(fixture), 80 * KIB - 1, false, &bytes), 0);
    assert_int_equal(bytes, 80 * KIB);
    assert_false(has(fixture, "packages") || has(fixture, "c.debug"));
    assert_int_equal(cache_make_room(store_of(fixture), 11, 10), -ENOSPC);
}

/* A directory that somebody made, and what a keeper is writing: both stay, and nothing else. */
static void test_what_stays(void **state)
{
    enum { KIB = 1024 };
    const struct fixture *fixture = *state;
    uint64_t bytes;
    write_file(fixture, "packages", 40 * KIB, 1);
    write_file(fixture, "a.debug", 40 * KIB, 10);
    assert_int_equal(mkdirat(store_of(fixture), "cache/mine", 0700), 0);
    AUTO_FD int fd = openat(store_of(fixture), "cache/part", O_WRONLY | O_CREAT, 0640);
    assert_int_equal(write(fd, (char[4 * KIB]){0}, 4 * KIB), 4 * KIB);
    for (int dry_run = 1; dry_run >= 0; dry_run--) {
        assert_int_equal(cache_expire(store_of(fixture), 0, dry_run, &bytes), 0);
        assert_int_equal(bytes, 80 * KIB);
    }
    assert_false(has(fixture, "packages") || has(fixture, "a.debug"));
    assert_true(fixture_has(fixture, "cache/mine") && fixture_has(fixture, "cache/part"));
}

static void test_limit(void **state)
{
    (void)state;
    assert_int_equal(cache_limit(0), 0);
    assert_int_equal(cache_limit(63 << 20), 0);
    assert_int_equal(cache_limit(64 << 20), 4 << 20);
    assert_int_equal(cache_limit(UINT64_MAX), 64 << 20);
}

static void test_names(void **state)
{
    const struct fixture *fixture = *state;
    const struct iovec parts[] = {{(char[]){"one "}, 4}, {NULL, 0}, {(char[]){"two"}, 3}};
    AUTO_BYTES struct bytes text = {0};
    struct stat st;
    (void)umask(0077);
    assert_int_equal(cache_write(store_of(fixture), "x", parts, 3), 0);
    assert_int_equal(io_read_file(store_of(fixture), "cache/x", 100, &text), 0);
    assert_string_equal(text.data, "one two");
    assert_int_equal(fstatat(store_of(fixture), "cache/x", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(fstatat(store_of(fixture), "cache", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    /* What a dead keeper left. */
    assert_int_equal(symlinkat("/nowhere/else", store_of(fixture), "cache/part"), 0);
    assert_int_equal(cache_write(store_of(fixture), "y", parts, 1), 0);
    assert_true(has(fixture, "y"));
    assert_int_equal(symlinkat("x", store_of(fixture), "cache/link"), 0);
    assert_int_equal(cache_open(store_of(fixture), "link"), -ELOOP);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_packages), TEST(test_packages_are_kept), TEST(test_packages_damaged),
        TEST(test_room),     TEST(test_what_stays),        TEST(test_limit),
        TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
