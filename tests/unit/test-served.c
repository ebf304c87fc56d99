/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-served.c - which directories another user serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/served.h"

static const char mountinfo[] =
    "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 24 0:40 / /mnt/a rw - fuse.sshfs there: rw,user_id=1000,group_id=1000\n"
    "31 24 0:41 / /mnt/b\\040c rw shared:2 - fuse x rw,user_id=12345,group_id=0,allow_other\n"
    "32 24 0:42 / /mnt/own rw - fuse.x x rw,user_id=77,group_id=77\n"
    "33 24 0:43 / /mnt/root rw - fuse.x x rw,user_id=0,group_id=0\n"
    "34 24 0:44 / /mnt/lies rw - fuse user_id=0 rw,user_id=1000,group_id=0\n"
    "35 24 0:45 / /mnt/empty rw - fuse  rw,user_id=1000,group_id=0\n"
    "36 24 0:46 / /mnt/tmp rw - tmpfs user_id=1000 rw";

static void test_others_are_known(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes served = {0};
    served_parse(mountinfo, 77, &served);
    assert_true(served_has(&served, "/mnt/a"));
    assert_true(served_has(&served, "/mnt/a/file"));
    assert_true(served_has(&served, "/mnt/b c/file"));
    assert_true(served_has(&served, "/mnt/lies/file"));
    assert_true(served_has(&served, "/mnt/empty/file"));
    assert_false(served_has(&served, "/mnt/ab"));
    assert_false(served_has(&served, "/mnt"));
    assert_false(served_has(&served, "/mnt/own/file"));
    assert_false(served_has(&served, "/mnt/root/file"));
    assert_false(served_has(&served, "/mnt/tmp/file"));
}

static void test_none(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes served = {0};
    served_parse("", 77, &served);
    assert_false(served_has(&served, "/mnt/a"));
}

/* A mount point "/" and `plain` letters, then `blanks`, of which each is written as `escape`. */
static void parse_long(size_t plain, size_t blanks, const char *escape, struct bytes *ret)
{
    AUTO_BYTES struct bytes line = {0};
    assert_int_equal(bytes_append_text(&line, "30 24 0:40 / /"), 0);
    for (size_t i = 0; i < plain; i++)
        assert_int_equal(bytes_append_text(&line, "x"), 0);
    for (size_t i = 0; i < blanks; i++)
        assert_int_equal(bytes_append_text(&line, escape), 0);
    assert_int_equal(bytes_append_text(&line, " rw - fuse x rw,user_id=1000,group_id=0"), 0);
    served_parse(line.data, 77, ret);
}

/* As long as a path may be, and 4095 bytes cut in each place of an escape. */
static void test_long_points(void **state)
{
    (void)state;
    enum { LONGEST = 4095 };
    for (size_t plain = 0; plain < 4; plain++) {
        AUTO_BYTES struct bytes served = {0};
        char path[LONGEST + sizeof("/file")];
        parse_long(plain, LONGEST - 1 - plain, "\\040", &served);
        memset(path, ' ', LONGEST);
        memset(path, 'x', 1 + plain);
        path[0] = '/';
        memcpy(path + LONGEST, "/file", sizeof("/file"));
        assert_true(served_has(&served, path));
        path[LONGEST - 1] = 'y';
        path[LONGEST] = '\0';
        assert_false(served_has(&served, path));
    }
}

/* What the kernel doesn't write. */
static void test_cut_escapes(void **state)
{
    (void)state;
    static const char *const ends[] = {"\\", "\\0", "\\04", "\\8", "\\+40", "\\ 40"};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        AUTO_BYTES struct bytes served = {0};
        char path[64];
        parse_long(0, 1, ends[i], &served);
        snprintf(path, sizeof path, "/%.*s/file", (int)strcspn(ends[i], " "), ends[i]);
        assert_true(served_has(&served, path));
    }
}

/* Other white space is written as it is. */
static void test_other_blanks(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes served = {0};
    parse_long(3, 1, "\r\v\fz", &served);
    assert_true(served_has(&served, "/xxx\r\v\fz/file"));
    assert_false(served_has(&served, "/xxx"));
}

/* No line of these has a mount point. */
static void test_short_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {"\n", "30\n", " - fuse x user_id=1000",
                                        "30 24 - fuse user_id=1000"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        AUTO_BYTES struct bytes served = {0};
        served_parse(lines[i], 77, &served);
        assert_false(served_has(&served, "/mnt"));
    }
}

static void test_other_spellings(void **state)
{
    (void)state;
    AUTO_BYTES struct bytes served = {0};
    char path[2 * 4096] = "/";
    served_parse(mountinfo, 77, &served);
    assert_true(served_has(&served, "/mnt//a/file"));
    assert_true(served_has(&served, "//mnt/a"));
    assert_true(served_has(&served, "/./mnt/./a/file"));
    assert_true(served_has(&served, "/srv/../mnt/a/file"));
    assert_true(served_has(&served, "/../../mnt/a/file"));
    assert_true(served_has(&served, "/mnt/a/../own"));
    assert_true(served_has(&served, "/mnt/own/../a/"));
    assert_true(served_has(&served, "mnt/a/file"));
    assert_false(served_has(&served, "/mnt/a../file"));
    assert_false(served_has(&served, "/mnt/.a/file"));
    assert_false(served_has(&served, "/mnt/x/a/file"));
    assert_false(served_has(&served, "/mnt/../a/file"));
    assert_false(served_has(&served, "/"));
    assert_false(served_has(&served, ""));
    memset(path + 1, 'x', sizeof path - 2);
    assert_true(served_has(&served, path));
    memset(path, '/', sizeof path - 1);
    assert_false(served_has(&served, path));
    memcpy(path + sizeof path - 7, "mnt/a/", 6);
    assert_true(served_has(&served, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_are_known),
        cmocka_unit_test(test_other_spellings),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_long_points),
        cmocka_unit_test(test_cut_escapes),
        cmocka_unit_test(test_other_blanks),
        cmocka_unit_test(test_short_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
