/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts.c - who the victim was: from /proc into a record's facts. */
#include "hook/facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include "hook/access.h"
#include "hook/cgroup.h"
#include "hook/mappings.h"
#include "hook/threads.h"
#include "store/base/io.h"
#include "store/base/parse.h"
#include "store/keys.h"

enum {
    KIB = 1024,
    MIB = 1024 * 1024,
    ENVIRON_MAX = 1 * MIB,
    FDS_MAX = 1024,       /* descriptors that are listed */
    NAMESPACES_DEEP = 33, /* as the kernel allows them */
    LINK_MAX_SIZE = 4096, /* what readlink gives in /proc: a page */
    ACL_MAX = 4096,       /* some 500 entries */
};

/* Where a file of /proc is read: the process, or the crashing thread, which still has its memory
 * where the first thread has exited. */
enum place { PROCESS, THREAD };

/* Files that are kept as they are. */
struct file {
    enum place place;
    const char *name;
    size_t limit;
    const char *key;
};

static const struct file files[] = {
    {THREAD, "cmdline", 1 * MIB, KEY_CMDLINE},      {PROCESS, "status", 16 * KIB, KEY_PROC_STATUS},
    {THREAD, "stat", 4 * KIB, KEY_PROC_STAT},       {THREAD, "limits", 8 * KIB, KEY_PROC_LIMITS},
    {PROCESS, "oom_score", 64, KEY_PROC_OOM_SCORE}, {PROCESS, "io", 4 * KIB, KEY_PROC_IO},
};

/* What says whose the crash is. */
static const struct file first_files[] = {
    {THREAD, "cgroup", 64 * KIB, KEY_PROC_CGROUP},
    {THREAD, "uid_map", 64 * KIB, KEY_PROC_UID_MAP},
    {THREAD, "gid_map", 64 * KIB, KEY_PROC_GID_MAP},
};

/* Small texts, without the newline at their end. */
static const struct {
    enum place place;
    const char *name;
    const char *key;
} names[] = {
    {PROCESS, "comm", KEY_COMM},
    {THREAD, "comm", KEY_THREAD_COMM},
};

static const struct {
    const char *name;
    const char *key;
} links[] = {
    {"cwd", KEY_CWD},
    {"root", KEY_ROOT},
};

/* Of the machine. */
static const struct {
    const char *path;
    const char *key;
} host_texts[] = {
    {"/proc/sys/kernel/random/boot_id", KEY_BOOT_ID},
    {"/etc/machine-id", KEY_MACHINE_ID},
};

static const char *const namespaces[] = {"cgroup", "ipc",  "mnt",  "net",
                                         "pid",    "time", "user", "uts"};

/* A fact that cannot be kept (its value is too large, memory is short) is one that is missing. */
static void keep(struct metadata *facts, const char *key, const void *value, size_t size)
{
    (void)metadata_set(facts, key, value, size);
}

static void keep_text(struct metadata *facts, const char *key, const char *text)
{
    keep(facts, key, text, strlen(text));
}

static void keep_bytes(struct metadata *facts, const char *key, const struct bytes *bytes)
{
    if (bytes->size > 0)
        keep(facts, key, bytes->data, bytes->size);
}

static int place_fd(const struct victim *victim, enum place place)
{
    return place == PROCESS ? victim->proc : victim->task;
}

static void gather_file(const struct victim *victim, const struct file *file, struct metadata *ret)
{
    AUTO_BYTES struct bytes content = {0};

    /* Cut at its limit it is still worth keeping. */
    (void)io_read_file(place_fd(victim, file->place), file->name, file->limit, &content);
    keep_bytes(ret, file->key, &content);
}

static void gather_files(const struct victim *victim, struct metadata *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        gather_file(victim, &files[i], ret);
    keep_bytes(ret, KEY_PROC_MAPS, &victim->maps);
    keep_bytes(ret, KEY_PROC_MOUNTINFO, &victim->mountinfo);
    keep_bytes(ret, KEY_PROC_AUXV, &victim->auxv);
}

