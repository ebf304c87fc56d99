/* SPDX-License-Identifier: GPL-2.0-or-later */
/* salvage.c - makes whole records out of what is there. */
#include "store/salvage.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "store/base/io.h"
#include "store/core_extent.h"
#include "store/frame.h"
#include "store/keys.h"
#include "store/record_writer.h"

int salvage_part(int fd, const struct metadata *outcome, struct error *error)
{
    AUTO_RECORD struct record *record = NULL;
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_SEEK_TABLE struct seek_table frames = {0};

    int r = record_open(fd, &record, error);
    if (r < 0)
        return r == -EBADMSG ? -ENODATA : r;
    if (record_is_finished(record))
        return 0;

    const struct seek_table *whole = record_frames(record);
    for (size_t i = 0; i < whole->count && r == 0; i++)
        r = seek_table_add(&frames, whole->entries[i].stored_size, whole->entries[i].content_size);
    if (r == 0 && ftruncate(fd, (off_t)whole->stored_size) < 0)
        r = -errno;
    if (r == 0)
        r = record_writer_resume(fd, &frames, &writer);
    if (r == 0)
        r = record_writer_finish(writer, outcome);
    return r < 0 ? error_errno(error, -r, "cannot finish the record") : 0;
}

static int prune_rescue(struct record *record, struct record_writer *writer, struct error *error)
{
    AUTO_BYTES struct bytes core = {0};
    int r = record_rescue(record, &core, error);
    if (r == -ENODATA)
        return 0;
    return r < 0 ? r : record_writer_rescue(writer, core.data, core.size);
}

int salvage_prune(struct record *record, int out, struct error *error)
{
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_METADATA struct metadata *outcome = metadata_new();

    if (!outcome)
        return error_errno(error, ENOMEM, "cannot prune the record");
    int r = record_writer_new(out, &writer);
    if (r == 0)
        r = record_writer_facts(writer, record_metadata(record));
    if (r == 0)
        r = prune_rescue(record, writer, NULL); /* a broken rescue core is no reason to keep bulk */
    if (r == -EBADMSG)
        r = 0;
    if (r == 0)
        r = metadata_set_text(outcome, KEY_STATE, record_state_name(RECORD_PRUNED));
    if (r == 0)
        r = record_writer_finish(writer, outcome);
    return r < 0 ? error_errno(error, -r, "cannot write the pruned record") : 0;
}

/* An import under way: the writer, and the core's first bytes, which say how long it should be. */
struct import {
    struct record_writer *writer;
    struct bytes prefix;
    uint64_t left;  /* of max_core, for what is decompressed */
    bool too_large; /* more came than that */
};

static int import_data(struct import *import, const void *data, size_t size)
{
    size_t room = CORE_EXTENT_PREFIX - import->prefix.size;
    bool first = import->prefix.size < SELFMAG && size > 0;
    int r = bytes_append(&import->prefix, data, size < room ? size : room);
    if (r == 0 && first && import->prefix.size >= SELFMAG &&
        memcmp(import->prefix.data, ELFMAG, SELFMAG) != 0)
        return -EBADMSG; /* not a core: said before the whole of it is read */
    return r < 0 ? r : record_writer_append(import->writer, data, size);
}

static int import_error(int r, struct error *error)
{
    return r == -EBADMSG ? error_set(error, EBADMSG, "not an ELF core")
                         : error_errno(error, -r, "cannot write the record");
}

static int import_plain(struct import *import, int in, const char *start, size_t size, char *buffer,
                        struct error *error)
{
    ssize_t n = (ssize_t)size;

    memcpy(buffer, start, size);
    while (n > 0) {
        int r = import_data(import, buffer, (size_t)n);
        if (r < 0)
            return import_error(r, error);
        n = io_read(in, buffer, FRAME_CONTENT_MAX);
    }
    return n < 0 ? error_errno(error, (int)-n, "cannot read the core") : 0;
}

/* Feeds compressed bytes through the decompressor. *ret_hint is 0 where a frame has ended. */
static int import_compressed_piece(struct import *import, ZSTD_DCtx *context, const char *data,
                                   size_t size, char *content, size_t *ret_hint,
                                   struct error *error)
{
    ZSTD_inBuffer in = {data, size, 0};
    bool full = false;

