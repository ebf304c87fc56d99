/* SPDX-License-Identifier: GPL-2.0-or-later */
/* temporary.c - files that are gone when the command is. */
#include "cli/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/config.h"
#include "store/frame.h"

/* Of the disk, left free. */
static const struct config_budget reserve = {.percent = 5, .cap = 256ull << 20};

const char *temporary_place(void)
{
    const char *place = secure_getenv("TMPDIR");
    return place && place[0] == '/' ? place : "/var/tmp";
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

int temporary_directory_make(char ret[static PATH_MAX], struct error *error)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/inquest-XXXXXX", temporary_place()) >= (int)sizeof path)
        return error_set(error, ENAMETOOLONG, "%s: the name is too long", temporary_place());
    if (!mkdtemp(path))
        return error_errno(error, errno, "%s", temporary_place());
    snprintf(ret, PATH_MAX, "%s", path);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st, (void)kind, (void)walk;
    (void)remove(path); /* what cannot be removed is left: nobody could do more about it */
    return 0;
}

void temporary_directory_remove(const char *path)
{
    enum { DESCRIPTORS = 16 };
    if (path[0])
        (void)nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
