/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-access.c - who may read a crash, as the hook finds it in auxv, credentials and the program.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hook/access.h"
#include "store/base/cleanup.h"

#define MAP_SAME     "         0          0 4294967295\n"
#define MAP_ROOTLESS "         0     100000      65536\n"
#define NO_CAPS      "Name:\tx\nGroups:\t4 42 \nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
#define ONE_CAP      "Name:\tx\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000000\n"

static const struct {
    const char *name;
    uint32_t uid, gid, dumpable;
    uint64_t at_uid, at_euid, at_gid, at_egid, at_secure;
    const char *status, *map;
    int64_t owner; /* of a user namespace; -1 the initial one */
    bool is_private;
    int64_t access;
} accesses[] = {
    {"an ordinary user", 1000, 100, 1, 1000, 1000, 100, 100, 0, NO_CAPS, MAP_SAME, -1, false, 1000},
    {"root", 0, 0, 1, 0, 0, 0, 0, 0, ONE_CAP, MAP_SAME, -1, false, -1},
    {"not dumpable", 1000, 100, 2, 1000, 1000, 100, 100, 0, NO_CAPS, MAP_SAME, -1, true, -1},
    {"dumpable 0", 1000, 100, 0, 1000, 1000, 100, 100, 0, NO_CAPS, MAP_SAME, -1, true, -1},
    {"setuid", 1000, 100, 1, 1000, 0, 100, 100, 1, NO_CAPS, MAP_SAME, -1, true, -1},
    {"setgid", 1000, 100, 1, 1000, 1000, 100, 42, 1, NO_CAPS, MAP_SAME, -1, true, -1},
    {"root that became a user", 1000, 100, 1, 0, 0, 0, 0, 0, NO_CAPS, MAP_SAME, -1, true, -1},
    {"another group", 1000, 101, 1, 1000, 1000, 100, 100, 0, NO_CAPS, MAP_SAME, -1, true, -1},
    {"file capabilities", 1000, 100, 1, 1000, 1000, 100, 100, 0, ONE_CAP, MAP_SAME, -1, true, -1},
    {"no status", 1000, 100, 1, 1000, 1000, 100, 100, 0, "", MAP_SAME, -1, true, -1},
    {"no map", 1000, 100, 1, 1000, 1000, 100, 100, 0, NO_CAPS, "", -1, true, -1},
    {"rootless container", 100000, 100000, 1, 0, 0, 0, 0, 0, ONE_CAP, MAP_ROOTLESS, 1000, false,
     1000},
    {"its user", 100033, 100033, 1, 33, 33, 33, 33, 0, NO_CAPS, MAP_ROOTLESS, 1000, false, 1000},
    {"root inside, another outside", 100000, 100000, 1, 1, 1, 0, 0, 0, NO_CAPS, MAP_ROOTLESS, 1000,
     true, -1},
};

static void put_auxv(struct bytes *auxv, bool is_64bit, uint64_t type, uint64_t value)
{
    uint32_t narrow[2] = {(uint32_t)type, (uint32_t)value};
    uint64_t wide[2] = {type, value};
    bytes_append(auxv, is_64bit ? (void *)wide : narrow, is_64bit ? sizeof wide : sizeof narrow);
}

static struct access_answer ask(size_t i, bool is_64bit, const struct access_file *exe)
{
    AUTO_BYTES struct bytes auxv = {0}, status = {0}, map = {0};

    put_auxv(&auxv, is_64bit, AT_UID, accesses[i].at_uid);
    put_auxv(&auxv, is_64bit, AT_EUID, accesses[i].at_euid);
    put_auxv(&auxv, is_64bit, AT_GID, accesses[i].at_gid);
    put_auxv(&auxv, is_64bit, AT_EGID, accesses[i].at_egid);
    put_auxv(&auxv, is_64bit, AT_SECURE, accesses[i].at_secure);
    put_auxv(&auxv, is_64bit, AT_NULL, 0);
    bytes_append_text(&status, accesses[i].status);
    bytes_append_text(&map, accesses[i].map);
    struct access_question question = {
        .uid = accesses[i].uid,
        .gid = accesses[i].gid,
        .dumpable = accesses[i].dumpable,
        .is_64bit = is_64bit,
        .auxv = &auxv,
        .status = &status,
        .uid_map = &map,
        .gid_map = &map,
        .exe = exe,
        .own_user_namespace = accesses[i].owner >= 0,
        .namespace_owner = accesses[i].owner,
    };
    return access_judge(&question);
}

