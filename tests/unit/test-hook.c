/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-hook.c - the hook's rooms one by one: arguments, cgroups, access, storms, budgets,
 * build-ids, modules. */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/access.h"
#include "hook/arguments.h"
#include "hook/budget.h"
#include "hook/build_id.h"
#include "hook/cgroup.h"
#include "hook/mappings.h"
#include "hook/modules.h"
#include "hook/part.h"
#include "hook/rights.h"
#include "hook/room.h"
#include "hook/storm.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/keys.h"
#include "store/record.h"

/* ---- arguments ---- */

static int parse(const char *const *words, struct arguments *ret)
{
    char *argv[32] = {(char[]){"inquest-hook"}};
    int argc = 1;

    while (words[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
        argc++;
    }
    return arguments_parse(argc, argv, ret, NULL);
}

static void arguments_all(void **state)
{
    static const char *const words[] = {"-C", "/x y", "77",  "78",  "5",
                                        "6",  "1000", "100", "11",  "1795361442",
                                        "0",  "1",    "3",   "box", "!usr!bin!a b\n%",
                                        NULL};
    struct arguments got;

    (void)state;
    assert_int_equal(parse(words, &got), 0);
    assert_string_equal(got.config, "/x y");
    assert_int_equal(got.pid, 77);
    assert_int_equal(got.tid, 78);
    assert_int_equal(got.ns_pid, 5);
    assert_int_equal(got.ns_tid, 6);
    assert_int_equal(got.uid, 1000);
    assert_int_equal(got.gid, 100);
    assert_int_equal(got.signal, 11);
    assert_int_equal(got.time_us / 1000000, 1795361442);
    assert_int_equal(got.dumpable, 1);
    assert_int_equal(got.pidfd, 3);
    assert_string_equal(got.hostname, "box");
    assert_string_equal(got.exe_name, "!usr!bin!a b\n%");
    assert_string_equal(got.bad, "");
}

static void arguments_old_kernel(void **state)
{
    static const char *const words[] = {"77", "",  "", "", "1000", "100", "11",
                                        "1",  "0", "", "", "",     "",    NULL};
    struct arguments got;

    (void)state;
    assert_int_equal(parse(words, &got), 0);
    assert_int_equal(got.tid, 77);
    assert_int_equal(got.dumpable, 2); /* unknown: root's alone */
    assert_int_equal(got.pidfd, -1);
    assert_string_equal(got.bad, "");
}

static void arguments_nonsense(void **state)
{
    static const char *const no_pid[] = {"pid", "1", NULL};
    static const char *const none[] = {NULL};
    static const char *const some[] = {"77", "1x", "-1", "99999999999", "4294967295", "1", NULL};
    struct arguments got = {.pid = 4711};

    (void)state;
    assert_int_equal(parse(no_pid, &got), -EINVAL);
    assert_int_equal(parse(none, &got), -EINVAL);
    assert_int_equal(got.pid, 4711); /* untouched */
    assert_int_equal(parse(some, &got), 0);
    assert_int_equal(got.tid, 77);
    assert_int_equal(got.uid, 65534);
    assert_int_equal(got.gid, 1);
    assert_string_equal(got.bad, "%I %p %i %u %s %t %c %d %F");
}

/* ---- cgroups ---- */

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *text;
    const char *unit, *user_unit, *slice, *session, *owner, *container, *runtime, *pod;
} cgroups[] = {
    {"0::/\n", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    {"", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    {"0::/system.slice/ssh.service\n", "ssh.service", NULL, "system.slice", NULL, NULL, NULL, NULL,
     NULL},
    {"0::/user.slice/user-1000.slice/session-2.scope\n", "session-2.scope", NULL, "user-1000.slice",
     "2", "1000", NULL, NULL, NULL},
    {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope\n",
     "user@1000.service", "app-x.scope", "user-1000.slice", NULL, "1000", NULL, NULL, NULL},
    {"9:name=systemd:/system.slice/cron.service\n8:pids:/\n", "cron.service", NULL, "system.slice",
     NULL, NULL, NULL, NULL, NULL},
    {"0::/system.slice/docker-" HEX64 ".scope\n", "docker-" HEX64 ".scope", NULL, "system.slice",
     NULL, NULL, HEX64, "docker", NULL},
    {"0::/docker/" HEX64 "\n", NULL, NULL, NULL, NULL, NULL, HEX64, "docker", NULL},
    {"0::/machine.slice/libpod-" HEX64 ".scope/container\n", "libpod-" HEX64 ".scope", NULL,
     "machine.slice", NULL, NULL, HEX64, "podman", NULL},
    {"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" HEX64 ".scope\n",
     "user@1000.service", "libpod-" HEX64 ".scope", "user-1000.slice", NULL, "1000", HEX64,
     "podman", NULL},
    {"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_b.slice/"
     "cri-containerd-" HEX64 ".scope\n",
     "cri-containerd-" HEX64 ".scope", NULL, "kubepods-burstable-poda_b.slice", NULL, NULL, HEX64,
     "containerd", "a-b"},
    {"0::/kubepods/burstable/pod1234-5/" HEX64 "\n", NULL, NULL, NULL, NULL, NULL, HEX64,
     "kubepods", "1234-5"},
    {"0::/machine.slice/crio-" HEX64 ".scope\n", "crio-" HEX64 ".scope", NULL, "machine.slice",
     NULL, NULL, HEX64, "crio", NULL},
    {"0::/lxc.payload.web/init.scope\n", "init.scope", NULL, NULL, NULL, NULL, "web", "lxc", NULL},
    {"0::/machine.slice/systemd-nspawn@web.service/payload\n", "systemd-nspawn@web.service", NULL,
     "machine.slice", NULL, NULL, "web", "nspawn", NULL},
    /* Not quite what they look like. */
    {"0::/docker-0123.scope\n", "docker-0123.scope", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    {"0::/" HEX64 "\n", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    {"0::/.service/.slice\n", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    {"nonsense\n::::\n0::", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static void expect(const struct metadata *facts, const char *key, const char *value)
{
    const char *got = metadata_text(facts, key);
    if (value) {
        assert_non_null(got);
        assert_string_equal(got, value);
    } else {
        assert_null(got);
    }
}

static void cgroup_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++) {
        AUTO_METADATA struct metadata *facts = metadata_new();
        assert_int_equal(cgroup_facts(cgroups[i].text, strlen(cgroups[i].text), facts), 0);
        print_message("# %s\n", cgroups[i].text[0] ? "cgroup" : "empty");
        expect(facts, KEY_UNIT, cgroups[i].unit);
        expect(facts, KEY_USER_UNIT, cgroups[i].user_unit);
        expect(facts, KEY_SLICE, cgroups[i].slice);
        expect(facts, KEY_SESSION, cgroups[i].session);
        expect(facts, KEY_OWNER_UID, cgroups[i].owner);
        expect(facts, KEY_CONTAINER, cgroups[i].container);
        expect(facts, KEY_CONTAINER_RUNTIME, cgroups[i].runtime);
        expect(facts, KEY_POD, cgroups[i].pod);
    }
}

/* ---- access ---- */

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

/* ---- storms ---- */

static int make_directory(void **state)
{
    char path[] = "/tmp/test-hook.XXXXXX";
    if (!mkdtemp(path))
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = (void *)(intptr_t)fd;
    return fd < 0 ? -1 : 0;
}

static int remove_directory(void **state)
{
    int fd = (int)(intptr_t)*state;
    char link[64], path[64] = "";

    unlinkat(fd, STORM_FILE, 0);
    unlinkat(fd, BUDGET_FILE, 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0)
        return -1;
    close(fd);
    return rmdir(path);
}

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)

static const struct storm_limits few = {10 * MINUTE, 2, 3, 4};

static enum storm_verdict judge(struct storm *storm, const struct storm_key *key, uint64_t now)
{
    enum storm_verdict verdict = STORM_FULL;
    assert_int_equal(storm_judge(storm, key, &few, now, &verdict), 0);
    return verdict;
}

static void storm_steps(void **state)
{
    static const enum storm_verdict expected[] = {
        STORM_FULL,  STORM_FULL,  STORM_STACKS, STORM_STACKS, STORM_STACKS, STORM_FACTS,
        STORM_FACTS, STORM_FACTS, STORM_FACTS,  STORM_COUNT,  STORM_COUNT,
    };
    struct storm_key key = {1, 2, 1000};
    AUTO_STORM struct storm *storm = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_int_equal(judge(storm, &key, 100 * MINUTE + i * SECOND), expected[i]);
    /* one a minute stays full; and a new window begins anew */
    assert_int_equal(judge(storm, &key, 101 * MINUTE + 2 * SECOND), STORM_FULL);
    assert_int_equal(judge(storm, &key, 101 * MINUTE + 3 * SECOND), STORM_COUNT);
    assert_int_equal(judge(storm, &key, 110 * MINUTE), STORM_FULL);
    assert_int_equal(judge(storm, &key, 110 * MINUTE + SECOND), STORM_FULL);
    assert_int_equal(judge(storm, &key, 110 * MINUTE + 2 * SECOND), STORM_STACKS);
}

static void storm_is_shared(void **state)
{
    struct storm_key key = {1, 3, 1000};
    AUTO_STORM struct storm *one = NULL;
    AUTO_STORM struct storm *two = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &one, NULL), 0);
    assert_int_equal(storm_open((int)(intptr_t)*state, &two, NULL), 0);
    assert_int_equal(judge(one, &key, 100 * MINUTE), STORM_FULL);
    assert_int_equal(judge(two, &key, 100 * MINUTE), STORM_FULL);
    assert_int_equal(judge(one, &key, 100 * MINUTE), STORM_STACKS);
}

/* Whoever looked at the clock first may get the lock last. */
static void storm_late_arrival(void **state)
{
    struct storm_key key = {1, 4, 1000};
    AUTO_STORM struct storm *storm = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    assert_int_equal(judge(storm, &key, 100 * MINUTE + 2), STORM_FULL);
    assert_int_equal(judge(storm, &key, 100 * MINUTE + 1), STORM_FULL);
    assert_int_equal(judge(storm, &key, 100 * MINUTE), STORM_STACKS);
    assert_true(storm_count(storm, &key, 100 * MINUTE + 2));
    assert_false(storm_count(storm, &key, 100 * MINUTE + 1));
}

/* A user who makes a new program for each crash has his bound, too; another user is not harmed. */
static void storm_of_one_user(void **state)
{
    AUTO_STORM struct storm *storm = NULL;
    unsigned kept[STORM_COUNT + 1] = {0};

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    for (uint64_t i = 0; i < 100; i++) {
        struct storm_key key = {1, 100 + i, 1000};
        kept[judge(storm, &key, 100 * MINUTE + i * 1000)]++;
    }
    assert_int_equal(kept[STORM_FULL], few.full * STORM_USER_SHARE);
    assert_int_equal(kept[STORM_STACKS], few.stacks * STORM_USER_SHARE);
    assert_int_equal(kept[STORM_FACTS], few.facts * STORM_USER_SHARE);

    struct storm_key other = {1, 5000, 1001};
    assert_true(judge(storm, &other, 100 * MINUTE + SECOND) <= STORM_FACTS);
}

/* A user at his bound uses up his own share of the machine's, however often he goes on. */
static void storm_spares_others(void **state)
{
    AUTO_STORM struct storm *storm = NULL;
    struct storm_key other = {1, 1, 1001};

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    for (uint64_t i = 0; i < 5000; i++) {
        struct storm_key key = {1, 100 + i, 1000};
        (void)judge(storm, &key, 100 * MINUTE + i * 1000);
    }
    for (uint64_t i = 0; i < few.full; i++)
        assert_int_equal(judge(storm, &other, 100 * MINUTE + 6 * SECOND + i), STORM_FULL);
    assert_int_equal(judge(storm, &other, 100 * MINUTE + 7 * SECOND), STORM_STACKS);
}

static void storm_counts(void **state)
{
    struct storm_key key = {1, 2, 1000}, other = {1, 3, 1000};
    AUTO_STORM struct storm *storm = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    assert_true(storm_count(storm, &key, 100 * MINUTE));
    assert_false(storm_count(storm, &key, 100 * MINUTE + SECOND));
    assert_true(storm_count(storm, &other, 100 * MINUTE));
    assert_int_equal(storm_collect(storm, &key), 2);
    assert_true(storm_count(storm, &key, 100 * MINUTE + 2 * SECOND));
    /* whoever should have written died: the next one takes over what he left */
    assert_true(storm_count(storm, &key, 200 * MINUTE));
    assert_int_equal(storm_collect(storm, &key), 2);
    assert_int_equal(storm_collect(storm, &other), 1);
}

static void storm_garbage(void **state)
{
    AUTO_FD int fd = openat((int)(intptr_t)*state, STORM_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct storm_key key = {1, 2, 1000};
    AUTO_STORM struct storm *storm = NULL;

    for (int i = 0; i < 5000; i++)
        assert_int_equal(write(fd, "garbage!", 8), 8);
    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    assert_int_equal(judge(storm, &key, 100 * MINUTE), STORM_FULL);
}

/* Another name of it may be anybody's file. */
static void storm_of_another_name(void **state)
{
    int dir = (int)(intptr_t)*state;
    AUTO_FD int fd = openat(dir, "another", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    AUTO_STORM struct storm *storm = NULL;
    struct stat st;

    assert_int_equal(linkat(dir, "another", dir, STORM_FILE, 0), 0);
    assert_int_equal(storm_open(dir, &storm, NULL), -EBADMSG);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(unlinkat(dir, "another", 0), 0);
}

/* ---- the record's file ---- */

static void part_of_a_killed_worker(void **state)
{
    static const char *const made[] = {"new", "crashes", "modules"};
    AUTO_PART struct part worker = PART_NONE;
    AUTO_PART struct part watcher = PART_NONE;
    struct stat first, second;
    char link[64], store[64] = "";

    snprintf(link, sizeof link, "/proc/self/fd/%d", (int)(intptr_t)*state);
    assert_true(readlink(link, store, sizeof store - 1) > 0);
    assert_int_equal(part_open(store, geteuid(), &worker, NULL), 0);
    assert_int_equal(part_begin(&worker, 1, 77, 0, NULL), 0);
    assert_int_equal(part_publish(&worker, NULL), 0);
    watcher = worker;
    watcher.dir = dup(worker.dir);
    watcher.fd = dup(worker.fd);
    assert_int_equal(part_take_over(&watcher, NULL), 0); /* it has the right one */
    assert_int_equal(fstat(watcher.fd, &first), 0);

    /* The worker has published another one, and lives; then it is killed. */
    assert_int_equal(part_begin(&worker, 1, 77, 0, NULL), 0);
    assert_int_equal(part_publish(&worker, NULL), 0);
    assert_int_equal(part_take_over(&watcher, NULL), -EWOULDBLOCK);
    assert_int_equal(fstat(worker.fd, &second), 0);
    close(steal_fd(&worker.fd));
    assert_int_equal(part_take_over(&watcher, NULL), 0);
    assert_int_equal(fstat(watcher.fd, &first), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    part_discard(&watcher);
    for (size_t i = 0; i < ARRAY_SIZE(made); i++)
        assert_int_equal(unlinkat((int)(intptr_t)*state, made[i], AT_REMOVEDIR), 0);
}

/* ---- memory ---- */

static void budget_is_shared(void **state)
{
    struct config_budget share = {100, UINT64_C(4) * BUDGET_UNIT};
    int dir = (int)(intptr_t)*state, one, two, three;

    assert_int_equal(budget_take(dir, share, 1, &one), BUDGET_UNIT);
    assert_int_equal(budget_take(dir, share, UINT64_C(100) * BUDGET_UNIT, &two), 3 * BUDGET_UNIT);
    assert_int_equal(budget_take(dir, share, 1, &three), 0);
    assert_int_equal(three, -1);
    close(two);
    assert_int_equal(budget_take(dir, share, 2 * BUDGET_UNIT, &three), 2 * BUDGET_UNIT);
    close(one);
    close(three);
    share.percent = 0;
    assert_int_equal(budget_take(dir, share, 1, &one), 0);
}

/* ---- build-ids ---- */

/* One program header that says where notes are, and the notes. */
struct tiny {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    Elf64_Nhdr note;
    char name[4];
    unsigned char id[8];
};

static size_t id_of(const struct tiny *tiny, size_t size)
{
    AUTO_FD int fd = memfd_create("elf", MFD_CLOEXEC);
    unsigned char id[BUILD_ID_MAX];

    assert_int_equal(write(fd, tiny, size), size);
    return build_id_read(fd, id);
}

/* An overlay, and a file on a disk bound into the same namespace. */
static void mappings_of_user(void **state)
{
    static char maps[] = "1000-2000 r-xp 00000000 00:2a 7 /a\n3000-4000 r-xp 00000000 08:01 8 /b\n",
                mounts[] =
                    "1 2 0:42 / / rw - overlay o rw\n2 1 8:1 / /disk rw - ext4 /dev/sda1 rw\n";
    const struct bytes text = {maps, sizeof maps - 1, sizeof maps};
    const struct bytes mountinfo = {mounts, sizeof mounts - 1, sizeof mounts};

    (void)state;
    for (int of_user = 0; of_user < 2; of_user++) {
        AUTO_MAPPINGS struct mappings mappings = {0};
        assert_int_equal(mappings_parse(&text, &mountinfo, of_user, &mappings), 0);
        assert_int_equal(mappings.count, 2);
        assert_int_equal(mappings.items[0].kind, of_user ? MAPPING_REMOTE : MAPPING_FILE);
        assert_int_equal(mappings.items[1].kind, MAPPING_FILE);
    }
}

/* In a plain chroot mountinfo lacks the mount that its own directory lies on. */
static void mappings_in_chroot(void **state)
{
    static char maps[] = "1000-2000 r-xp 00000000 00:2a 7 /a\n3000-4000 r-xp 00000000 00:2b 8 /b\n",
                within[] = "2 1 0:43 / /b rw - btrfs /dev/sda1 rw\n",
                with_ours[] = "2 1 0:43 / /b rw - btrfs /dev/sda1 rw\n"
                              "1 2 0:42 / / rw - overlay o rw\n3 1 0:43 / /x rw - fuse f rw\n";
    const struct bytes text = {maps, sizeof maps - 1, sizeof maps};
    const struct bytes its = {within, sizeof within - 1, sizeof within};
    const struct bytes both = {with_ours, sizeof with_ours - 1, sizeof with_ours};

    (void)state;
    for (int ours = 0; ours < 2; ours++) {
        AUTO_MAPPINGS struct mappings mappings = {0};
        assert_int_equal(mappings_parse(&text, ours ? &both : &its, false, &mappings), 0);
        assert_int_equal(mappings.count, 2);
        assert_int_equal(mappings.lacks_mounts, !ours);
        assert_int_equal(mappings.items[0].kind, ours ? MAPPING_FILE : MAPPING_REMOTE);
        assert_int_equal(mappings.items[1].kind, MAPPING_FILE);
    }
}

static struct tiny make_tiny(void)
{
    struct tiny tiny = {
        .header = {.e_ident = ELFMAG, .e_phoff = offsetof(struct tiny, segment), .e_phnum = 1},
        .segment = {.p_type = PT_NOTE, .p_offset = offsetof(struct tiny, note), .p_filesz = 24},
        .note = {.n_namesz = 4, .n_descsz = 8, .n_type = NT_GNU_BUILD_ID},
        .name = "GNU",
    };

    tiny.header.e_ident[EI_CLASS] = ELFCLASS64;
    tiny.header.e_ident[EI_DATA] =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    return tiny;
}

static void build_id_found(void **state)
{
    struct tiny tiny = make_tiny();

    (void)state;
    assert_int_equal(id_of(&tiny, sizeof tiny), 8);
    for (size_t size = 0; size < sizeof tiny; size++)
        assert_int_equal(id_of(&tiny, size), 0);

    tiny.note.n_descsz = UINT32_MAX;
    assert_int_equal(id_of(&tiny, sizeof tiny), 0);
    tiny.note.n_descsz = 8;
    tiny.note.n_namesz = UINT32_MAX;
    assert_int_equal(id_of(&tiny, sizeof tiny), 0);
    tiny.note.n_namesz = 4;
    tiny.segment.p_offset = UINT64_MAX;
    assert_int_equal(id_of(&tiny, sizeof tiny), 0);
    tiny.header.e_phoff = UINT64_MAX - 8;
    assert_int_equal(id_of(&tiny, sizeof tiny), 0);
    tiny.header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(id_of(&tiny, sizeof tiny), 0);
}

/* ---- modules ---- */

/* As before Linux 6.10, to who has no CAP_DAC_READ_SEARCH. */
static bool refuse_empty_paths(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool done = filter &&
                seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(linkat), 1,
                                 SCMP_A4(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)) == 0 &&
                seccomp_load(filter) == 0;

    seccomp_release(filter);
    return done;
}

/* As the watcher does, in a process that may change itself. */
static bool keep_as_owner(struct modules *modules, const struct part *part)
{
    struct room room = ROOM_NONE;
    int status = -1;

    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || !refuse_empty_paths())
            _exit(1);
        rights_act_on_files_as(part->uid, part->gid);
        modules_keep(modules, part, &room);
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void modules_without_capability(void **state)
{
    static const uid_t OWNER = 61001;
    int dir = (int)(intptr_t)*state;
    const struct tiny tiny = make_tiny();
    struct modules modules = {.fds = {memfd_create("elf", MFD_CLOEXEC)}, .count = 1};
    AUTO_PART struct part part = PART_NONE;
    struct stat st;

    if (geteuid() != 0)
        skip(); /* a cage is entered by root alone */
    assert_int_equal(write(modules.fds[0], &tiny, sizeof tiny), sizeof tiny);
    assert_int_equal(mkdirat(dir, "new", 0700), 0);
    assert_int_equal(mkdirat(dir, "modules", 0750), 0);
    part.dir = openat(dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    part.uid = part.gid = OWNER;
    assert_int_equal(fchown(part.dir, OWNER, OWNER), 0);
    assert_int_equal(fchownat(dir, "modules", OWNER, OWNER, 0), 0);
    assert_int_equal(fchown(dir, OWNER, OWNER), 0);
    assert_true(keep_as_owner(&modules, &part));
    assert_int_equal(fstatat(dir, "modules/0000000000000000", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_size, sizeof tiny);
    assert_int_equal(st.st_uid, OWNER);
    modules_close(&modules);
    assert_int_equal(unlinkat(dir, "modules/0000000000000000", 0), 0);
    assert_int_equal(unlinkat(dir, "modules", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(dir, "new", AT_REMOVEDIR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_all),
        cmocka_unit_test(arguments_old_kernel),
        cmocka_unit_test(arguments_nonsense),
        cmocka_unit_test(cgroup_table),
        cmocka_unit_test(access_table),
        cmocka_unit_test(access_to_program),
        cmocka_unit_test(access_by_list),
        cmocka_unit_test(access_without_auxv),
        cmocka_unit_test_setup_teardown(storm_steps, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_is_shared, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_late_arrival, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_of_one_user, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_spares_others, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_counts, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_garbage, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_of_another_name, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(part_of_a_killed_worker, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(budget_is_shared, make_directory, remove_directory),
        cmocka_unit_test(mappings_of_user),
        cmocka_unit_test(mappings_in_chroot),
        cmocka_unit_test(build_id_found),
        cmocka_unit_test_setup_teardown(modules_without_capability, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
