/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * short - to be preloaded: read and write of files and pipes do half of what they are asked for, as
 * they may. Small ones are left whole: no kernel cuts a counter or a line in two.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SMALL = 128 };

static size_t half(int fd, size_t size)
{
    struct stat st;
    if (size <= SMALL || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)))
        return size;
    return size / 2;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    return syscall(SYS_read, fd, buffer, half(fd, size));
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    return syscall(SYS_write, fd, buffer, half(fd, size));
}

ssize_t pread(int fd, void *buffer, size_t size, off_t at)
{
    return syscall(SYS_pread64, fd, buffer, half(fd, size), at);
}

ssize_t pwrite(int fd, const void *buffer, size_t size, off_t at)
{
    return syscall(SYS_pwrite64, fd, buffer, half(fd, size), at);
}

ssize_t pread64(int fd, void *buffer, size_t size, off_t at) __attribute__((alias("pread")));
ssize_t pwrite64(int fd, const void *buffer, size_t size, off_t at)
    __attribute__((alias("pwrite")));
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): glibc's own names */
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *buffer, size_t size, off_t at, size_t room)
    __attribute__((alias("__pread_chk")));

ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    if (size > room)
        abort();
    return read(fd, buffer, size);
}

ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t at, size_t room)
{
    if (size > room)
        abort();
    return pread(fd, buffer, size, at);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
