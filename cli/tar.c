/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tar.c - writes a tar archive, compressed with zstd. */
#include "cli/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "store/base/io.h"

enum { BLOCK = 512, ZSTD_LEVEL = 3, COPY_SIZE = 1 << 18 };

/* POSIX.1-2017, pax: ustar interchange format. */
struct header {
    char name[TAR_NAME_MAX];
    char mode[8], uid[8], gid[8];
    char size[12], mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6], version[2];
    char user[32], group[32];
    char major[8], minor[8];
    char prefix[TAR_PREFIX_MAX], padding[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

struct tar {
    int fd;
    time_t time;
    ZSTD_CCtx *context;
    uint64_t left; /* of the member's content */
    unsigned pad;  /* zeros behind it */
    void *buffer;
    size_t buffer_size;
};

int tar_open(int fd, time_t time, struct tar **ret, struct error *error)
{
    AUTO_TAR struct tar *tar = calloc(1, sizeof(*tar));
    if (tar) {
        tar->fd = fd;
        tar->time = time;
        tar->context = ZSTD_createCCtx();
        tar->buffer_size = ZSTD_CStreamOutSize();
        tar->buffer = malloc(tar->buffer_size);
    }
    if (!tar || !tar->context || !tar->buffer)
        return error_set(error, ENOMEM, "out of memory");
    (void)ZSTD_CCtx_setParameter(tar->context, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    (void)ZSTD_CCtx_setParameter(tar->context, ZSTD_c_checksumFlag, 1);
    *ret = steal_pointer(&tar);
    return 0;
}

void tar_free(struct tar *tar)
{
    if (!tar)
        return;
    ZSTD_freeCCtx(tar->context);
    free(tar->buffer);
    free(tar);
}

static int compress(struct tar *tar, const void *data, size_t size, ZSTD_EndDirective end,
                    struct error *error)
{
    ZSTD_inBuffer in = {.src = data, .size = size};
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = tar->buffer, .size = tar->buffer_size};
        left = ZSTD_compressStream2(tar->context, &out, &in, end);
        if (ZSTD_isError(left))
            return error_set(error, EIO, "compression: %s", ZSTD_getErrorName(left));
        int r = io_write(tar->fd, tar->buffer, out.pos);
        if (r < 0)
            return error_errno(error, -r, "writing the archive");
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return 0;
}

/* Octal digits that fill a field but for its NUL. */
static void put_octal(char *field, size_t size, uint64_t value)
{
    field[--size] = '\0';
    while (size > 0) {
        field[--size] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

/* GNU: the first bit set, the number in the last eight of the eleven bytes behind it. */
static void put_size(char field[static 12], uint64_t size)
{
    enum { OCTAL_BITS = 33 };
    if (size >> OCTAL_BITS == 0) {
        put_octal(field, 12, size);
        return;
    }
    memset(field, 0, 12);
    field[0] = (char)0x80;
    for (int i = 11; i > 3; i--, size >>= 8)
        field[i] = (char)size;
}

/* Where the name starts behind its prefix: 0 without one, SIZE_MAX where it cannot be split. */
static size_t split_name(const char *name)
{
    size_t size = strlen(name);
    if (size <= TAR_NAME_MAX)
        return 0;
    for (size_t i = size - TAR_NAME_MAX - 1; i < size - 1 && i <= TAR_PREFIX_MAX; i++)
        if (name[i] == '/')
            return i + 1;
    return SIZE_MAX;
}

static unsigned checksum(const struct header *header)
{
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(*header); i++)
        sum += ((const unsigned char *)header)[i];
    return sum;
}

/* `link` NULL: a regular file. */
static int put_header(struct tar *tar, const char *name, unsigned mode, uint64_t size,
                      const char *link, struct error *error)
{
    struct header header = {.type = link ? '2' : '0'};
    size_t at = split_name(name);

    if (at == SIZE_MAX || (link && strlen(link) > sizeof header.link))
        return error_set(error, ENAMETOOLONG, "%s: too long for an archive", name);
    memcpy(header.name, name + at, strlen(name + at));
    memcpy(header.prefix, name, at > 0 ? at - 1 : 0);
    memcpy(header.link, link ? link : "", link ? strlen(link) : 0);
    put_octal(header.mode, sizeof header.mode, mode);
    put_octal(header.uid, sizeof header.uid, 0);
    put_octal(header.gid, sizeof header.gid, 0);
    put_size(header.size, size);
    put_octal(header.mtime, sizeof header.mtime, (uint64_t)tar->time);
    memcpy(header.magic, "ustar", 6);
    memcpy(header.version, "00", 2);
    memcpy(header.user, "root", 4);
    memcpy(header.group, "root", 4);
    memset(header.checksum, ' ', sizeof header.checksum);
    put_octal(header.checksum, 7, checksum(&header)); /* six digits, a NUL; the blank stays */
    tar->left = size;
    tar->pad = (unsigned)((BLOCK - size % BLOCK) % BLOCK);
    return compress(tar, &header, sizeof header, ZSTD_e_continue, error);
}

int tar_member(struct tar *tar, const char *name, unsigned mode, uint64_t size, struct error *error)
{
    return put_header(tar, name, mode, size, NULL, error);
}

int tar_add_link(struct tar *tar, const char *name, const char *target, struct error *error)
{
    return put_header(tar, name, 0777, 0, target, error);
}

int tar_write(struct tar *tar, const void *data, size_t size, struct error *error)
{
    static const char zeros[BLOCK];
    if (size > tar->left)
        return error_set(error, EIO, "a file grew while it was archived");
    int r = compress(tar, data, size, ZSTD_e_continue, error);
    tar->left -= size;
    if (r < 0 || tar->left > 0 || tar->pad == 0)
        return r;
    r = compress(tar, zeros, tar->pad, ZSTD_e_continue, error);
    tar->pad = 0;
    return r;
}

int tar_add(struct tar *tar, const char *name, unsigned mode, const void *data, size_t size,
            struct error *error)
{
    int r = tar_member(tar, name, mode, size, error);
    return r < 0 ? r : tar_write(tar, data, size, error);
}

int tar_add_file(struct tar *tar, const char *name, unsigned mode, int fd, struct error *error)
{
    AUTO_FREE char *buffer = malloc(COPY_SIZE);
    struct stat st;

    if (!buffer)
        return error_set(error, ENOMEM, "out of memory");
    if (fstat(fd, &st) < 0)
        return error_errno(error, errno, "%s", name);
    uint64_t size = (uint64_t)st.st_size, offset = 0;
    int r = tar_member(tar, name, mode, size, error);
    while (r == 0 && offset < size) {
        size_t wanted = size - offset < COPY_SIZE ? (size_t)(size - offset) : COPY_SIZE;
        ssize_t n = io_pread(fd, buffer, wanted, offset);
        if (n <= 0)
            return error_errno(error, n < 0 ? (int)-n : EIO, "%s", name);
        r = tar_write(tar, buffer, (size_t)n, error);
        offset += (uint64_t)n;
    }
    return r;
}

int tar_finish(struct tar *tar, struct error *error)
{
    static const char end[2 * BLOCK];
    if (tar->left > 0)
        return error_set(error, EIO, "a member of the archive is not whole");
    return compress(tar, end, sizeof end, ZSTD_e_end, error);
}
