/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cache_files.c - STORE/cache/: read, written and kept small. */
#include "store/cache_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/layout.h"
#include "store/scan.h"

#define PART "part" /* the file that is being written */

enum { DISK_BLOCK = 4096 };

static const uint64_t max_limit = 64 << 20, min_limit = 4 << 20;

uint64_t cache_limit(uint64_t max_use)
{
    uint64_t limit = max_use / 16 < max_limit ? max_use / 16 : max_limit;
    return limit < min_limit ? 0 : limit;
}

static int open_directory(int storefd)
{
    int fd = openat(storefd, LAYOUT_CACHE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cache_open(int storefd, const char *name)
{
    AUTO_FD int dirfd = open_directory(storefd);
    if (dirfd < 0)
        return dirfd;
    AUTO_FD int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EBADMSG;
}

/* The mode is set where the umask would not let it be. */
static int make_directory(int storefd)
{
    if (mkdirat(storefd, LAYOUT_CACHE, LAYOUT_CACHE_MODE) < 0)
        return errno == EEXIST ? 0 : -errno;
    return fchmodat(storefd, LAYOUT_CACHE, LAYOUT_CACHE_MODE, 0) < 0 ? -errno : 0;
}

/* Synced before it has its name: a power failure must not leave one with holes. */
static int write_part(int dirfd, const struct iovec *parts, size_t count)
{
    if (unlinkat(dirfd, PART, 0) < 0 && errno != ENOENT)
        return -errno;
    AUTO_FD int fd =
        openat(dirfd, PART, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, LAYOUT_FILE_MODE);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, LAYOUT_FILE_MODE) < 0 ? -errno : 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = io_write(fd, parts[i].iov_base, parts[i].iov_len);
    return r == 0 && fsync(fd) < 0 ? -errno : r;
}

void cache_tidy(int storefd)
{
    AUTO_FD int dirfd = open_directory(storefd);
    if (dirfd >= 0)
        (void)unlinkat(dirfd, PART, 0); /* else the next one does, or who writes */
}

int cache_write(int storefd, const char *name, const struct iovec *parts, size_t count)
{
    int r = make_directory(storefd);
    AUTO_FD int dirfd = r < 0 ? r : open_directory(storefd);
    if (dirfd < 0)
        return dirfd;
    r = write_part(dirfd, parts, count);
    if (r == 0 && renameat(dirfd, PART, dirfd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dirfd, PART, 0); /* else the next one does */
    return r;
}

/* What there is, and the oldest of those that may go. */
struct survey {
    int dirfd;
    uint64_t bytes;
    bool found;
    struct timespec time;
    char name[NAME_MAX + 1];
};

static bool may_go(const char *name)
{
    size_t size = strlen(name), end = strlen(CACHE_DEBUG_SUFFIX);
    return size >= end && strcmp(name + size - end, CACHE_DEBUG_SUFFIX) == 0;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int look_at(void *context, const char *name)
{
    struct survey *survey = context;
    struct stat st;
    if (fstatat(survey->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    survey->bytes += io_disk_size(&st);
    if (!may_go(name) || (survey->found && !is_older(&st.st_mtim, &survey->time)))
        return 0;
    survey->found = true;
    survey->time = st.st_mtim;
    snprintf(survey->name, sizeof survey->name, "%s", name);
    return 0;
}

uint64_t cache_bytes(int storefd)
{
    AUTO_FD int dirfd = open_directory(storefd);
    struct survey survey = {.dirfd = dirfd};
    if (dirfd >= 0)
        (void)scan_names(dirfd, ".", look_at, &survey); /* what cannot be listed is not counted */
    return survey.bytes;
}

int cache_make_room(int storefd, uint64_t coming, uint64_t limit)
{
    if (coming > limit)
        return -ENOSPC;
    AUTO_FD int dirfd = open_directory(storefd);
    if (dirfd < 0)
        return dirfd == -ENOENT ? 0 : dirfd;
    uint64_t blocks = (coming + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
    for (;;) {
        struct survey survey = {.dirfd = dirfd};
        int r = scan_names(dirfd, ".", look_at, &survey);
        if (r < 0 || survey.bytes + blocks <= limit)
            return r;
        if (!survey.found)
            return -ENOSPC;
        if (unlinkat(dirfd, survey.name, 0) < 0)
            return -errno;
    }
}

struct emptying {
    int dirfd;
    bool dry_run;
    uint64_t bytes; /* of what is gone */
    int failure;    /* the first one's errno, negative */
};

/* One that stays keeps none of the others. What is being written is not ours to take, and a
 * directory nobody of us has put there. */
static int delete_file(void *context, const char *name)
{
    struct emptying *emptying = context;
    struct stat st;
    if (strcmp(name, PART) == 0 || fstatat(emptying->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISDIR(st.st_mode))
        return 0;
    if (emptying->dry_run || unlinkat(emptying->dirfd, name, 0) == 0)
        emptying->bytes += S_ISREG(st.st_mode) ? io_disk_size(&st) : 0;
    else if (errno != ENOENT && emptying->failure == 0)
        emptying->failure = -errno;
    return 0;
}

int cache_expire(int storefd, uint64_t limit, bool dry_run, uint64_t *ret_bytes)
{
    AUTO_FD int dirfd = open_directory(storefd);
    *ret_bytes = 0;
    if (dirfd < 0)
        return dirfd == -ENOENT ? 0 : dirfd;
    struct survey survey = {.dirfd = dirfd};
    int r = scan_names(dirfd, ".", look_at, &survey);
    if (r < 0 || survey.bytes <= limit)
        return r;
    struct emptying emptying = {.dirfd = dirfd, .dry_run = dry_run};
    r = scan_names(dirfd, ".", delete_file, &emptying);
    *ret_bytes = emptying.bytes;
    return r < 0 ? r : emptying.failure;
}
