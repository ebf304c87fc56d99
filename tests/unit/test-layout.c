/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-layout.c - names of crashes, and the rooms of a store. */
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
#include <unistd.h>

#include <cmocka.h>

#include "store/layout.h"

static void ids_tell_time_and_pid(void **state)
{
    (void)state;
    char id[LAYOUT_ID_SIZE];
    layout_id_format(id, 1795348800123456, 4711, 0);
    assert_string_equal(id, "20261122-120000-4711");
    layout_id_format(id, 1795348800123456, 4711, 1);
    assert_string_equal(id, "20261122-120000-4711.2");
    layout_id_format(id, -5, 1, 0);
    assert_string_equal(id, "19700101-000000-1");
    layout_id_format(id, INT64_MAX, UINT32_MAX, 999);
    assert_true(layout_id_is_valid(id));
}

static void only_ids_are_file_names(void **state)
{
    (void)state;
    static const char *const good[] = {"20261122-120000-1", "20261122-120000-4294967295.12"};
    static const char *const bad[] = {"",
                                      "20261122",
                                      "20261122-120000-",
                                      "20261122-120000-x",
                                      "../20261122-120000-1",
                                      "20261122-120000-1/",
                                      "20261122-120000-1.",
                                      "20261122-120000-1.0",
                                      "20261122-120000-12345678901",
                                      "20261122-120000-1.core",
                                      "20261122_120000-1"};
    char id[LAYOUT_ID_SIZE];

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(layout_id_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(layout_id_is_valid(bad[i]));
    assert_true(layout_id_from_name("20261122-120000-1.2.core.zst", LAYOUT_RECORD_SUFFIX, id));
    assert_string_equal(id, "20261122-120000-1.2");
    assert_false(layout_id_from_name("20261122-120000-1.core.zst.part", LAYOUT_RECORD_SUFFIX, id));
    assert_false(layout_id_from_name(".core.zst", LAYOUT_RECORD_SUFFIX, id));
}

static mode_t mode_of(const char *store, const char *name)
{
    char path[200];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", store, name);
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_store_has_its_modes(void **state)
{
    (void)state;
    char root[] = "/tmp/test-layout-XXXXXX", store[64], command[100];
    assert_non_null(mkdtemp(root));
    snprintf(store, sizeof store, "%s/store", root);
    umask(077);

    assert_int_equal(layout_create(store, geteuid(), getegid(), NULL), 0);
    assert_int_equal(mode_of(store, "."), 0751);
    assert_int_equal(mode_of(store, "new"), 0700);
    assert_int_equal(mode_of(store, "crashes"), 0751);
    assert_int_equal(layout_create(store, geteuid(), getegid(), NULL), 0);

    snprintf(command, sizeof command, "%s/link", root);
    assert_int_equal(symlink(store, command), 0);
    assert_int_equal(layout_create(command, geteuid(), getegid(), NULL), -ENOTDIR);
    snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
}

static void a_missing_store_is_named(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(layout_open("/nonexistent/store", &error), -ENOENT);
    assert_non_null(strstr(error.text, "/nonexistent/store"));
}

static void system_users_come_from_passwd(void **state)
{
    (void)state;
    uid_t uid = 1;
    gid_t gid = 1;
    assert_int_equal(layout_system_user("root", &uid, &gid), 0);
    assert_int_equal(uid, 0);
    assert_int_equal(layout_system_user("no such user", &uid, &gid), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_tell_time_and_pid),         cmocka_unit_test(only_ids_are_file_names),
        cmocka_unit_test(a_store_has_its_modes),         cmocka_unit_test(a_missing_store_is_named),
        cmocka_unit_test(system_users_come_from_passwd),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
