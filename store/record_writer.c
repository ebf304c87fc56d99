/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record_writer.c - writes one record. */
#include "store/record_writer.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/io.h"
#include "store/frame.h"
#include "store/record.h"

enum {
    LEVEL_DEFAULT = 1,
    ZEROS_FRAME_ROOM =
        64 * 1024, /* what FRAME_ZEROS_MAX zeros take compressed, with much to spare */
};

struct record_writer {
    int fd;
    struct seek_table table;
    struct frame_compressor *compressor;
    uint64_t zeros;   /* content not written yet: zeros that may grow */
    size_t filled;    /* bytes in `content`, which come after them */
    char *content;    /* FRAME_CONTENT_MAX bytes: what record_writer_append() collects */
    char *frame;      /* room for one compressed frame */
    char *full_zeros; /* the frame of FRAME_ZEROS_MAX zeros, made once */
    size_t full_zeros_size;
};

int record_writer_new(int fd, struct record_writer **ret)
{
    AUTO_SEEK_TABLE struct seek_table nothing = {0};
    return record_writer_resume(fd, &nothing, ret);
}

int record_writer_resume(int fd, struct seek_table *table, struct record_writer **ret)
{
    AUTO_RECORD_WRITER struct record_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return -ENOMEM;
    int r = frame_compressor_new(LEVEL_DEFAULT, &writer->compressor);
    if (r < 0)
        return r;
    writer->fd = fd;
    writer->table = *table;
    *table = (struct seek_table){0};
    *ret = steal_pointer(&writer);
    return 0;
}

void record_writer_free(struct record_writer *writer)
{
    if (!writer)
        return;
    frame_compressor_free(writer->compressor);
    seek_table_free(&writer->table);
    free(writer->content);
    free(writer->frame);
    free(writer->full_zeros);
    free(writer);
}

/* Writes one whole frame at the end of the file, and counts it only once it is there. */
static int put(struct record_writer *writer, const void *frame, size_t stored_size,
               uint32_t content_size)
{
    int r = io_pwrite(writer->fd, frame, stored_size, writer->table.stored_size);
    if (r < 0)
        return r;
    return seek_table_add(&writer->table, (uint32_t)stored_size, content_size);
}

static int put_skippable(struct record_writer *writer, const struct bytes *payload)
{
    uint32_t header[2] = {htole32(FRAME_MAGIC_SKIPPABLE), htole32((uint32_t)payload->size)};
    AUTO_BYTES struct bytes frame = {0};

    if (payload->size > UINT32_MAX - sizeof header)
        return -E2BIG;
    int r = bytes_reserve(&frame, sizeof header + payload->size);
    if (r < 0)
        return r;
    bytes_append(&frame, header, sizeof header); /* cannot fail: the room is there */
    bytes_append(&frame, payload->data, payload->size);
    return put(writer, frame.data, frame.size, 0);
}

static int put_metadata(struct record_writer *writer, const struct metadata *metadata)
{
    AUTO_BYTES struct bytes encoded = {0};
    int r = metadata_encode(metadata, &encoded);
    return r < 0 ? r : put_skippable(writer, &encoded);
}

int record_writer_facts(struct record_writer *writer, const struct metadata *facts)
{
    return writer->table.count > 0 ? -EINVAL : put_metadata(writer, facts);
}

int record_writer_rescue(struct record_writer *writer, const void *core, size_t size)
{
    uint64_t encoded_size = htole64(size);
    AUTO_BYTES struct bytes payload = {0};

    if (writer->table.count != 1)
        return -EINVAL;
    if (size > RECORD_RESCUE_MAX)
        return -E2BIG;
    int r = bytes_reserve(&payload, RECORD_RESCUE_HEADER + frame_bound(size));
    if (r < 0)
        return r;
    bytes_append(&payload, RECORD_RESCUE_MAGIC "\1\0\0\0", 8); /* cannot fail: the room is there */
    bytes_append(&payload, &encoded_size, sizeof encoded_size);
    ssize_t n = frame_compress(writer->compressor, core, size, payload.data + payload.size,
                               payload.capacity - payload.size);
    if (n < 0)
        return (int)n;
    payload.size += (size_t)n;
    return put_skippable(writer, &payload);
}

