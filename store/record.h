/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record.h - reads one record: its facts, and any byte of its core without decompressing the rest.
 *
 * Made for hostile files: every size is checked against the file, memory is bounded by a small
 * cache of decompressed frames. A file without a seek table (a live or dead .part) is read by
 * walking its frames; what follows the last whole frame is ignored.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/metadata.h"
#include "store/seek_table.h"

/* Skippable frames of ours begin with one of these. */
#define RECORD_RESCUE_MAGIC "INQR" /* u8 version 1, 3 zero bytes, u64 size, then one zstd frame */
enum {
    RECORD_MAGIC_SIZE = 4,
    RECORD_RESCUE_HEADER = 16,
    RECORD_RESCUE_MAX = 64 * 1024 * 1024, /* bytes of a rescue core, decompressed */
};

enum record_state {
    RECORD_CAPTURING, /* a hook is at it, or died at it */
    RECORD_FULL,
    RECORD_STACKS,
    RECORD_FACTS,
    RECORD_COUNTED,
    RECORD_TRUNCATED,
    RECORD_PRUNED,
    RECORD_MISSING, /* of an index row whose file is gone; no file says this of itself */
};

const char *record_state_name(enum record_state state);
int record_state_from_name(const char *name, enum record_state *ret); /* 0 or -EINVAL */

struct record;

/* Opens a record. `fd` stays the caller's and must outlive it. -EBADMSG where it is no record. */
int record_open(int fd, struct record **ret, struct error *error);
void record_free(struct record *record);

/* Facts and outcome merged. */
const struct metadata *record_metadata(const struct record *record);
enum record_state record_state(const struct record *record);
bool record_is_finished(const struct record *record); /* has its outcome and seek table */

/* The frames that are whole, in the order of the file. */
const struct seek_table *record_frames(const struct record *record);

/* Bytes of core that are there as content frames; 0 for a record without them. */
uint64_t record_content_size(const struct record *record);
uint64_t record_file_size(const struct record *record);

/* Reads up to `size` bytes of the core; fewer only at its end. -EBADMSG where a frame is corrupt,
 * -ESTALE, here and below, where the file was removed or pruned since it was opened. */
ssize_t record_read(struct record *record, void *buffer, size_t size, uint64_t offset);

/*
 * Walks the content in order: `data` NULL means `size` zero bytes, which a writer may leave as a
 * hole. The callback returns 0 to go on; a negative errno ends the walk and is returned.
 */
typedef int record_content_function(void *context, const void *data, size_t size);
int record_each_content(struct record *record, record_content_function *function, void *context,
                        struct error *error);

/* The rescue core, decompressed (bounded); -ENODATA where the record has none. */
int record_rescue(struct record *record, struct bytes *ret, struct error *error);

/* Frames whose checksum fails: calls back with each one's content offset and size. */
typedef void record_bad_frame_function(void *context, uint64_t content_offset, uint32_t size);
int record_verify(struct record *record, record_bad_frame_function *function, void *context,
                  struct error *error);

CLEANUP_FUNCTION(struct record, record_free)
#define AUTO_RECORD CLEANUP(record_free_cleanup)
