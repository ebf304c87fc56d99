/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory.h - a held process's memory through /proc/PID/mem.
 *
 * The descriptor is tied to the memory itself: once the process has been killed and has let it go,
 * every read gives 0 bytes, and never another process's. An unreadable page is an error (EIO).
 *
 * Read mapped addresses only. At any other the kernel looks for a stack to grow (expand_stack() in
 * its mm/mmap.c) and waits for the process's mmap_lock as a writer, and all other readers behind
 * it: seconds, where the dump is on its way through terabytes that were never touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copies `size` bytes from `address` on. Pages that cannot be read are zeros, as in a core that the
 * kernel writes. Returns 0, -ESTALE where the memory is gone, or another negative errno.
 */
int memory_read(int mem, uint64_t address, void *buffer, size_t size);

/* The same, but stops at the first byte that cannot be read: returns the number of bytes. */
size_t memory_read_some(int mem, uint64_t address, void *buffer, size_t size);