static int allocate(char **buffer, size_t size)
{
    if (!*buffer)
        *buffer = malloc(size);
    return *buffer ? 0 : -ENOMEM;
}

static int put_full_zeros(struct record_writer *writer)
{
    if (!writer->full_zeros) {
        int r = allocate(&writer->full_zeros, ZEROS_FRAME_ROOM);
        if (r < 0)
            return r;
        ssize_t n = frame_compress_zeros(writer->compressor, FRAME_ZEROS_MAX, writer->full_zeros,
                                         ZEROS_FRAME_ROOM);
        if (n < 0)
            return (int)n;
        writer->full_zeros_size = (size_t)n;
    }
    return put(writer, writer->full_zeros, writer->full_zeros_size, FRAME_ZEROS_MAX);
}

static int put_some_zeros(struct record_writer *writer, uint32_t size)
{
    char frame[ZEROS_FRAME_ROOM];
    ssize_t n = frame_compress_zeros(writer->compressor, size, frame, sizeof frame);
    return n < 0 ? (int)n : put(writer, frame, (size_t)n, size);
}

static int flush_zeros(struct record_writer *writer)
{
    while (writer->zeros >= FRAME_ZEROS_MAX) {
        int r = put_full_zeros(writer);
        if (r < 0)
            return r;
        writer->zeros -= FRAME_ZEROS_MAX;
    }
    if (writer->zeros > 0) {
        int r = put_some_zeros(writer, (uint32_t)writer->zeros);
        if (r < 0)
            return r;
        writer->zeros = 0;
    }
    return 0;
}

/* Writes what record_writer_append() has collected, behind the zeros before it. */
static int flush_content(struct record_writer *writer)
{
    if (writer->filled == 0)
        return 0;
    if (frame_is_zero(writer->content, writer->filled)) {
        writer->zeros += writer->filled;
        writer->filled = 0;
        return 0;
    }

    int r = flush_zeros(writer);
    if (r == 0)
        r = allocate(&writer->frame, frame_bound(FRAME_CONTENT_MAX));
    if (r < 0)
        return r;
    ssize_t n = frame_compress(writer->compressor, writer->content, writer->filled, writer->frame,
                               frame_bound(FRAME_CONTENT_MAX));
    if (n < 0)
        return (int)n;
    r = put(writer, writer->frame, (size_t)n, (uint32_t)writer->filled);
    if (r == 0)
        writer->filled = 0;
    return r;
}

int record_writer_frame(struct record_writer *writer, const void *frame, uint32_t stored_size,
                        uint32_t content_size)
{
    int r = flush_content(writer);
    if (r == 0)
        r = flush_zeros(writer);
    return r < 0 ? r : put(writer, frame, stored_size, content_size);
}

int record_writer_zeros(struct record_writer *writer, uint64_t size)
{
    int r = flush_content(writer);
    if (r == 0 && __builtin_add_overflow(writer->zeros, size, &writer->zeros))
        r = -EOVERFLOW;
    return r;
}

int record_writer_append(struct record_writer *writer, const void *data, size_t size)
{
    int r = allocate(&writer->content, FRAME_CONTENT_MAX);

    while (r == 0 && size > 0) {
        size_t room = FRAME_CONTENT_MAX - writer->filled;
        size_t piece = size < room ? size : room;
        memcpy(writer->content + writer->filled, data, piece);
        writer->filled += piece;
        data = (const char *)data + piece;
        size -= piece;
        if (writer->filled == FRAME_CONTENT_MAX)
            r = flush_content(writer);
    }
    return r;
}

int record_writer_finish(struct record_writer *writer, const struct metadata *outcome)
{
    AUTO_BYTES struct bytes table = {0};

    int r = flush_content(writer);
    if (r == 0)
        r = flush_zeros(writer);
    if (r == 0)
        r = put_metadata(writer, outcome);
    if (r == 0)
        r = seek_table_encode(&writer->table, &table);
    if (r < 0)
        return r;
    return io_pwrite(writer->fd, table.data, table.size, writer->table.stored_size);
}

uint64_t record_writer_content_size(const struct record_writer *writer)
{
    return writer->table.content_size + writer->zeros + writer->filled;
}

uint64_t record_writer_stored_size(const struct record_writer *writer)
{
    return writer->table.stored_size;
}
