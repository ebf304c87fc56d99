/* SPDX-License-Identifier: GPL-2.0-or-later */
/* part.c - the file a record is written to. */
#include "hook/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/runtime.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"

/* A directory that nobody but root and the store's user may write to. Returns a descriptor. */
static int open_trusted(int dirfd, const char *path, uid_t system_uid, struct stat *ret,
                        struct error *error)
{
    AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "cannot open %s", path);
    if (fstat(fd, ret) < 0)
        return error_errno(error, errno, "cannot stat %s", path);
    if (ret->st_uid != 0 && ret->st_uid != system_uid)
        return error_set(error, EPERM, "%s belongs to user %u", path, ret->st_uid);
    if (ret->st_mode & (S_IWGRP | S_IWOTH))
        return error_set(error, EPERM, "%s may be written to by others", path);
    return steal_fd(&fd);
}

/* Opens `path`/new, making what is missing in `path`. */
static int open_new(const char *path, uid_t system_uid, struct part *part, struct error *error)
{
    struct stat store, new;

    AUTO_FD int fd = open_trusted(AT_FDCWD, path, system_uid, &store, error);
    if (fd < 0)
        return fd;
    if (faccessat(fd, LAYOUT_NEW, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
        int r = layout_create(path, store.st_uid, store.st_gid, error);
        if (r < 0)
            return r;
    }
    int dir = open_trusted(fd, LAYOUT_NEW, system_uid, &new, error);
    if (dir < 0) {
        error_prefix(error, "%s", path);
        return dir;
    }
    part->dir = dir;
    part->uid = new.st_uid;
    part->gid = new.st_gid;
    return 0;
}

/* A file can be made there: the filesystem is not read-only. */
static int check_writable(struct part *part, const char *path, struct error *error)
{
    if (faccessat(part->dir, ".", W_OK, AT_EACCESS) == 0)
        return 0;
    int r = error_errno(error, errno, "cannot write to %s", path);
    close(steal_fd(&part->dir));
    return r;
}

int part_open(const char *store, uid_t system_uid, struct part *ret, struct error *error)
{
    struct part part = PART_NONE;

    int r = open_new(store, system_uid, &part, error);
    if (r == 0)
        r = check_writable(&part, store, error);
    if (r == 0)
        *ret = part;
    return r;
}

int part_open_away(struct part *ret, struct error *error)
{
    struct part part = PART_NONE;
    struct stat st;

    AUTO_FD int fd = runtime_open(error);
    if (fd < 0)
        return fd;
    if (mkdirat(fd, LAYOUT_NEW, 0700) < 0 && errno != EEXIST)
        return error_errno(error, errno, "cannot make %s/new", LAYOUT_RUNTIME);
    part.dir = open_trusted(fd, LAYOUT_NEW, 0, &st, error);
    if (part.dir < 0)
        return part.dir;
    part.away = true;
    *ret = part;
    return 0;
}

/* ".ID.core.zst.part": not the form of any record's name, so nobody adopts it. */
static void hidden_name(const struct part *part, char ret[static LAYOUT_NAME_SIZE + 1])
{
    ret[0] = '.';
    layout_name(ret + 1, part->id, LAYOUT_PART_SUFFIX);
}

static bool is_taken(const struct part *part)
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(name, part->id, LAYOUT_RECORD_SUFFIX);
    return faccessat(part->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_unnamed(struct part *part)
{
    part->hidden = false;
    return openat(part->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int make_hidden(struct part *part)
{
    char name[LAYOUT_NAME_SIZE + 1];

    hidden_name(part, name);
    part->hidden = true;
    return openat(part->dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
}

int part_begin(struct part *part, int64_t time_us, uint32_t pid, unsigned attempt,
               struct error *error)
{
    if (!part->published)
        do
            layout_id_format(part->id, time_us, pid, attempt);
        while (is_taken(part) && ++attempt < 10000);

    AUTO_FD int fd = make_unnamed(part);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL))
        fd = make_hidden(part);
    if (fd < 0)
        return error_errno(error, errno, "cannot make the record %s", part->id);
    if (fchown(fd, part->uid, part->gid) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_errno(error, errno, "cannot prepare the record %s", part->id);
    if (part->fd >= 0)
        close(part->fd);
    part->fd = steal_fd(&fd);
    return 0;
}

int part_link(int fd, int dir, const char *name)
{
    char path[64];

    if (linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOENT)
        return -errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int publish_first(struct part *part, const char *hidden, const char *name)
{
    if (!part->hidden)
        return part_link(part->fd, part->dir, name);
    int r = io_rename_new(part->dir, hidden, part->dir, name);
    if (r < 0)
        (void)unlinkat(part->dir, hidden, 0); /* begun anew under another id, or given up */
    return r;
}

static int publish_again(struct part *part, const char *hidden, const char *name)
{
    int r = part->hidden ? 0 : part_link(part->fd, part->dir, hidden);
    if (r == 0 && renameat(part->dir, hidden, part->dir, name) < 0) {
        r = -errno;
        (void)unlinkat(part->dir, hidden, 0); /* the one published first stays */
    }
    return r;
}

int part_publish(struct part *part, struct error *error)
{
    char name[LAYOUT_NAME_SIZE], hidden[LAYOUT_NAME_SIZE + 1];

    layout_name(name, part->id, LAYOUT_PART_SUFFIX);
    hidden_name(part, hidden);
    int r = (part->published ? publish_again : publish_first)(part, hidden, name);
    if (r < 0)
        return error_errno(error, -r, "cannot name the record %s", name);
    part->published = true;
    part->hidden = false;
    return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int part_take_over(struct part *part, struct error *error)
{
    struct stat ours, named;
    char name[LAYOUT_NAME_SIZE];

    layout_name(name, part->id, LAYOUT_PART_SUFFIX);
    AUTO_FD int fd = openat(part->dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &named) < 0 || fstat(part->fd, &ours) < 0)
        return error_errno(error, errno, "cannot open the record %s", name);
    if (is_same_file(&ours, &named))
        return 0;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return error_errno(error, errno, "cannot lock the record %s", name);
    ours = named;
    /* A keeper may have salvaged it before it was locked. */
    if (fstatat(part->dir, name, &named, AT_SYMLINK_NOFOLLOW) < 0 || !is_same_file(&ours, &named))
        return error_set(error, EWOULDBLOCK, "the record %s was taken by a keeper", name);
    close(part->fd);
    part->fd = steal_fd(&fd);
    return 0;
}

int part_commit(struct part *part, struct error *error)
{
    char from[LAYOUT_NAME_SIZE], to[LAYOUT_NAME_SIZE];

    layout_name(from, part->id, LAYOUT_PART_SUFFIX);
    layout_name(to, part->id, LAYOUT_RECORD_SUFFIX);
    if (fsync(part->fd) < 0)
        return error_errno(error, errno, "cannot write the record %s to the disk", part->id);
    int r = io_rename_new(part->dir, from, part->dir, to);
    if (r < 0)
        return error_errno(error, -r, "cannot rename the record %s", part->id);
    if (fsync(part->dir) < 0)
        return error_errno(error, errno, "cannot write the directory of %s to the disk", part->id);
    return 0;
}

uint64_t part_disk_size(const struct part *part)
{
    struct stat st;
    return part->fd >= 0 && fstat(part->fd, &st) == 0 ? io_disk_size(&st) : 0;
}

void part_discard(struct part *part)
{
    char name[LAYOUT_NAME_SIZE];

    layout_name(name, part->id, LAYOUT_PART_SUFFIX);
    if (part->published)
        (void)unlinkat(part->dir, name, 0); /* what stays is salvaged, which does no harm */
    part->published = false;
}

void part_close(struct part *part)
{
    if (part->fd >= 0)
        close(steal_fd(&part->fd));
    if (part->dir >= 0)
        close(steal_fd(&part->dir));
}
