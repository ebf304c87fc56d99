/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-hook.c - the hook's small rooms one by one: arguments, cgroups, the record's file, budgets,
 * mappings, build-ids, modules. */
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
#include <unistd.h>

#include <cmocka.h>

#include "hook/arguments.h"
#include "hook/budget.h"
#include "hook/build_id.h"
#include "hook/cgroup.h"
#include "hook/mappings.h"
#include "hook/modules.h"
#include "hook/part.h"
#include "hook/rights.h"
#include "store/base/cleanup.h"
#include "store/keys.h"
#include "tests/unit/runtime_fixture.h"

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
        assert_int_equal(mappings_parse(&text, &mountinfo, of_user, NULL, &mappings), 0);
        assert_int_equal(mappings.count, 2);
        assert_int_equal(mappings.items[0].kind, of_user ? MAPPING_REMOTE : MAPPING_FILE);
        assert_int_equal(mappings.items[1].kind, MAPPING_FILE);
    }
}

/* In a plain chroot mountinfo lacks the mount that its own directory lies on. Even if it is cut in
 * the middle of a line, and the mounts are a user's: ours are the machine's. */
static void mappings_in_chroot(void **state)
{
    static char maps[] = "1000-2000 r-xp 00000000 00:2a 7 /a\n3000-4000 r-xp 00000000 00:2b 8 /b\n",
                its[] = "2 1 0:43 / /b rw - fuse.x f rw\n3 1 0:4",
                own[] = "1 2 0:42 / / rw - overlay o rw\n3 1 0:43 / /x rw - ext4 f rw\n";
    const struct bytes text = {maps, sizeof maps - 1, sizeof maps};
    const struct bytes within = {its, sizeof its - 1, sizeof its};
    const struct bytes ours = {own, sizeof own - 1, sizeof own};

    (void)state;
    for (int of_user = 0; of_user < 2; of_user++) {
        AUTO_MAPPINGS struct mappings mappings = {0};
        assert_int_equal(mappings_parse(&text, &within, of_user, NULL, &mappings), 0);
        assert_true(mappings.lacks_mounts);
        assert_int_equal(mappings.items[0].kind, MAPPING_REMOTE);
        assert_int_equal(mappings_parse(&text, &within, of_user, &ours, &mappings), 0);
        assert_int_equal(mappings.count, 2);
        assert_false(mappings.lacks_mounts);
        assert_int_equal(mappings.items[0].kind, MAPPING_FILE);
        assert_int_equal(mappings.items[1].kind, MAPPING_REMOTE); /* as it sees it itself */
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
