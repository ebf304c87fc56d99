/* SPDX-License-Identifier: GPL-2.0-or-later */
/* buffer.c - the memory that a core waits in between its process and the disk. */
#include "hook/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "store/base/clock.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum {
    SLAB = 2 * 1024 * 1024, /* what a huge page is on most machines */
    /* A huge page takes 100 us to clear, one from the hypervisor 5000, and the same memory in small
     * pages 700. A slow one may be an exception: a large buffer can afford to try again. */
    SMALL_US = 700,
    PATIENCE_US = 50, /* for each slab there is */
};

int buffer_init(struct buffer *buffer, uint64_t size, size_t slot_size, size_t least)
{
    buffer->slot_size = slot_size;
    buffer->slot_count = (size_t)(size / slot_size);
    if (buffer->slot_count < least)
        buffer->slot_count = least;
    buffer->mapping_size = buffer->slot_count * slot_size + 2 * SLAB;
    buffer->mapping = mmap(NULL, buffer->mapping_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    buffer->free = calloc(buffer->slot_count, sizeof *buffer->free);
    buffer->slabs = calloc(buffer->mapping_size / SLAB + 1, sizeof *buffer->slabs);
    if (buffer->mapping == MAP_FAILED || !buffer->free || !buffer->slabs)
        return -ENOMEM;
    buffer->memory = (unsigned char *)(((uintptr_t)buffer->mapping + SLAB - 1) / SLAB * SLAB);
    while (buffer->free_count < buffer->slot_count) {
        buffer->free[buffer->free_count] = (uint32_t)(buffer->slot_count - 1 - buffer->free_count);
        buffer->free_count++;
    }
    return 0;
}

void buffer_clear(struct buffer *buffer)
{
    if (buffer->mapping && buffer->mapping != MAP_FAILED)
        munmap(buffer->mapping, buffer->mapping_size);
    free(buffer->free);
    free(buffer->slabs);
}

uint32_t buffer_take(struct buffer *buffer)
{
    return buffer->free[--buffer->free_count];
}

void buffer_give_back(struct buffer *buffer, uint32_t slot, bool is_last)
{
    if (is_last)
        (void)madvise(buffer_data(buffer, slot), buffer->slot_size, MADV_DONTNEED);
    buffer->free[buffer->free_count++] = slot;
}

/*
 * The first touch of a slab, which is the moment to ask for a huge page. It must change nothing:
 * another thread may have filled a slot of the slab by now.
 */
static void open_slab(struct buffer *buffer, size_t index)
{
    unsigned char *slab = buffer->memory + index * SLAB;

    if (atomic_load(&buffer->is_huge_slow) || atomic_exchange(&buffer->slabs[index], 1) != 0 ||
        madvise(slab, SLAB, MADV_HUGEPAGE) < 0)
        return;
    uint64_t before = clock_now_us();
    (void)madvise(slab, 1, MADV_POPULATE_WRITE);
    uint64_t taken = clock_now_us() - before;
    uint64_t sum = atomic_fetch_add(&buffer->huge_us, taken) + taken;
    uint64_t count = atomic_fetch_add(&buffer->huge_count, 1) + 1;
    if (sum > PATIENCE_US * (buffer->mapping_size / SLAB) + SMALL_US * count)
        atomic_store(&buffer->is_huge_slow, true);
}

void buffer_warm(struct buffer *buffer, uint32_t slot, size_t size)
{
    size_t start = slot * buffer->slot_size, end = start + size;

    for (size_t i = start / SLAB; i * SLAB < end; i++)
        open_slab(buffer, i);
    /* All at once is cheaper than a fault a page, in the middle of copying. */
    (void)madvise(buffer->memory + start, size, MADV_POPULATE_WRITE);
}
