/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-temporary.c - temporary files lie where nobody else can put another in their place. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/* sudo may leave root the TMPDIR of a user, who could rename there what is ours. */
static void test_place_of_another(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool own, safe;
    } cases[] = {{0700, true, true},  {0755, true, true},  {0700, false, false},
                 {0777, true, false}, {01777, true, true}, {0770, true, false},
                 {0755, false, false}};
    char path[] = "/tmp/test-temporary.XXXXXX";
    assert_non_null(__real_mkdtemp(path));
    assert_int_equal(setenv("TMPDIR", path, 1), 0);
    if (getuid() == 0) /* else root's own would be safe for others */
        assert_int_equal(chown(path, 4711, 4711), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        euid = (getuid() == 0 ? 4711 : getuid()) + (cases[i].own ? 0 : 1);
        assert_string_equal(temporary_place(), cases[i].safe ? path : "/var/tmp");
    }
    assert_int_equal(setenv("TMPDIR", "relative", 1), 0);
    assert_string_equal(temporary_place(), "/var/tmp");
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_string_equal(temporary_place(), "/var/tmp");
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_is_removed),
        cmocka_unit_test(test_anothers_is_left),
        cmocka_unit_test(test_place_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