static void access_to_program(void **state)
{
    static const struct {
        struct access_file exe;
        bool is_private;
    } files[] = {
        {{0, 0, 0755, NULL}, false},    {{0, 0, 0711, NULL}, true},
        {{1000, 0, 0700, NULL}, false}, {{1000, 0, 0055, NULL}, true},
        {{0, 100, 0750, NULL}, false},  {{0, 100, 0705, NULL}, true},
        {{0, 42, 0750, NULL}, false},   {{0, 43, 0750, NULL}, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(ask(0, true, &files[i].exe).is_private, files[i].is_private);
    assert_true(ask(0, true, NULL).is_private);
}

/* As getfacl(1) prints them, in short: u:ID:PERM, of which the kernel has the order. */
static void put_acl(struct bytes *acl, const char *text)
{
    static const char tags[] = "Uu G   g       m               o"; /* at the tag's number - 1 */
    uint32_t version = htole32(2);
    unsigned id, permission;
    char tag;
    int used;

    bytes_append(acl, &version, sizeof version);
    for (; sscanf(text, " %c:%u:%u%n", &tag, &id, &permission, &used) == 3; text += used) {
        const char *at = strchr(tags, tag);
        uint16_t narrow[2];
        assert_non_null(at);
        narrow[0] = htole16((uint16_t)(at - tags + 1));
        narrow[1] = htole16((uint16_t)permission);
        id = htole32(id);
        bytes_append(acl, narrow, sizeof narrow);
        bytes_append(acl, &id, sizeof id);
    }
}

/* Of user 1000 with groups 100 and 42, of a file 0755. */
static void access_by_list(void **state)
{
    static const struct {
        const char *acl;
        uint32_t uid, gid;
        bool is_private;
    } lists[] = {
        {"U:0:7 u:1000:1 G:0:5 m:0:5 o:0:5", 0, 0, true},
        {"U:0:7 u:1000:5 G:0:1 m:0:5 o:0:1", 0, 0, false},
        {"U:0:7 u:1000:5 G:0:1 m:0:1 o:0:5", 0, 0, true},
        {"U:0:7 u:1001:1 G:0:5 m:0:5 o:0:5", 0, 0, false},
        {"U:0:7 G:0:5 g:42:1 m:0:5 o:0:5", 0, 0, true},
        {"U:0:7 G:0:5 g:42:1 m:0:5 o:0:5", 0, 100, false},
        {"U:0:7 G:0:1 g:42:4 m:0:5 o:0:1", 0, 100, false},
        {"U:0:7 G:0:1 g:43:5 m:0:5 o:0:1", 0, 0, true},
        {"U:0:7 u:1000:0 G:0:0 m:0:0 o:0:0", 1000, 0, false},
        {"", 0, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        AUTO_BYTES struct bytes acl = {0};
        put_acl(&acl, lists[i].acl);
        struct access_file exe = {lists[i].uid, lists[i].gid, 0755, &acl};
        print_message("# %s\n", lists[i].acl);
        assert_int_equal(ask(0, true, &exe).is_private, lists[i].is_private);
        acl.size -= 1; /* half an entry is none */
        (void)ask(0, true, &exe);
    }
}

static void access_table(void **state)
{
    static const struct access_file readable = {0, 0, 0755, NULL};

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(accesses); i++) {
        size_t row = i / 2;
        struct access_answer got = ask(row, i % 2, &readable);
        print_message("# %s\n", accesses[row].name);
        assert_int_equal(got.is_private, accesses[row].is_private);
        assert_int_equal(got.uid, accesses[row].access);
        assert_int_equal(got.why != NULL, accesses[row].is_private);
    }
}

static void access_without_auxv(void **state)
{
    struct bytes nothing = {0};
    struct access_question question = {.uid = 1000,
                                       .gid = 1000,
                                       .dumpable = 1,
                                       .is_64bit = true,
                                       .auxv = &nothing,
                                       .status = &nothing,
                                       .uid_map = &nothing,
                                       .gid_map = &nothing};
    (void)state;
    assert_true(access_judge(&question).is_private);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_table),
        cmocka_unit_test(access_to_program),
        cmocka_unit_test(access_by_list),
        cmocka_unit_test(access_without_auxv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
