/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seek_table.h - which frame of a file holds which bytes of its content.
 *
 * The table is the last frame of a file, in zstd's seekable format (zstd's
 * contrib/seekable_format/zstd_seekable_compression_format.md, 0.1.0), without checksums: content
 * frames carry their own. Every frame of the file is an entry, skippable ones with content size 0.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/error.h"

enum { SEEK_TABLE_MAX_FRAMES = 0x8000000 }; /* the format's own bound */

struct seek_entry {
    uint64_t file_offset;    /* where the frame starts */
    uint64_t content_offset; /* where its content starts */
    uint32_t stored_size;    /* the frame's bytes in the file */
    uint32_t content_size;   /* what they decompress to */
};

struct seek_table {
    struct seek_entry *entries; /* ascending, without gaps */
    size_t count, capacity;
    uint64_t stored_size;  /* sum over the entries */
    uint64_t content_size; /* likewise */
};

void seek_table_free(struct seek_table *table);
#define AUTO_SEEK_TABLE CLEANUP(seek_table_free)

/* Adds the next frame of the file. -ENOMEM, -E2BIG. */
int seek_table_add(struct seek_table *table, uint32_t stored_size, uint32_t content_size);

/* Appends the table as a skippable frame. */
int seek_table_encode(const struct seek_table *table, struct bytes *ret);

/*
 * Reads the table at the end of a file of `file_size` bytes. -ENODATA where the file does not end
 * in one, -EBADMSG where it contradicts itself or the file.
 */
int seek_table_read(int fd, uint64_t file_size, struct seek_table *ret, struct error *error);

/* The entry whose content holds `offset`, or NULL behind the end. Binary search. */
const struct seek_entry *seek_table_find(const struct seek_table *table, uint64_t offset);
