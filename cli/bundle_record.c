/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bundle_record.c - the record out of a bundle. */
#include "cli/bundle_record.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "cli/temporary.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/layout.h"

enum {
    BLOCK = 512,
    INPUT_SIZE = 1 << 17,
    MEMBERS_MAX = 100000,
    /* Of a ustar header: POSIX.1-2017, pax. */
    NAME_SIZE = 100,
    SIZE_AT = 124,
    SIZE_SIZE = 12,
    TYPE_AT = 156,
    MAGIC_AT = 257,
};

/* An archive being decompressed, one byte after the other. */
struct archive {
    int fd;
    ZSTD_DCtx *context;
    ZSTD_inBuffer in;
    char *input;
    uint64_t offset; /* of the next input */
};

bool bundle_is_meant(const void *prefix, size_t size)
{
    return size >= BLOCK && memcmp((const char *)prefix + MAGIC_AT, "ustar", 5) == 0;
}

/* Reads exactly `size` bytes of the archive. -EBADMSG at its end. */
static int archive_read(struct archive *archive, void *data, size_t size, struct error *error)
{
    ZSTD_outBuffer out = {data, size, 0};

    while (out.pos < out.size) {
        if (archive->in.pos == archive->in.size) {
            ssize_t n = io_pread(archive->fd, archive->input, INPUT_SIZE, archive->offset);
            if (n < 0)
                return error_errno(error, (int)-n, "cannot read the bundle");
            if (n == 0)
                return error_set(error, EBADMSG, "the bundle has no record");
            archive->in = (ZSTD_inBuffer){archive->input, (size_t)n, 0};
            archive->offset += (uint64_t)n;
        }
        size_t r = ZSTD_decompressStream(archive->context, &out, &archive->in);
        if (ZSTD_isError(r))
            return error_set(error, EBADMSG, "the bundle is damaged: %s", ZSTD_getErrorName(r));
    }
    return 0;
}

/* Passes `size` bytes on to `out` (-1: nowhere), and the padding behind them. */
static int archive_copy(struct archive *archive, uint64_t size, int out, struct error *error)
{
    AUTO_FREE char *buffer = malloc(INPUT_SIZE);
    uint64_t padding = -size & (BLOCK - 1);

    if (!buffer)
        return error_set(error, ENOMEM, "out of memory");
    while (size > 0) {
        size_t n = size < INPUT_SIZE ? (size_t)size : INPUT_SIZE;
        int r = archive_read(archive, buffer, n, error);
        if (r < 0)
            return r;
        r = out < 0 ? 0 : io_write(out, buffer, n);
        if (r < 0)
            return error_errno(error, -r, "%s", temporary_place());
        size -= n;
    }
    return archive_read(archive, buffer, (size_t)padding, error);
}

/* Octal, or with the highest bit set, big-endian in base 256. */
static uint64_t member_size(const unsigned char *field)
{
    uint64_t size = 0;
    bool binary = field[0] & 0x80;

    for (size_t i = 0; i < SIZE_SIZE; i++) {
        if (binary)
            size = size << 8 | (i == 0 ? 0 : field[i]);
        else if (field[i] >= '0' && field[i] <= '7')
            size = size << 3 | (unsigned)(field[i] - '0');
    }
    return size;
}

/* True of a regular member whose name ends in that of a record. */
static bool is_record(const unsigned char *header)
{
    char name[NAME_SIZE + 1], id[LAYOUT_ID_SIZE];

    if (header[TYPE_AT] != '0' && header[TYPE_AT] != '\0')
        return false;
    memcpy(name, header, NAME_SIZE);
    name[NAME_SIZE] = '\0';
    const char *slash = strrchr(name, '/');
    return layout_id_from_name(slash ? slash + 1 : name, LAYOUT_RECORD_SUFFIX, id);
}

static int find_record(struct archive *archive, struct error *error)
{
    unsigned char header[BLOCK];

    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        int r = archive_read(archive, header, BLOCK, error);
        if (r < 0)
            return r;
        if (!bundle_is_meant(header, BLOCK))
            break;
        bool found = is_record(header);
        AUTO_FD int out = found ? temporary_file(error) : -1;
        if (found && out < 0)
            return out;
        r = archive_copy(archive, member_size(header + SIZE_AT), out, error);
        if (r < 0)
            return r;
        if (found)
            return lseek(out, 0, SEEK_SET) < 0 ? -errno : steal_fd(&out);
    }
    return error_set(error, EBADMSG, "the bundle has no record");
}

int bundle_record(int fd, struct error *error)
{
    AUTO_FREE char *input = malloc(INPUT_SIZE);
    struct archive archive = {.fd = fd, .context = ZSTD_createDCtx(), .input = input};

    int r = input && archive.context ? find_record(&archive, error)
                                     : error_set(error, ENOMEM, "out of memory");
    ZSTD_freeDCtx(archive.context);
    return r;
}
