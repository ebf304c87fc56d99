/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pagemap.h - which pages of a held process are there: /proc/PID/pagemap.
 *
 * By the ioctl PAGEMAP_SCAN (Linux 6.7; Documentation/admin-guide/mm/pagemap.rst) or, before it, by
 * reading an entry a page. The descriptor may have been opened by root: access was checked then.
 *
 * A process that was killed meanwhile shows nothing at all and no error: who believes in a run of
 * absent pages must see afterwards that the process still has its memory (pagemap_is_alive()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Consecutive pages that hold something: [start, end). */
struct page_run {
    uint64_t start, end;
};

struct pagemap {
    int fd;        /* stays the caller's */
    bool has_scan; /* the kernel has PAGEMAP_SCAN */
    size_t page_size;
};

/*
 * The proof of life: false once the memory is gone. Reading an entry, of whatever page, gives 0
 * bytes then. (So does reading /proc/PID/mem, but that has to be told a mapped address: memory.h.)
 */
bool pagemap_is_alive(int fd);

/* Finds out what the kernel has. -ESTALE where the memory is gone already, or another errno. */
int pagemap_init(struct pagemap *pagemap, int fd);

/*
 * Finds up to `max` runs of pages in [start, end) that are in memory or swapped out, and not the
 * shared page of zeros (a kernel without PAGEMAP_SCAN doesn't tell that one). Returns their number,
 * or a negative errno; *ret_next is where the next call goes on, `end` when there is no more.
 */
ssize_t pagemap_runs(const struct pagemap *pagemap, uint64_t start, uint64_t end,
                     struct page_run *runs, size_t max, uint64_t *ret_next);
