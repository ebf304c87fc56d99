/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - zstd frames: the pieces a record is made of.
 *
 * Content frames are independent, hold at most FRAME_CONTENT_MAX bytes of the core and carry
 * zstd's content checksum. Frames of zeros alone may hold up to FRAME_ZEROS_MAX.
 * Formats: zstd's doc/zstd_compression_format.md (RFC 8878) for frames and skippable frames.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"

enum {
    FRAME_CONTENT_MAX = 256 * 1024,
    FRAME_ZEROS_MAX = 16 * 1024 * 1024,
    FRAME_SKIPPABLE_HEADER = 8, /* u32 magic, u32 payload size */
};

#define FRAME_MAGIC_SKIPPABLE  0x184D2A50u /* ours: facts, rescue core, outcome */
#define FRAME_MAGIC_SEEK_TABLE 0x184D2A5Eu

/* One thread's compressor. */
struct frame_compressor;
int frame_compressor_new(int level, struct frame_compressor **ret);
void frame_compressor_free(struct frame_compressor *compressor);
void frame_compressor_set_level(struct frame_compressor *compressor, int level);

/* The room that frame_compress() needs at most for `size` bytes. */
size_t frame_bound(size_t size);

/* Compresses `data` into one whole frame. Returns its size, or a negative errno (-EIO: zstd). */
ssize_t frame_compress(struct frame_compressor *compressor, const void *data, size_t size,
                       void *frame, size_t capacity);

/* Compresses `size` zeros (at most FRAME_ZEROS_MAX) into one whole frame: a few bytes per 128 KiB.
 * Returns its size, or a negative errno. */
ssize_t frame_compress_zeros(struct frame_compressor *compressor, size_t size, void *frame,
                             size_t capacity);

/* True where all `size` bytes are zero. Stops at the first that is not. */
bool frame_is_zero(const void *data, size_t size);

CLEANUP_FUNCTION(struct frame_compressor, frame_compressor_free)
#define AUTO_COMPRESSOR CLEANUP(frame_compressor_free_cleanup)
