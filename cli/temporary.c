/* SPDX-License-Identifier: GPL-2.0-or-later */
/* temporary.c - files that are gone when the command is. */
#include "cli/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/config.h"
#include "store/frame.h"

/* Of the disk, left free. */
static const struct config_budget reserve = {.percent = 5, .cap = 256ull << 20};

/* Where nobody but root and we can rename anything: `path` is cut to each of its parents. */
static bool is_safe_down_to(char *path)
{
    for (;;) {
        struct stat st;
        if (stat(path[0] ? path : "/", &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()) ||
            ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX)))
            return false;
        char *slash = strrchr(path, '/');
        if (!slash)
            return true;
        *slash = '\0';
    }
}

/* sudo may leave root a user's TMPDIR. */
static bool is_safe(const char *place)
{
    char path[PATH_MAX];
    return place[0] == '/' && realpath(place, path) && is_safe_down_to(path);
}

const char *temporary_place(void)
{
    const char *place = secure_getenv("TMPDIR");
    return place && is_safe(place) ? place : "/var/tmp";
}

int temporary_file(struct error *error)
{
    const char *place = temporary_place();
    int fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;

    /* A filesystem without O_TMPFILE. */
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/inquest-XXXXXX", place) >= (int)sizeof path)
        return error_set(error, ENAMETOOLONG, "%s: the name is too long", place);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "%s", place);
    unlink(path);
    return fd;
}

int temporary_start(struct temporary *ret, uint64_t limit, struct error *error)
{
    int fd = temporary_file(error);
    if (fd < 0)
        return fd;
    *ret = (struct temporary){.fd = fd, .limit = limit};
    return 0;
}

static int check_limit(const struct temporary *temporary, uint64_t size, struct error *error)
{
    if (size > temporary->limit - temporary->size)
        return error_set(error, EFBIG, "is larger than max_core in inquest.conf allows");
    return 0;
}

/* Asked anew each time: others write there, too. */
static int check_room(const struct temporary *temporary, uint64_t size, struct error *error)
{
    struct statvfs fs;
    if (fstatvfs(temporary->fd, &fs) < 0)
        return error_errno(error, errno, "%s", temporary_place());
    uint64_t free = fs.f_bavail * fs.f_frsize, whole = fs.f_blocks * fs.f_frsize;
    uint64_t keep = config_budget_of(reserve, whole);
    if (whole > 0 && (free < keep || size > free - keep)) /* 0: it does not tell */
        return error_set(error, ENOSPC, "%s has too little room for it", temporary_place());
    return 0;
}

int temporary_expect(const struct temporary *temporary, uint64_t size, struct error *error)
{
    int r = check_limit(temporary, size, error);
    return r < 0 ? r : check_room(temporary, size, error);
}

int temporary_append(struct temporary *temporary, const void *data, size_t size,
                     struct error *error)
{
    bool is_hole = frame_is_zero(data, size);
    int r = check_limit(temporary, size, error);
    if (r == 0 && !is_hole)
        r = check_room(temporary, size, error);
    if (r < 0)
        return r;
    r = is_hole ? 0 : io_pwrite(temporary->fd, data, size, temporary->size);
    if (r < 0)
        return error_errno(error, -r, "%s", temporary_place());
    temporary->size += size;
    return 0;
}

int temporary_finish(struct temporary *temporary, struct error *error)
{
    if (ftruncate(temporary->fd, (off_t)temporary->size) < 0)
        return error_errno(error, errno, "%s", temporary_place());
    return steal_fd(&temporary->fd);
}

static const char *name_of(const struct temporary_directory *directory)
{
    return strrchr(directory->path, '/') + 1;
}

/* Where others may rename in there, another one may lie at its path by now. */
static int open_own(struct temporary_directory *directory)
{
    struct stat st;
    directory->fd = openat(directory->place, name_of(directory),
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->fd < 0 || fstat(directory->fd, &st) < 0)
        return -errno;
    if (st.st_uid == geteuid())
        return 0;
    close(steal_fd(&directory->fd)); /* not ours to empty */
    return -EPERM;
}

int temporary_directory_make(struct temporary_directory *ret, struct error *error)
{
    const char *place = temporary_place();
    if (snprintf(ret->path, sizeof ret->path, "%s/inquest-XXXXXX", place) >= (int)sizeof ret->path)
        return error_set(error, ENAMETOOLONG, "%s: the name is too long", place);
    ret->place = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (ret->place < 0 || !mkdtemp(ret->path))
        return error_errno(error, errno, "%s", place);
    int r = open_own(ret);
    return r < 0 ? error_errno(error, -r, "%s", ret->path) : 0;
}

/* Takes over `fd`. What cannot be removed is left: nobody could do more about it. */
static void remove_content(int fd, dev_t device)
{
    AUTO_DIR DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        AUTO_FD int inner =
            openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int flags = inner >= 0 ? AT_REMOVEDIR : 0;
        if (inner >= 0 && fstat(inner, &st) == 0 && st.st_dev == device)
            remove_content(steal_fd(&inner), device);
        (void)unlinkat(fd, entry->d_name, flags);
    }
}

void temporary_directory_remove(struct temporary_directory *directory)
{
    struct stat st;
    if (directory->fd >= 0 && fstat(directory->fd, &st) == 0) {
        remove_content(steal_fd(&directory->fd), st.st_dev);
        (void)unlinkat(directory->place, name_of(directory), AT_REMOVEDIR);
    }
    cleanup_fd(&directory->fd);
    cleanup_fd(&directory->place);
    *directory = (struct temporary_directory)TEMPORARY_DIRECTORY_NONE;
}
