/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record_writer.h - writes one record: facts, rescue core, content, outcome, seek table.
 *
 *   frame 0   skippable  "INQM…" the facts known at once (metadata.h)
 *   [frame 1] skippable  "INQR" and a small core, compressed: enough for a backtrace
 *   …         content frames of at most 256 KiB; zeros in frames of at most 16 MiB
 *   last      skippable  "INQM…" the outcome: facts that came late; the last value of a key wins
 *   end       skippable  the seek table
 *
 * One writer belongs to one thread; frames may be compressed elsewhere and handed over in order.
 * Every function returns 0 or a negative errno; after a failed write the file ends in a broken
 * frame, which record_salvage() cuts off.
 */
#pragma once

#include <stdint.h>

#include "store/base/error.h"
#include "store/metadata.h"
#include "store/seek_table.h"

struct record_writer;

/* Writes to `fd` from its start; the file must be empty. `fd` stays the caller's. */
int record_writer_new(int fd, struct record_writer **ret);

/* Goes on behind `table`'s frames of an unfinished record, whose file ends with them. The table's
 * entries move into the writer. */
int record_writer_resume(int fd, struct seek_table *table, struct record_writer **ret);

void record_writer_free(struct record_writer *writer); /* without finishing */

/* First, exactly once. */
int record_writer_facts(struct record_writer *writer, const struct metadata *facts);

/* At most once, before any content. `core` is a whole small ELF core. */
int record_writer_rescue(struct record_writer *writer, const void *core, size_t size);

/* The next content, compressed by frame_compress(). */
int record_writer_frame(struct record_writer *writer, const void *frame, uint32_t stored_size,
                        uint32_t content_size);

/* The next content is `size` zero bytes: costs a few bytes per MiB. */
int record_writer_zeros(struct record_writer *writer, uint64_t size);

/* The next content, compressed here, zeros detected, cut into frames as they fill. For those who
 * have one thread and time. */
int record_writer_append(struct record_writer *writer, const void *data, size_t size);

/* Flushes, writes outcome and seek table. The record is whole; fsync and rename are the caller's.
 */
int record_writer_finish(struct record_writer *writer, const struct metadata *outcome);

uint64_t record_writer_content_size(const struct record_writer *writer); /* core bytes so far */
uint64_t record_writer_stored_size(const struct record_writer *writer);  /* file bytes so far */

CLEANUP_FUNCTION(struct record_writer, record_writer_free)
#define AUTO_RECORD_WRITER CLEANUP(record_writer_free_cleanup)