static void gather_text(int dirfd, const char *path, const char *key, struct metadata *ret)
{
    AUTO_BYTES struct bytes text = {0};

    (void)io_read_file(dirfd, path, 4 * KIB, &text);
    if (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    keep_bytes(ret, key, &text);
}

/* Reads a link of /proc as text. Returns its length, 0 where it cannot be read. */
static size_t read_link(int dirfd, const char *name, char ret[static LINK_MAX_SIZE + 1])
{
    ssize_t n = readlinkat(dirfd, name, ret, LINK_MAX_SIZE);
    ret[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/*
 * The executable: its path, whether it is still there, and which file it is. STATX_DONT_SYNC: the
 * answer comes from what the kernel knows; no server of a network or FUSE filesystem is asked.
 */
static void gather_exe(const struct victim *victim, const struct arguments *arguments,
                       struct metadata *ret)
{
    static const char deleted[] = " (deleted)";
    char path[LINK_MAX_SIZE + 1];
    size_t n = read_link(victim->task, "exe", path);
    struct statx st;

    if (n == 0) {
        if (arguments->exe_name[0])
            keep_text(ret, KEY_EXE_NAME, arguments->exe_name);
        return;
    }
    bool is_there =
        statx(victim->task, "exe", AT_STATX_DONT_SYNC, STATX_INO | STATX_NLINK, &st) == 0;
    bool is_deleted = n > strlen(deleted) && strcmp(path + n - strlen(deleted), deleted) == 0 &&
                      (!is_there || st.stx_nlink == 0);
    if (is_deleted) {
        path[n - strlen(deleted)] = '\0';
        keep_text(ret, KEY_EXE_DELETED, "1");
    }
    keep_text(ret, KEY_EXE, path);
    if (is_there) {
        (void)metadata_set_u64(ret, KEY_EXE_DEV, makedev(st.stx_dev_major, st.stx_dev_minor));
        (void)metadata_set_u64(ret, KEY_EXE_INODE, st.stx_ino);
    }
}

/* One line "N -> target"; a newline in the target is written as the kernel does in maps. */
static void append_fd(struct bytes *lines, int dirfd, const char *name)
{
    char target[LINK_MAX_SIZE + 1];
    size_t n = read_link(dirfd, name, target);

    (void)bytes_printf(lines, "%s -> ", name);
    for (size_t i = 0; i < n; i++) {
        if (target[i] == '\n')
            (void)bytes_append_text(lines, "\\012");
        else
            (void)bytes_append(lines, &target[i], 1);
    }
    (void)bytes_append_text(lines, "\n");
}

static void gather_fds(const struct victim *victim, struct metadata *ret)
{
    AUTO_BYTES struct bytes lines = {0};
    AUTO_DIR DIR *dir = NULL;
    AUTO_FD int fd = openat(victim->task, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned count = 0;

    if (fd < 0 || !(dir = fdopendir(fd)))
        return;
    int dirfd_ = steal_fd(&fd); /* the stream's now */
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        if (count++ < FDS_MAX)
            append_fd(&lines, dirfd_, entry->d_name);
        else
            break;
    }
    if (count > FDS_MAX)
        (void)bytes_append_text(&lines, "...\n");
    keep_bytes(ret, KEY_PROC_FDS, &lines);
}

/*
 * Sets the names of namespaces that differ from PID 1's; returns whether "user" does. The kernel
 * starts us in the initial ones, and our own links can be read where PID 1's may not.
 */
static bool gather_namespaces(const struct victim *victim, struct metadata *ret)
{
    AUTO_BYTES struct bytes differing = {0};
    bool own_user = false;

    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
        char path[32], theirs[LINK_MAX_SIZE + 1], first[LINK_MAX_SIZE + 1];
        snprintf(path, sizeof path, "ns/%s", namespaces[i]);
        size_t n = read_link(victim->task, path, theirs);
        snprintf(path, sizeof path, "/proc/self/ns/%s", namespaces[i]);
        if (n == 0 || read_link(AT_FDCWD, path, first) == 0 || strcmp(theirs, first) == 0)
            continue;
        (void)bytes_printf(&differing, "%s%s", differing.size > 0 ? " " : "", namespaces[i]);
        own_user = own_user || strcmp(namespaces[i], "user") == 0;
    }
    keep_bytes(ret, KEY_NAMESPACES, &differing);
    return own_user;
}

/* True where a name of `length` bytes matches one of the globs. */
static bool is_listed(const char *const *globs, const char *name, size_t length)
{
    char text[NAME_MAX + 1];

    if (length >= sizeof text)
        return false;
    memcpy(text, name, length);
    text[length] = '\0';
    for (; *globs; globs++)
        if (fnmatch(*globs, text, 0) == 0)
            return true;
    return false;
}

void facts_environ(const struct victim *victim, const char *const *globs, struct metadata *ret)
{
    AUTO_BYTES struct bytes environ = {0};
    AUTO_BYTES struct bytes kept = {0};

    if (!globs || !*globs || victim->task < 0)
        return;
    (void)io_read_file(victim->task, "environ", ENVIRON_MAX, &environ);
    for (size_t at = 0; at < environ.size;) {
        const char *variable = environ.data + at;
        size_t n = strnlen(variable, environ.size - at);
        const char *equals = memchr(variable, '=', n);
        if (equals && is_listed(globs, variable, (size_t)(equals - variable)) &&
            bytes_append(&kept, variable, n) == 0)
            (void)bytes_append(&kept, "", 1);
        at += n + 1;
    }
    keep_bytes(ret, KEY_PROC_ENVIRON, &kept);
}

/* The global uid of who made the victim's user namespace; -1 unknown. */
static int64_t namespace_owner(const struct victim *victim)
{
    AUTO_FD int fd = openat(victim->task, "ns/user", O_RDONLY | O_CLOEXEC);
    uid_t uid = (uid_t)-1; /* memcheck does not know who writes it */
    return fd >= 0 && ioctl(fd, NS_GET_OWNER_UID, &uid) == 0 ? (int64_t)uid : -1;
}

uint32_t facts_account(const struct victim *victim, uint32_t uid)
{
    struct stat ours, theirs;
    uid_t owner = 0, account = 0;

    if (victim->task < 0 || stat("/proc/self/ns/user", &ours) < 0)
        return uid;
    AUTO_FD int fd = openat(victim->task, "ns/user", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < NAMESPACES_DEEP && fd >= 0; i++) {
        if (fstat(fd, &theirs) < 0 || theirs.st_ino == ours.st_ino ||
            ioctl(fd, NS_GET_OWNER_UID, &owner) < 0)
            break;
        account = owner; /* the outermost one's counts: those within may be anybody's */
        int parent = ioctl(fd, NS_GET_PARENT);
        close(fd);
        fd = parent;
    }
    return account > 0 ? account : uid;
}

static struct bytes borrow(const struct metadata *facts, const char *key)
{
    const struct fact *fact = metadata_get(facts, key);
    /* A bytes that is only read: the fact keeps its memory. */
    return fact ? (struct bytes){(char *)fact->value, fact->size, fact->size + 1}
                : (struct bytes){0};
}

/* The width of the program: the class in the executable's own header is a file of the victim's, so
 * the auxiliary vector tells by itself: AT_PHENT is 56 for ELF64 and 32 for ELF32. */
static bool auxv_is_64bit(const struct bytes *auxv)
{
    uint64_t pair[2];

    for (size_t at = 0; at + sizeof pair <= auxv->size; at += sizeof pair) {
        memcpy(pair, auxv->data + at, sizeof pair);
        if (pair[0] == 4 /* AT_PHENT */ && pair[1] == 56)
            return true;
    }
    return false;
}

static int mount_of(int fd, uint64_t *ret)
{
    static const char name[] = "\nmnt_id:";
    AUTO_BYTES struct bytes info = {0};
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int r = io_read_file(AT_FDCWD, path, 4 * KIB, &info);
    const char *line = r == 0 && info.data ? strstr(info.data, name) : NULL;
    return line && sscanf(line + strlen(name), "%" SCNu64, ret) == 1 ? 0 : -ENOENT;
}

/*
 * What the executable is on. The victim's mounts are without those that lead out of its root
 * (chroot), and not those that it was started from where it has made itself others since. Numbers
 * are the machine's, so that ours may have the mount.
 */
static int kind_of_mount(const struct victim *victim, int exe, enum mapping_kind *ret)
{
    AUTO_BYTES struct bytes ours = {0};
    uint64_t mount;

    int r = mount_of(exe, &mount);
    if (r < 0 ||
        mappings_kind_of_mount(&victim->mountinfo, victim->mounts_of_user, mount, ret) == 0)
        return r;
    victim_own_mounts(&ours);
    return mappings_kind_of_mount(&ours, false, mount, ret);
}

/*
 * The access control list of the executable. Where a server would have to be asked for it, the mode
 * must do: a process whose program its user may not read is not dumpable, unless it says otherwise.
 * False where there may be one that cannot be had.
 */
static bool read_acl(const struct victim *victim, int exe, struct bytes *ret)
{
    enum mapping_kind kind;
    char path[64], acl[ACL_MAX];

    if (kind_of_mount(victim, exe, &kind) < 0)
        return false;
    if (kind == MAPPING_REMOTE)
        return true;
    snprintf(path, sizeof path, "/proc/self/fd/%d", exe); /* it is open as a place only */
    ssize_t n = getxattr(path, "system.posix_acl_access", acl, sizeof acl);
    if (n < 0)
        return errno == ENODATA || errno == EOPNOTSUPP;
    return bytes_append(ret, acl, (size_t)n) == 0;
}

static bool identify_exe(const struct victim *victim, struct bytes *acl, struct access_file *ret)
{
    struct statx st;
    AUTO_FD int exe = openat(victim->task, "exe", O_PATH | O_CLOEXEC);

    if (exe < 0 || statx(exe, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                         STATX_MODE | STATX_UID | STATX_GID, &st) < 0)
        return false;
    *ret = (struct access_file){.uid = st.stx_uid, .gid = st.stx_gid, .mode = st.stx_mode};
    if (!read_acl(victim, exe, acl))
        ret->mode &= ~(uint32_t)(S_IRGRP | S_IROTH); /* its owner's, then */
    else if (acl->size > 0)
        ret->acl = acl;
    return true;
}

static void gather_access(const struct victim *victim, const struct arguments *arguments,
                          bool own_user_namespace, struct metadata *ret)
{
    AUTO_BYTES struct bytes status = {0}, acl = {0};
    struct bytes uid_map = borrow(ret, KEY_PROC_UID_MAP), gid_map = borrow(ret, KEY_PROC_GID_MAP);
    struct access_file exe = {0};

    (void)io_read_file(victim->task, "status", 16 * KIB, &status);
    bool exe_known = identify_exe(victim, &acl, &exe);
    struct access_question question = {
        .exe = exe_known ? &exe : NULL,
        .uid = arguments->uid,
        .gid = arguments->gid,
        .dumpable = arguments->dumpable,
        .is_64bit = auxv_is_64bit(&victim->auxv),
        .auxv = &victim->auxv,
        .status = &status,
        .uid_map = &uid_map,
        .gid_map = &gid_map,
        .own_user_namespace = own_user_namespace,
        .namespace_owner = own_user_namespace ? namespace_owner(victim) : -1,
    };
    struct access_answer answer = access_judge(&question);
    keep_text(ret, KEY_PRIVATE, answer.is_private ? "1" : "0");
    if (answer.uid >= 0)
        (void)metadata_set_i64(ret, KEY_ACCESS_UID, answer.uid);
}

/* PRETTY_NAME of os-release(5). */
static void gather_os(struct metadata *ret)
{
    static const char name[] = "PRETTY_NAME=";
    AUTO_BYTES struct bytes text = {0};

    AUTO_FD int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC); /* mostly a symbolic link */
    if (fd < 0 || io_read_all(fd, 64 * KIB, &text) < 0)
        return;
    for (char *line = text.data; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        line += strlen(name);
        size_t n = strcspn(line, "\n");
        bool quoted = n >= 2 && (line[0] == '"' || line[0] == '\'') && line[n - 1] == line[0];
        keep(ret, KEY_OS, line + quoted, n - 2 * quoted);
        return;
    }
}

/* The name of `uid` in /etc/passwd, read directly: a name service may be what has crashed. */
static void gather_user(uint32_t uid, struct metadata *ret)
{
    AUTO_FILE FILE *passwd = fopen("/etc/passwd", "re");
    AUTO_FREE char *line = NULL;
    size_t capacity = 0;

    while (passwd && getline(&line, &capacity, passwd) >= 0) {
        char *rest = line, *name = strsep(&rest, ":");
        char *password = strsep(&rest, ":"), *number = strsep(&rest, ":");
        uint64_t found;
        if (password && number && parse_u64(number, 10, UINT32_MAX, &found) == 0 && found == uid) {
            keep_text(ret, KEY_USER, name);
            return;
        }
    }
}

static void gather_host(struct metadata *ret)
{
    struct utsname uts;

    for (size_t i = 0; i < ARRAY_SIZE(host_texts); i++)
        gather_text(AT_FDCWD, host_texts[i].path, host_texts[i].key, ret);
    if (uname(&uts) == 0) {
        keep_text(ret, KEY_KERNEL, uts.release);
        keep_text(ret, KEY_ARCH, uts.machine);
    }
    gather_os(ret);
}

void facts_identify(const struct victim *victim, const struct arguments *arguments,
                    struct metadata *ret)
{
    gather_user(arguments->uid, ret);
    if (victim->task < 0) { /* gone already: nothing but root may read what cannot be judged */
        if (arguments->exe_name[0])
            keep_text(ret, KEY_EXE_NAME, arguments->exe_name);
        keep_text(ret, KEY_PRIVATE, "1");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        gather_text(place_fd(victim, names[i].place), names[i].name, names[i].key, ret);
    gather_exe(victim, arguments, ret);
    for (size_t i = 0; i < ARRAY_SIZE(first_files); i++)
        gather_file(victim, &first_files[i], ret);
    gather_access(victim, arguments, gather_namespaces(victim, ret), ret);

    const struct bytes cgroup = borrow(ret, KEY_PROC_CGROUP);
    if (cgroup.size > 0)
        (void)cgroup_facts(cgroup.data, cgroup.size, ret);
}

void facts_gather(const struct victim *victim, const struct arguments *arguments,
                  struct metadata *ret)
{
    gather_host(ret);
    if (victim->task < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        char path[LINK_MAX_SIZE + 1];
        if (read_link(victim->task, links[i].name, path) > 0)
            keep_text(ret, links[i].key, path);
    }
    gather_files(victim, ret);
    gather_fds(victim, ret);
    threads_gather(victim, arguments, ret);
}
