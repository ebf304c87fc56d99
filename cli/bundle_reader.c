/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bundle_reader.c - what a bundle holds. */
#include "cli/bundle_reader.h"

#include <elf.h>
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
    RECORD_EXTRA = 256 * 1024 * 1024, /* facts, a rescue core, its frames' own bytes */
    REPORT_MAX = 64 * 1024 * 1024,
    MODULE_MAX = 256 * 1024 * 1024,
    MODULES_MAX = 1024 * 1024 * 1024, /* bytes of all of them */
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
                return error_set(error, EBADMSG, "the bundle ends too early");
            archive->in = (ZSTD_inBuffer){archive->input, (size_t)n, 0};
            archive->offset += (uint64_t)n;
        }
        size_t r = ZSTD_decompressStream(archive->context, &out, &archive->in);
        if (ZSTD_isError(r))
            return error_set(error, EBADMSG, "the bundle is damaged: %s", ZSTD_getErrorName(r));
    }
    return 0;
}

/* Passes `size` bytes on to `out` (NULL: nowhere). */
static int archive_copy(struct archive *archive, uint64_t size, struct temporary *out,
                        struct error *error)
{
    AUTO_FREE char *buffer = malloc(INPUT_SIZE);

    if (!buffer)
        return error_set(error, ENOMEM, "out of memory");
    while (size > 0) {
        size_t n = size < INPUT_SIZE ? (size_t)size : INPUT_SIZE;
        int r = archive_read(archive, buffer, n, error);
        if (r < 0)
            return r;
        r = out ? temporary_append(out, buffer, n, error) : 0;
        if (r < 0)
            return r;
        size -= n;
    }
    return 0;
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

/* A member, and its first bytes. */
struct member {
    unsigned char header[BLOCK];
    uint64_t size;
    unsigned char head[sizeof(Elf32_Ehdr)];
    size_t head_size;
};

static bool is_regular(const struct member *member)
{
    return member->header[TYPE_AT] == '0' || member->header[TYPE_AT] == '\0';
}

/* True where the last component of its name is an id and this suffix. */
static bool is_named(const struct member *member, const char *suffix)
{
    char name[NAME_SIZE + 1], id[LAYOUT_ID_SIZE];
    memcpy(name, member->header, NAME_SIZE);
    name[NAME_SIZE] = '\0';
    const char *slash = strrchr(name, '/');
    return layout_id_from_name(slash ? slash + 1 : name, suffix, id);
}

static bool is_module(const struct member *member)
{
    const unsigned char *head = member->head;
    if (member->head_size < sizeof member->head || memcmp(head, ELFMAG, SELFMAG) != 0)
        return false;
    bool is_big = head[EI_DATA] == ELFDATA2MSB;
    unsigned type = head[EI_NIDENT + is_big] | (unsigned)head[EI_NIDENT + !is_big] << 8;
    return type == ET_EXEC || type == ET_DYN;
}

/* What is still to be found. */
struct search {
    const struct bundle_handler *handler;
    bool has_record, has_report;
    uint64_t modules; /* bytes */
};

/* Who takes the member; NULL: nobody. */
static bundle_function *choose(struct search *search, const struct member *member)
{
    if (!is_regular(member))
        return NULL;
    if (!search->has_record) {
        search->has_record = is_named(member, LAYOUT_RECORD_SUFFIX);
        return search->has_record ? search->handler->record : NULL;
    }
    if (!search->has_report && member->size <= REPORT_MAX &&
        is_named(member, LAYOUT_REPORT_SUFFIX)) {
        search->has_report = true;
        return search->handler->report;
    }
    if (!is_module(member) || member->size > MODULE_MAX ||
        member->size > MODULES_MAX - search->modules)
        return NULL;
    search->modules += member->size;
    return search->handler->module;
}

/* No other member that is taken is as large. */
static uint64_t largest_member(const struct bundle_handler *handler)
{
    return handler->max_core < UINT64_MAX - RECORD_EXTRA ? handler->max_core + RECORD_EXTRA
                                                         : UINT64_MAX;
}

/* Of the member, whose first bytes are read, a file. A descriptor or a negative errno. */
static int extract_member(struct archive *archive, const struct member *member, uint64_t limit,
                          struct error *error)
{
    AUTO_TEMPORARY struct temporary out = {.fd = -1};
    int r = temporary_start(&out, limit, error);
    if (r == 0)
        r = temporary_expect(&out, member->size, error);
    if (r == 0)
        r = temporary_append(&out, member->head, member->head_size, error);
    if (r == 0)
        r = archive_copy(archive, member->size - member->head_size, &out, error);
    return r < 0 ? r : temporary_finish(&out, error);
}

static int read_member(struct archive *archive, struct search *search, struct member *member,
                       struct error *error)
{
    char padding[BLOCK];

    member->size = member_size(member->header + SIZE_AT);
    member->head_size =
        member->size < sizeof member->head ? (size_t)member->size : sizeof member->head;
    int r = archive_read(archive, member->head, member->head_size, error);
    if (r < 0)
        return r;
    bundle_function *take = choose(search, member);
    AUTO_FD int fd = -1;
    if (take)
        r = fd = extract_member(archive, member, largest_member(search->handler), error);
    else
        r = archive_copy(archive, member->size - member->head_size, NULL, error);
    if (r >= 0)
        r = archive_read(archive, padding, (size_t)(-member->size & (BLOCK - 1)), error);
    return r == 0 && take ? take(search->handler->context, fd, error) : r;
}

static int read_members(struct archive *archive, const struct bundle_handler *handler,
                        struct error *error)
{
    struct search search = {.handler = handler};
    struct member member;
    int r = 0;

    for (unsigned i = 0; i < MEMBERS_MAX && r == 0; i++) {
        r = archive_read(archive, member.header, BLOCK, error);
        if (r == 0 && !bundle_is_meant(member.header, BLOCK))
            break; /* the end: two blocks of zeros */
        if (r == 0)
            r = read_member(archive, &search, &member, error);
    }
    if (r == 0 && !search.has_record)
        r = error_set(error, EBADMSG, "the bundle has no record");
    return r;
}

int bundle_read(int fd, const struct bundle_handler *handler, struct error *error)
{
    AUTO_FREE char *input = malloc(INPUT_SIZE);
    struct archive archive = {.fd = fd, .context = ZSTD_createDCtx(), .input = input};

    int r = input && archive.context ? read_members(&archive, handler, error)
                                     : error_set(error, ENOMEM, "out of memory");
    ZSTD_freeDCtx(archive.context);
    return r;
}
