/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modules.c - executables and libraries that would be gone later. */
#include "hook/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hook/build_id.h"
#include "hook/cage.h"
#include "hook/mappings.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/text.h"

enum {
    NOBODY = 65534,
    SIZE_MAX_ONE = 256 * 1024 * 1024, /* bytes of a file that is kept */
    FREE_TIMES = 8,                   /* so many times its size must be free on the disk */
    LINES_MAX = 65536,                /* mappings that are looked at */
};

#define IDENTIFY_US (UINT64_C(5) * 1000 * 1000)

/* One executable mapping of a file, as a line of maps says it. */
struct line {
    uint64_t start, end;
    unsigned major, minor;
    uint64_t inode;
    const char *path; /* not ended by NUL */
    size_t path_size;
};

static bool parse_line(const char *text, size_t size, struct line *ret)
{
    char head[256], permissions[5];
    int path_at = 0;

    size_t n = size < sizeof head - 1 ? size : sizeof head - 1;
    memcpy(head, text, n);
    head[n] = '\0';
    if (sscanf(head, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n", &ret->start, &ret->end,
               permissions, &ret->major, &ret->minor, &ret->inode, &path_at) < 6)
        return false;
    if (permissions[2] != 'x' || ret->inode == 0 || path_at == 0 || head[path_at] != '/')
        return false;
    ret->path = text + path_at;
    ret->path_size = size - (size_t)path_at;
    return true;
}

/* Finds a path in what the kernel has in its cache, so that no filesystem is waited for: a file
 * that is mapped is in there. */
static int find_cached(const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    return io_openat2(AT_FDCWD, path, &how);
}

/*
 * Whether the path leads, here and now, to the very file that is mapped. In our own mounts the
 * inode tells (btrfs and overlayfs show another device in maps than to stat); of other mounts the
 * device must agree, too.
 */
static bool is_in_its_place(const struct line *line, bool our_mounts)
{
    char path[PATH_MAX];
    struct statx st;

    if (line->path_size >= sizeof path)
        return false;
    memcpy(path, line->path, line->path_size);
    path[line->path_size] = '\0';
    AUTO_FD int fd = find_cached(path);
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
        return false;
    return st.stx_ino == line->inode &&
           (our_mounts || (st.stx_dev_major == line->major && st.stx_dev_minor == line->minor));
}

static bool is_in_our_mounts(const struct victim *victim)
{
    char theirs[64] = "", ours[64] = "";
    return readlinkat(victim->task, "ns/mnt", theirs, sizeof theirs - 1) > 0 &&
           readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) > 0 && strcmp(theirs, ours) == 0;
}

/* A file that may go into the room for all: root's, no one else's to change, and on a mount that is
 * trusted with set-user-id programs. Users have images of theirs mounted, in which files are
 * root's; whoever does that for them says nosuid. */
static bool is_fit(int fd)
{
    struct statvfs fs;
    struct stat st;
    return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOSUID) == 0 && fstat(fd, &st) == 0 &&
           S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
           st.st_size > 0 && st.st_size <= SIZE_MAX_ONE;
}

static void open_mapping(const struct victim *victim, const struct line *line,
                         struct modules *modules)
{
    char name[64];

    snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, line->start, line->end);
    AUTO_FD int fd = openat(victim->proc, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && is_fit(fd))
        modules->fds[modules->count++] = steal_fd(&fd);
}

void modules_open(const struct victim *victim, struct modules *ret)
{
    const char *text = victim->maps.data, *end = text ? text + victim->maps.size : NULL;
    uint64_t last_inode = 0;

    *ret = (struct modules){0};
    if (victim->task < 0 || victim->mounts_of_user)
        return;
    bool ours = is_in_our_mounts(victim);
    for (unsigned i = 0; text < end && i < LINES_MAX && ret->count < MODULES_MAX; i++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((newline ? newline : end) - text);
        struct line line;
        if (parse_line(text, size, &line) && line.inode != last_inode) {
            const struct mapping *mapping = mappings_find(&victim->mappings, line.start);
            last_inode = line.inode; /* a file's mappings stand together */
            if (mapping && mapping->kind == MAPPING_FILE && !is_in_its_place(&line, ours))
                open_mapping(victim, &line, ret);
        }
        text += size + 1;
    }
}

