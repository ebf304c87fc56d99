/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io.c - reads and writes that finish. */
#include "config.h"

#include "store/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

ssize_t io_read(int fd, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, (char *)buffer + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

ssize_t io_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int io_write(int fd, const void *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        data = (const char *)data + n;
        size -= (size_t)n;
    }
    return 0;
}

int io_pwrite(int fd, const void *data, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, data, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO;
        data = (const char *)data + n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int io_read_all(int fd, size_t limit, struct bytes *ret)
{
    enum { STEP = 16 * 1024 };
    size_t taken = 0;

    for (;;) {
        size_t want = limit - taken < STEP ? limit - taken + 1 : STEP;
        int r = bytes_reserve(ret, want);
        if (r < 0)
            return r;
        ssize_t n = read(fd, ret->data + ret->size, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        if ((size_t)n > limit - taken) {
            ret->size += limit - taken;
            ret->data[ret->size] = '\0';
            return -EFBIG;
        }
        taken += (size_t)n;
        ret->size += (size_t)n;
        ret->data[ret->size] = '\0';
    }
    return 0;
}

int io_copy(int from, int to)
{
    enum { STEP = 256 * 1024 };
    AUTO_FREE char *buffer = malloc(STEP);
    ssize_t n;

    if (!buffer)
        return -ENOMEM;
    while ((n = io_read(from, buffer, STEP)) > 0) {
        int r = io_write(to, buffer, (size_t)n);
        if (r < 0)
            return r;
    }
    return (int)n;
}

int io_read_file(int dirfd, const char *path, size_t limit, struct bytes *ret)
{
    AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    /* Only what is read is touched, so that a file may say what it likes of its size. */
    size_t size = (uint64_t)st.st_size < limit ? (size_t)st.st_size : limit;
    int r = bytes_reserve(ret, size + 16 * 1024);
    return r < 0 ? r : io_read_all(fd, limit, ret);
}

int io_openat2(int dirfd, const char *path, const struct open_how *how)
{
    int fd = (int)syscall(SYS_openat2, dirfd, path, how, sizeof *how);
#ifdef INQUEST_SANITIZED
    if (fd < 0 && errno == ENOSYS) {
        bool is_beneath = how->resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH);
        const char *relative = path + (is_beneath ? strspn(path, "/") : 0);
        fd = openat(dirfd, *relative ? relative : ".", (int)how->flags, (mode_t)how->mode);
    }
#endif
    return fd;
}

int io_rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    if (linkat(from_dir, from, to_dir, to, 0) < 0)
        return -errno;
    return unlinkat(from_dir, from, 0) < 0 ? -errno : 0;
}

int io_lock(int fd, unsigned patience_ms)
{
    static const struct timespec pause = {.tv_nsec = 1000000};

    for (unsigned i = 0; i < patience_ms; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        (void)nanosleep(&pause, NULL);
    }
    return -EAGAIN;
}

void io_unlock(int fd)
{
    enum { TRIES = 100 };

    for (int i = 0; i < TRIES && flock(fd, LOCK_UN) < 0 && errno != EBADF; i++)
        ;
}

int io_hold_standard(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}
