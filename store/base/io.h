/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io.h - reads and writes that finish: interrupted and short calls are carried on.
 *
 * Each returns a negative errno on failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "store/base/bytes.h"

/* Read up to `size` bytes; fewer only at the end of the file. Return the number read. */
ssize_t io_read(int fd, void *buffer, size_t size);
ssize_t io_pread(int fd, void *buffer, size_t size, uint64_t offset);

/* Write everything, or fail. Return 0. */
int io_write(int fd, const void *data, size_t size);
int io_pwrite(int fd, const void *data, size_t size, uint64_t offset);

/*
 * Appends what `fd` holds from its position on to `ret`. -EFBIG when that is more than `limit`
 * bytes; the first `limit` are kept then. Serves files whose size stat(2) doesn't know, as in
 * /proc.
 */
int io_read_all(int fd, size_t limit, struct bytes *ret);

/* Appends what `from` holds from its position on to `to`. */
int io_copy(int from, int to);

/* Opens `path` beneath `dirfd` (O_RDONLY, O_CLOEXEC, O_NOFOLLOW) and reads it as io_read_all(). */
int io_read_file(int dirfd, const char *path, size_t limit, struct bytes *ret);

/* openat2(2), for which libc has no function. -1 with errno, as the call has it. Older versions of
 * memcheck don't know it: what is built for them then opens the path with no bounds around it, and
 * no test of bounds means anything there. */
struct open_how;
int io_openat2(int dirfd, const char *path, const struct open_how *how);

/* True of an open regular file that was removed, or had no name to begin with. */
static inline bool io_has_no_name(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0;
}

/* Bytes that a file takes on the disk, of stat(2)'s blocks. */
static inline uint64_t io_disk_size(const struct stat *st)
{
    return (uint64_t)st->st_blocks * 512;
}

/* rename(2) that replaces nothing (-EEXIST), also where the filesystem has no such flag (NFS): then
 * there are both names for a moment. A negative errno. */
int io_rename_new(int from_dir, const char *from, int to_dir, const char *to);

/* Takes a flock(2), trying for about `patience_ms` milliseconds. -EAGAIN where somebody else has it
 * all the time. */
int io_lock(int fd, unsigned patience_ms);

/* Gives a flock(2) back. Giving back can fail, too: for want of memory, or interrupted by a signal
 * on a filesystem that asks a server. */
void io_unlock(int fd);

/* Opens /dev/null for each of standard input, output and error that is closed: another file would
 * get its number, and what is meant for the terminal. Programs started later find them open, too.
 * Negative where there is no /dev/null. */
int io_hold_standard(void);
