/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory.c - a held process's memory through /proc/PID/mem. */
#include "hook/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* pread(2) that is carried on after signals. Addresses above INT64_MAX (vsyscall) are no offsets.
 */
static ssize_t read_at(int mem, uint64_t address, void *buffer, size_t size)
{
    ssize_t n;
    do
        n = pread(mem, buffer, size, (off_t)address);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int memory_read(int mem, uint64_t address, void *buffer, size_t size)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char *at = buffer;

    while (size > 0) {
        ssize_t n = read_at(mem, address, at, size);
        if (n == 0)
            return -ESTALE;
        if (n < 0) {
            if (n != -EIO && n != -EFAULT && n != -EINVAL)
                return (int)n;
            n = (ssize_t)(page - address % page);
            if ((size_t)n > size)
                n = (ssize_t)size;
            memset(at, 0, (size_t)n);
        }
        at += n;
        address += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

size_t memory_read_some(int mem, uint64_t address, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read_at(mem, address + done, (char *)buffer + done, size - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}