void modules_close(struct modules *modules)
{
    while (modules->count > 0)
        close(modules->fds[--modules->count]);
}

/* ---- after the commit ---- */

/* What the process in the cage found out. */
struct identity {
    uint32_t size; /* 0: no build-id */
    unsigned char id[BUILD_ID_MAX];
};

static void identify_all(const struct modules *modules, struct identity *ret)
{
    for (size_t i = 0; i < modules->count; i++)
        ret[i].size = (uint32_t)build_id_read(modules->fds[i], ret[i].id);
}

/* Waits for the child, but not for ever: the files are on a disk that may be slow to answer. */
static bool wait_briefly(pid_t pid)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t deadline = clock_now_us() + IDENTIFY_US;
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_now_us() >= deadline) {
            (void)kill(pid, SIGKILL);
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool identify_caged(const struct modules *modules, const struct part *part,
                           struct identity *ret)
{
    uid_t uid = part->uid > 0 ? part->uid : NOBODY;
    gid_t gid = part->uid > 0 ? part->gid : NOBODY;

    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid == 0) {
        if (cage_enter(uid, gid, NULL) < 0)
            _exit(1);
        identify_all(modules, ret);
        _exit(0);
    }
    return wait_briefly(pid);
}

/* The id as a file name. */
static bool id_name(const struct identity *identity, char ret[static 2 * BUILD_ID_MAX + 1])
{
    if (identity->size < 2 || identity->size > BUILD_ID_MAX)
        return false;
    text_hex(identity->id, identity->size, ret);
    return true;
}

static int copy(int from, int to)
{
    off_t offset = 0;
    ssize_t n;

    do /* copy_file_range(2) does not go from one kind of filesystem to another */
        n = sendfile(to, from, &offset, SIZE_MAX_ONE);
    while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 || offset == 0 ? -EIO : 0;
}

static bool has_room(int dir, int fd, struct room *room)
{
    struct statvfs fs;
    struct stat st;
    return fstatvfs(dir, &fs) == 0 && fstat(fd, &st) == 0 &&
           (uint64_t)st.st_size * FREE_TIMES <= (uint64_t)fs.f_bavail * fs.f_frsize &&
           room_take_file(room, (uint64_t)st.st_size);
}

/* Copies a file under its name: whole or not at all. */
static void keep(int dir, int fd, const char *name, const struct part *part, struct room *room)
{
    if (utimensat(dir, name, NULL, AT_SYMLINK_NOFOLLOW) == 0 || !has_room(dir, fd, room))
        return;
    AUTO_FD int to = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (to < 0 || fchown(to, part->uid, part->gid) < 0 || copy(fd, to) < 0 ||
        fchmod(to, LAYOUT_FILE_MODE) < 0 || fsync(to) < 0)
        return;
    (void)part_link(to, dir, name); /* -EEXIST: somebody else was faster, with the same file */
}

void modules_keep(const struct modules *modules, const struct part *part, struct room *room)
{
    size_t size = MODULES_MAX * sizeof(struct identity);
    char name[2 * BUILD_ID_MAX + 1];

    if (modules->count == 0 || part->away)
        return;
    AUTO_FD int dir =
        openat(part->dir, "../" LAYOUT_MODULES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct identity *identities =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (identities == MAP_FAILED)
        return;
    if (dir >= 0 && identify_caged(modules, part, identities))
        for (size_t i = 0; i < modules->count; i++)
            if (id_name(&identities[i], name))
                keep(dir, modules->fds[i], name, part, room);
    munmap(identities, size);
}
