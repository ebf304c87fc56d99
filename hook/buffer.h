/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buffer.h - the memory that a core waits in between its process and the disk: slots of one size.
 *
 * Address space is taken for all of it at once, memory only for the slots that are used. That
 * memory is fresh, and getting it is half the cost of copying a process: huge pages are by far the
 * cheapest, unless the kernel has to get them from a hypervisor first, which takes forty times as
 * long (free page reporting); small pages then come from what the kernel has kept. So the first
 * touch of each slab is timed, and huge pages are given up once small ones would have been cheaper.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    unsigned char *memory; /* starts at a slab */
    size_t slot_size;
    size_t slot_count;
    uint32_t *free; /* a stack: what was used last is warm */
    size_t free_count;

    void *mapping;
    size_t mapping_size;
    atomic_uchar *slabs;               /* 1: has been asked for */
    atomic_ullong huge_us, huge_count; /* what first touches took, and how many there were */
    atomic_bool is_huge_slow;
};

/* Slots of `slot_size` in about `size` bytes, but at least `least` of them. -ENOMEM. */
int buffer_init(struct buffer *buffer, uint64_t size, size_t slot_size, size_t least);
void buffer_clear(struct buffer *buffer);

static inline unsigned char *buffer_data(const struct buffer *buffer, uint32_t slot)
{
    return buffer->memory + slot * buffer->slot_size;
}

/* Takes a free slot, of which there must be one, and gives one back; `is_last`: it will not be used
 * again, its memory goes back to the kernel. The caller serializes these. */
uint32_t buffer_take(struct buffer *buffer);
void buffer_give_back(struct buffer *buffer, uint32_t slot, bool is_last);

/* Gets the memory for `size` bytes of a slot; for different slots in several threads at once. */
void buffer_warm(struct buffer *buffer, uint32_t slot, size_t size);
