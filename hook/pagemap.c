/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pagemap.c - which pages of a held process are there. */
#include "hook/pagemap.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config.h"
#include "store/base/io.h"

/* include/uapi/linux/fs.h of Linux 6.7; older headers don't have it. */
struct scan_argument {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct scan_region {
    uint64_t start, end, categories;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_argument)

enum {
    PAGE_PRESENT = 1 << 3,
    PAGE_SWAPPED = 1 << 4,
    PAGE_ZERO = 1 << 5, /* PAGE_IS_PFNZERO */

    SCAN_BATCH = 512,
    ENTRY_BATCH = 512,
};

#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_SWAPPED (1ull << 62)

static ssize_t scan(const struct pagemap *pagemap, uint64_t start, uint64_t end,
                    struct scan_region *regions, size_t max, uint64_t *ret_next)
{
    struct scan_argument argument = {
        .size = sizeof argument,
        .start = start,
        .end = end,
        .vec = (uintptr_t)regions,
        .vec_len = max,
        .category_inverted = PAGE_ZERO,
        .category_mask = PAGE_ZERO,
        .category_anyof_mask = PAGE_PRESENT | PAGE_SWAPPED,
        .return_mask = PAGE_PRESENT | PAGE_SWAPPED,
    };
    int n;
#ifdef INQUEST_SANITIZED /* memcheck doesn't know the call, so not what it fills */
    memset(regions, 0, max * sizeof *regions);
#endif
    do
        n = ioctl(pagemap->fd, SCAN_IOCTL, &argument);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ESRCH ? -ESTALE : -errno;
    *ret_next = argument.walk_end;
    return n;
}

bool pagemap_is_alive(int fd)
{
    uint64_t entry;
    return io_pread(fd, &entry, sizeof entry, 0) != 0;
}

int pagemap_init(struct pagemap *pagemap, int fd)
{
    struct scan_region region;
    uint64_t next, entry;

    *pagemap = (struct pagemap){.fd = fd, .page_size = (size_t)sysconf(_SC_PAGESIZE)};
    pagemap->has_scan = scan(pagemap, 0, pagemap->page_size, &region, 1, &next) >= 0;
    if (pagemap->has_scan)
        return 0;
    ssize_t n = io_pread(fd, &entry, sizeof entry, 0);
    if (n == 0 || n == -ESRCH)
        return -ESTALE;
    return n < 0 ? (int)n : 0;
}

/* Adds a run, to the last one where they touch. False where there is no room. */
static bool add_run(struct page_run *runs, size_t *count, size_t max, uint64_t start, uint64_t end)
{
    if (*count > 0 && runs[*count - 1].end == start) {
        runs[*count - 1].end = end;
        return true;
    }
    if (*count == max)
        return false;
    runs[(*count)++] = (struct page_run){start, end};
    return true;
}

static ssize_t runs_by_scan(const struct pagemap *pagemap, uint64_t start, uint64_t end,
                            struct page_run *runs, size_t max, uint64_t *ret_next)
{
    struct scan_region regions[SCAN_BATCH];
    size_t count = 0;

    while (start < end && count < max) {
        size_t room = max - count < SCAN_BATCH ? max - count : SCAN_BATCH;
        uint64_t next = end;
        ssize_t n = scan(pagemap, start, end, regions, room, &next);
        if (n < 0)
            return n;
        for (ssize_t i = 0; i < n; i++) /* there is room: a region is a run at most */
            add_run(runs, &count, max, regions[i].start, regions[i].end);
        if (next <= start)
            return -EIO;
        start = next;
    }
    *ret_next = start < end ? start : end;
    return (ssize_t)count;
}

static ssize_t runs_by_entries(const struct pagemap *pagemap, uint64_t start, uint64_t end,
                               struct page_run *runs, size_t max, uint64_t *ret_next)
{
    uint64_t entries[ENTRY_BATCH];
    size_t count = 0;

    while (start < end) {
        uint64_t left = (end - start + pagemap->page_size - 1) / pagemap->page_size;
        size_t want = left < ENTRY_BATCH ? (size_t)left : ENTRY_BATCH;
        ssize_t n = io_pread(pagemap->fd, entries, want * sizeof *entries,
                             start / pagemap->page_size * sizeof *entries);
        if (n < 0)
            return n;
        if (n == 0)
            break; /* above all that a process can map */
        for (size_t i = 0; i < (size_t)n / sizeof *entries; i++, start += pagemap->page_size)
            if ((entries[i] & (ENTRY_PRESENT | ENTRY_SWAPPED)) &&
                !add_run(runs, &count, max, start, start + pagemap->page_size)) {
                *ret_next = start;
                return (ssize_t)count;
            }
    }
    *ret_next = end;
    return (ssize_t)count;
}

ssize_t pagemap_runs(const struct pagemap *pagemap, uint64_t start, uint64_t end,
                     struct page_run *runs, size_t max, uint64_t *ret_next)
{
    return pagemap->has_scan ? runs_by_scan(pagemap, start, end, runs, max, ret_next)
                             : runs_by_entries(pagemap, start, end, runs, max, ret_next);
}
