/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h - the bytes of an ELF core, wherever they are: a plain file, the content of a record, a
 * rescue core in memory.
 *
 * Reads go through a bounded cache of blocks, so that a backtrace, which hops between stacks, costs
 * neither a system call a word nor a decompression a hop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/record.h"

struct image;

/* Each returns NULL without memory. What they read from stays the caller's and must outlive them.
 */
struct image *image_of_file(int fd, uint64_t size);
struct image *image_of_record(struct record *record);
struct image *image_of_memory(const void *data, size_t size);
void image_free(struct image *image);

uint64_t image_size(const struct image *image);

/* All of `size` bytes at `offset`, or false. */
bool image_read(struct image *image, uint64_t offset, void *buffer, size_t size);

/* As much of it as is there; returns the number of bytes. */
size_t image_read_some(struct image *image, uint64_t offset, void *buffer, size_t size);
