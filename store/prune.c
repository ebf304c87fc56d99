/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prune.c - takes the content out of a record. */
#include "store/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/layout.h"
#include "store/salvage.h"
#include "store/seek_table.h"

static int open_record(const struct store *store, const struct crash_row *row, int flags,
                       int *ret_fd, struct record **ret, struct error *error)
{
    AUTO_FD int fd = store_open_file(store, row, LAYOUT_RECORD_SUFFIX, flags);
    if (fd < 0)
        return error_errno(error, -fd, "%s" LAYOUT_RECORD_SUFFIX, row->id);
    int r = record_open(fd, ret, error);
    if (r == 0)
        *ret_fd = steal_fd(&fd);
    return r;
}

/* Nothing is there, or what is no record: a link, a directory, a FIFO, another's bytes. */
static bool is_no_record(int r)
{
    return r == -ENOENT || r == -EBADMSG || r == -ELOOP || r == -EISDIR || r == -ENOTDIR ||
           r == -ENXIO || r == -ENODEV;
}

int prune_estimate(const struct store *store, const struct crash_row *row, struct pruned *ret,
                   struct error *error)
{
    AUTO_FD int fd = -1;
    AUTO_RECORD struct record *record = NULL;
    int r = open_record(store, row, O_RDONLY, &fd, &record, error);
    if (is_no_record(r)) {
        *ret = (struct pruned){.state = RECORD_MISSING};
        return 0;
    }
    if (r < 0)
        return r;
    const struct seek_table *frames = record_frames(record);
    uint64_t kept = 0;
    for (size_t i = 0; i < frames->count; i++)
        if (frames->entries[i].content_size == 0)
            kept += frames->entries[i].stored_size;
    *ret = (struct pruned){.state = RECORD_PRUNED, .stored_size = (int64_t)kept};
    return 0;
}

static int write_pruned(int dirfd, const char *name, struct record *record,
                        const struct access *access, int64_t *ret_size, struct error *error)
{
    struct stat st;
    AUTO_FD int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            LAYOUT_PRIVATE_MODE);
    if (fd < 0)
        return error_errno(error, errno, "%s", name);
    int r = access_apply_file(fd, access, error);
    if (r == 0)
        r = salvage_prune(record, fd, error);
    if (r < 0)
        return r;
    if (fsync(fd) < 0 || fstat(fd, &st) < 0)
        return error_errno(error, errno, "%s", name);
    *ret_size = st.st_size;
    return 0;
}

/* `ret_placed`: it is in the old one's place, though the disk may not know of it yet. */
static int replace(struct store *store, const struct crash_row *row, struct record *record,
                   int64_t *ret_size, bool *ret_placed, struct error *error)
{
    const struct access access = access_of_row(row);
    char name[LAYOUT_NAME_SIZE], temporary[LAYOUT_NAME_SIZE + 8];
    layout_name(name, row->id, LAYOUT_RECORD_SUFFIX);
    snprintf(temporary, sizeof temporary, ".%s.new", name);
    AUTO_FD int dirfd = store_open_directory(store, row);
    if (dirfd < 0)
        return error_errno(error, -dirfd, "%s", name);
    if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
        return error_errno(error, errno, "%s", temporary);
    int r = write_pruned(dirfd, temporary, record, &access, ret_size, error);
    if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
        r = error_errno(error, errno, "%s", name);
    *ret_placed = r == 0;
    if (r < 0)
        (void)unlinkat(dirfd, temporary, 0); /* the failure above is what is told */
    else if (fsync(dirfd) < 0)
        r = error_errno(error, errno, "%s", name);
    return r;
}

/* What is no file was not written by us, and nobody counted it: it stays. */
static int remove_record(struct store *store, const struct crash_row *row, struct error *error)
{
    char name[LAYOUT_NAME_SIZE];
    struct stat st;
    layout_name(name, row->id, LAYOUT_RECORD_SUFFIX);
    AUTO_FD int dirfd = store_open_directory(store, row);
    if (dirfd < 0)
        return is_no_record(dirfd) ? 0 : error_errno(error, -dirfd, "%s", name);
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : error_errno(error, errno, "%s", name);
    if (S_ISREG(st.st_mode) && unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return error_errno(error, errno, "%s", name);
    return 0;
}

static bool is_full(int r)
{
    return r == -ENOSPC || r == -EDQUOT;
}

/* The content's blocks, of a record that is to be replaced or has been. */
static int give_up_content(int fd, const struct record *record)
{
    const struct seek_table *frames = record_frames(record);
    uint64_t from = UINT64_MAX, to = 0;
    for (size_t i = 0; i < frames->count; i++)
        if (frames->entries[i].content_size > 0) {
            from = from < frames->entries[i].file_offset ? from : frames->entries[i].file_offset;
            to = frames->entries[i].file_offset + frames->entries[i].stored_size;
        }
    if (from >= to)
        return -ENOSPC;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                     (off_t)(to - from)) < 0
               ? -errno
               : 0;
}

/* A backup by hard links is not ours to empty. */
static bool has_one_name(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink == 1;
}

/* Whoever may read a record may hold it open, and would hold blocks that nobody counts. */
static void give_up_unnamed(int fd, const struct record *record)
{
    if (io_has_no_name(fd))
        (void)give_up_content(fd, record);
}

int prune_core(struct store *store, const struct crash_row *row, struct pruned *ret,
               struct error *error)
{
    struct pruned pruned = {.state = RECORD_PRUNED};
    AUTO_FD int fd = -1;
    AUTO_RECORD struct record *record = NULL;
    int r = open_record(store, row, O_RDWR, &fd, &record, error);
    bool may_be_record = !is_no_record(r), placed = false;
    if (r == 0)
        r = replace(store, row, record, &pruned.stored_size, &placed, error);
    /* On a full disk there is no room for the small record beside the large one. */
    if (!placed && is_full(r) && has_one_name(fd) && give_up_content(fd, record) == 0)
        r = replace(store, row, record, &pruned.stored_size, &placed, error);
    else if (r == 0)
        give_up_unnamed(fd, record);
    /* Where there is no record, or still no room, what the index and the report have must do. */
    if (!may_be_record || (!placed && (r == -EBADMSG || is_full(r)))) {
        pruned = (struct pruned){.state = RECORD_MISSING};
        r = remove_record(store, row, error);
    }
    if (r == 0)
        *ret = pruned;
    return r;
}
