/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-temporary.c - a temporary directory that another user's lies in the place of. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/temporary.h"

/* The swap is a race: here, what was made has something in it, and may be another's. */
static char made[PATH_MAX], precious[PATH_MAX + sizeof "/precious"];
static uid_t euid;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): names of ld --wrap */
char *__real_mkdtemp(char *path);
char *__wrap_mkdtemp(char *path);
char *__wrap_mkdtemp(char *path)
{
    assert_non_null(__real_mkdtemp(path));
    snprintf(made, sizeof made, "%s", path);
    snprintf(precious, sizeof precious, "%s/precious", path);
    assert_int_equal(close(open(precious, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)), 0);
    return path;
}

uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
    return euid;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void test_own_is_removed(void **state)
{
    (void)state;
    struct temporary_directory directory = TEMPORARY_DIRECTORY_NONE;
    euid = getuid();
    assert_int_equal(temporary_directory_make(&directory, NULL), 0);
    temporary_directory_remove(&directory);
    assert_int_equal(access(made, F_OK), -1);
}

static void test_anothers_is_left(void **state)
{
    (void)state;
    struct temporary_directory directory = TEMPORARY_DIRECTORY_NONE;
    euid = getuid() + 1;
    assert_int_equal(temporary_directory_make(&directory, NULL), -EPERM);
    temporary_directory_remove(&directory);
    assert_int_equal(unlink(precious), 0);
    assert_int_equal(rmdir(made), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_is_removed),
        cmocka_unit_test(test_anothers_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
