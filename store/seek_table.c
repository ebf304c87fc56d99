/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seek_table.c - which frame of a file holds which bytes of its content. */
#include "store/seek_table.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/io.h"
#include "store/frame.h"

/* The format's "Seek_Table_Footer". */
struct footer {
    uint32_t frames;
    uint8_t descriptor; /* bit 7: entries carry checksums; bits 6-2 reserved and zero */
    uint32_t magic;
} __attribute__((packed));

struct entry {
    uint32_t stored_size, content_size;
} __attribute__((packed));

enum {
    DESCRIPTOR_CHECKSUMS = 0x80,
    DESCRIPTOR_RESERVED = 0x7c,
    CHECKSUM_SIZE = 4,
};
#define SEEKABLE_MAGIC 0x8F92EAB1u

void seek_table_free(struct seek_table *table)
{
    free(table->entries);
    *table = (struct seek_table){0};
}

int seek_table_add(struct seek_table *table, uint32_t stored_size, uint32_t content_size)
{
    if (table->count >= SEEK_TABLE_MAX_FRAMES)
        return -E2BIG;
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 256;
        struct seek_entry *entries = reallocarray(table->entries, capacity, sizeof *entries);
        if (!entries)
            return -ENOMEM;
        table->entries = entries;
        table->capacity = capacity;
    }
    table->entries[table->count++] = (struct seek_entry){
        .file_offset = table->stored_size,
        .content_offset = table->content_size,
        .stored_size = stored_size,
        .content_size = content_size,
    };
    table->stored_size += stored_size;
    table->content_size += content_size;
    return 0;
}

int seek_table_encode(const struct seek_table *table, struct bytes *ret)
{
    size_t size = table->count * sizeof(struct entry) + sizeof(struct footer);
    uint32_t header[2] = {htole32(FRAME_MAGIC_SEEK_TABLE), htole32((uint32_t)size)};
    struct footer footer = {.frames = htole32((uint32_t)table->count),
                            .magic = htole32(SEEKABLE_MAGIC)};

    int r = bytes_reserve(ret, sizeof header + size);
    if (r < 0)
        return r;
    bytes_append(ret, header, sizeof header); /* cannot fail: the room is there */
    for (size_t i = 0; i < table->count; i++) {
        struct entry entry = {htole32(table->entries[i].stored_size),
                              htole32(table->entries[i].content_size)};
        bytes_append(ret, &entry, sizeof entry);
    }
    bytes_append(ret, &footer, sizeof footer);
    return 0;
}

/* Reads the footer and finds where the table's frame starts and how wide its entries are. */
static int read_footer(int fd, uint64_t file_size, struct footer *footer, size_t *ret_width,
                       uint64_t *ret_start, struct error *error)
{
    if (file_size < FRAME_SKIPPABLE_HEADER + sizeof *footer)
        return error_set(error, ENODATA, "too short for a seek table");
    ssize_t n = io_pread(fd, footer, sizeof *footer, file_size - sizeof *footer);
    if (n < 0)
        return error_errno(error, (int)-n, "cannot read the seek table");
    if ((size_t)n < sizeof *footer || le32toh(footer->magic) != SEEKABLE_MAGIC)
        return error_set(error, ENODATA, "no seek table at the end");

    uint32_t frames = le32toh(footer->frames);
    size_t width =
        sizeof(struct entry) + (footer->descriptor & DESCRIPTOR_CHECKSUMS ? CHECKSUM_SIZE : 0);
    uint64_t size = FRAME_SKIPPABLE_HEADER + (uint64_t)frames * width + sizeof *footer;
    if (footer->descriptor & DESCRIPTOR_RESERVED || frames > SEEK_TABLE_MAX_FRAMES ||
        size > file_size)
        return error_set(error, EBADMSG, "the seek table's footer is broken");
    *ret_width = width;
    *ret_start = file_size - size;
    return 0;
}

static int check_header(int fd, uint64_t start, uint64_t file_size, struct error *error)
{
    uint32_t header[2];

    ssize_t n = io_pread(fd, header, sizeof header, start);
    if (n < 0)
        return error_errno(error, (int)-n, "cannot read the seek table");
    if ((size_t)n < sizeof header || le32toh(header[0]) != FRAME_MAGIC_SEEK_TABLE ||
        le32toh(header[1]) != file_size - start - FRAME_SKIPPABLE_HEADER)
        return error_set(error, EBADMSG, "the seek table's size contradicts its footer");
    return 0;
}

/* Reads the entries piece by piece, so that memory grows with what the file really holds. */
static int read_entries(int fd, uint64_t offset, uint32_t frames, size_t width,
                        struct seek_table *table, struct error *error)
{
    char piece[4096];
    size_t per_piece = sizeof piece / width;

    for (uint32_t done = 0; done < frames;) {
        size_t count = frames - done < per_piece ? frames - done : per_piece;
        ssize_t n = io_pread(fd, piece, count * width, offset + (uint64_t)done * width);
        if (n < 0)
            return error_errno(error, (int)-n, "cannot read the seek table");
        if ((size_t)n < count * width)
            return error_set(error, EBADMSG, "the seek table is cut short");
        for (size_t i = 0; i < count; i++) {
            struct entry entry;
            memcpy(&entry, piece + i * width, sizeof entry);
            int r = seek_table_add(table, le32toh(entry.stored_size), le32toh(entry.content_size));
            if (r < 0)
                return error_errno(error, -r, "cannot hold the seek table");
        }
        done += (uint32_t)count;
    }
    return 0;
}

int seek_table_read(int fd, uint64_t file_size, struct seek_table *ret, struct error *error)
{
    struct footer footer;
    size_t width = 0;
    uint64_t start = 0;

    int r = read_footer(fd, file_size, &footer, &width, &start, error);
    if (r < 0)
        return r;
    r = check_header(fd, start, file_size, error);
    if (r < 0)
        return r;

    AUTO_SEEK_TABLE struct seek_table table = {0};
    r = read_entries(fd, start + FRAME_SKIPPABLE_HEADER, le32toh(footer.frames), width, &table,
                     error);
    if (r < 0)
        return r;
    if (table.stored_size != start)
        return error_set(error, EBADMSG,
                         "the seek table counts %" PRIu64 " bytes of frames, the file has %" PRIu64,
                         table.stored_size, start);
    *ret = table;
    table = (struct seek_table){0};
    return 0;
}

const struct seek_entry *seek_table_find(const struct seek_table *table, uint64_t offset)
{
    size_t low = 0, high = table->count;

    if (offset >= table->content_size)
        return NULL;
    while (low < high) { /* the last entry that starts at or before offset ... */
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].content_offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return &table
                ->entries[low - 1]; /* ... is never an empty one: those share a later one's start */
}