    while ((in.pos < in.size || full) && !import->too_large) {
        ZSTD_outBuffer out = {content, FRAME_CONTENT_MAX, 0};
        size_t r = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(r))
            return error_set(error, EBADMSG, "the compressed core is corrupt: %s",
                             ZSTD_getErrorName(r));
        *ret_hint = r;
        full = out.pos == out.size;
        import->too_large = out.pos > import->left;
        size_t taken = import->too_large ? (size_t)import->left : out.pos;
        import->left -= taken;
        int w = import_data(import, content, taken);
        if (w < 0)
            return import_error(w, error);
    }
    return 0;
}

static int import_compressed(struct import *import, int in, const char *start, size_t size,
                             char *buffer, struct error *error)
{
    AUTO_FREE char *content = malloc(FRAME_CONTENT_MAX);
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ssize_t n = (ssize_t)size;
    size_t hint = 1;
    int r = content && context ? 0 : error_errno(error, ENOMEM, "cannot decompress the core");

    memcpy(buffer, start, size);
    while (r == 0 && n > 0 && !import->too_large) {
        r = import_compressed_piece(import, context, buffer, (size_t)n, content, &hint, error);
        if (r == 0)
            n = io_read(in, buffer, FRAME_CONTENT_MAX);
    }
    ZSTD_freeDCtx(context);
    if (r == 0 && n < 0)
        return error_errno(error, (int)-n, "cannot read the core");
    return r; /* an unfinished last frame shows as a core shorter than it says */
}

/* Says in the outcome what came: full, or truncated where the core says that it is longer, or is
 * longer than it may be. */
static int import_outcome(const struct import *import, struct metadata *outcome,
                          struct error *error)
{
    uint64_t extent = 0, size = record_writer_content_size(import->writer);

    int r = core_extent(import->prefix.data, import->prefix.size, &extent);
    if (r == -EBADMSG)
        return error_set(error, EBADMSG, "not an ELF core");
    bool whole = r == 0 && size >= extent && !import->too_large;
    r = metadata_set_text(outcome, KEY_STATE,
                          record_state_name(whole ? RECORD_FULL : RECORD_TRUNCATED));
    if (r == 0)
        r = metadata_set_u64(outcome, KEY_CORE_SIZE, size > extent ? size : extent);
    if (r == 0)
        r = metadata_set_text(outcome, KEY_SOURCE, "import");
    if (r == 0 && !whole)
        r = metadata_set_text(outcome, KEY_REASON,
                              import->too_large ? SALVAGE_TOO_LARGE
                                                : "the imported core is cut short");
    return r < 0 ? error_errno(error, -r, "cannot hold the outcome") : 0;
}

int salvage_import(int in, int out, const struct metadata *facts, uint64_t max_core,
                   struct metadata *outcome, struct error *error)
{
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_FREE char *buffer = malloc(FRAME_CONTENT_MAX);
    char start[4];
    uint32_t magic = 0;

    if (!buffer)
        return error_errno(error, ENOMEM, "cannot import the core");
    ssize_t n = io_read(in, start, sizeof start);
    if (n < 0)
        return error_errno(error, (int)-n, "cannot read the core");
    memcpy(&magic, start, (size_t)n);
    magic = le32toh(magic);

    int r = record_writer_new(out, &writer);
    if (r == 0)
        r = record_writer_facts(writer, facts);
    if (r < 0)
        return error_errno(error, -r, "cannot write the record");
    struct import import = {.writer = writer, .left = max_core};
    bool compressed = magic == ZSTD_MAGICNUMBER || (magic & 0xfffffff0u) == FRAME_MAGIC_SKIPPABLE;
    r = (compressed ? import_compressed : import_plain)(&import, in, start, (size_t)n, buffer,
                                                        error);
    if (r == 0)
        r = import_outcome(&import, outcome, error);
    bytes_free(&import.prefix);
    if (r < 0)
        return r;
    r = record_writer_finish(writer, outcome);
    return r < 0 ? error_errno(error, -r, "cannot finish the record") : 0;
}
