/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-served.c - which directories another user serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_are_known),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
