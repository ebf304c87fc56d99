/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_file.c - cores that are in no store, and cores taken out of one. */
#include "cli/core_file.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <zstd.h>

#include "cli/temporary.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/config.h"
#include "store/core_compose.h"
#include "store/frame.h"

enum kind { KIND_OTHER, KIND_CORE, KIND_PROGRAM, KIND_RECORD, KIND_ZSTD };

enum {
    WINDOW_LOG_MAX = 27, /* as the zstd command: 128 MiB of memory */
    COPY_SIZE = 1 << 18,
};

/* e_type lies at the same place in both classes; its byte order is e_ident's. */
static bool is_core(const unsigned char *start)
{
    unsigned type = start[EI_DATA] == ELFDATA2MSB ? (unsigned)start[16] << 8 | start[17]
                                                  : (unsigned)start[17] << 8 | start[16];
    return type == ET_CORE;
}

static enum kind kind_of(const unsigned char *start, size_t size)
{
    enum { TYPE_END = 18 };
    uint32_t magic;
    if (size >= TYPE_END && memcmp(start, ELFMAG, SELFMAG) == 0)
        return is_core(start) ? KIND_CORE : KIND_PROGRAM;
    if (size >= 2 && start[0] == '#' && start[1] == '!')
        return KIND_PROGRAM;
    if (size < sizeof magic)
        return KIND_OTHER;
    memcpy(&magic, start, sizeof magic);
    magic = le32toh(magic);
    if ((magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START)
        return KIND_RECORD;
    return magic == ZSTD_MAGICNUMBER ? KIND_ZSTD : KIND_OTHER;
}

static enum kind kind_of_file(int fd)
{
    unsigned char start[64];
    ssize_t n = io_pread(fd, start, sizeof start, 0);
    return n < 0 ? KIND_OTHER : kind_of(start, (size_t)n);
}

bool core_file_is_meant(const char *word)
{
    struct stat st;
    if (strcmp(word, "-") == 0)
        return true;
    if (!strchr(word, '/'))
        return false;
    /* Not blocking: it may be a FIFO. What cannot be read is a file, too, and opening it says why.
     */
    AUTO_FD int fd = open(word, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == EACCES && access(word, X_OK) < 0;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && kind_of_file(fd) != KIND_PROGRAM;
}

uint64_t core_file_largest(void)
{
    AUTO_CONFIG struct config *config = NULL;
    return config_load(NULL, NULL, NULL, &config) < 0 ? 0
                                                      : config_settings(config)->capture.max_core;
}

/* Copies what comes from a pipe to a file: what cannot be one of ours not to its end, which it may
 * not have. */
static int spool(int in, struct error *error)
{
    AUTO_FREE char *buffer = malloc(COPY_SIZE);
    AUTO_TEMPORARY struct temporary out = {.fd = -1};
    ssize_t n;

    int r = temporary_start(&out, core_file_largest(), error);
    if (r < 0)
        return r;
    if (!buffer)
        return error_set(error, ENOMEM, "out of memory");
    while ((n = io_read(in, buffer, COPY_SIZE)) > 0) {
        enum kind kind = out.size == 0 ? kind_of((unsigned char *)buffer, (size_t)n) : KIND_CORE;
        if (kind == KIND_OTHER || kind == KIND_PROGRAM)
            return error_set(error, EBADMSG, "neither a core nor a record");
        r = temporary_append(&out, buffer, (size_t)n, error);
        if (r < 0)
            return r;
    }
    if (n < 0)
        return error_errno(error, (int)-n, "cannot read it");
    return temporary_finish(&out, error);
}

/* A decoder and the file it fills. */
struct decoder {
    ZSTD_DCtx *context;
    struct temporary out;
    char *buffer;
    size_t size;
};

/* One buffer of input through the decoder. */
static int decode(struct decoder *decoder, ZSTD_inBuffer *in, struct error *error)
{
    ZSTD_outBuffer got;
    do {
        got = (ZSTD_outBuffer){.dst = decoder->buffer, .size = decoder->size};
        size_t code = ZSTD_decompressStream(decoder->context, &got, in);
        if (ZSTD_isError(code))
            return error_set(error, EBADMSG, "damaged zstd data: %s", ZSTD_getErrorName(code));
        int r = temporary_append(&decoder->out, decoder->buffer, got.pos, error);
        if (r < 0)
            return r;
    } while (in->pos < in->size || got.pos == got.size); /* a full buffer: there may be more */
    return 0;
}

static int decode_file(struct decoder *decoder, int in, char *input, size_t size,
                       struct error *error)
{
    uint64_t offset = 0;
    ssize_t n;
    while ((n = io_pread(in, input, size, offset)) > 0) {
        ZSTD_inBuffer piece = {.src = input, .size = (size_t)n};
        int r = decode(decoder, &piece, error);
        if (r < 0)
            return r;
        offset += (uint64_t)n;
    }
    return n < 0 ? error_errno(error, (int)-n, "reading") : 0;
}

static void decoder_close(struct decoder *decoder)
{
    ZSTD_freeDCtx(decoder->context);
    temporary_cleanup(&decoder->out);
}
#define AUTO_DECODER CLEANUP(decoder_close)

/* What a zstd file holds, in a file of its own. A file that is cut short gives what is there. */
static int decompress(int in, struct error *error)
{
    size_t in_size = ZSTD_DStreamInSize(), out_size = ZSTD_DStreamOutSize();
    AUTO_FREE char *input = malloc(in_size), *output = malloc(out_size);
    AUTO_DECODER struct decoder decoder = {
        .context = ZSTD_createDCtx(), .out = {.fd = -1}, .buffer = output, .size = out_size};

    if (!input || !output || !decoder.context)
        return error_set(error, ENOMEM, "out of memory");
    (void)ZSTD_DCtx_setParameter(decoder.context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    int r = temporary_start(&decoder.out, core_file_largest(), error);
    if (r == 0)
        r = decode_file(&decoder, in, input, in_size, error);
    return r < 0 ? r : temporary_finish(&decoder.out, error);
}

/* A record is read as it is; other zstd files may begin with a skippable frame, too. */
static bool is_record(int fd)
{
    AUTO_RECORD struct record *record = NULL;
    return record_open(fd, &record, NULL) == 0;
}

/* One that has ends already: who opens a FIFO may wait for another, for ever. */
static bool is_pipe(int fd)
{
    struct statfs filesystem;
    return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == PIPEFS_MAGIC;
}

int core_file_open_input(const char *path, struct error *error)
{
    struct stat st;
    bool is_stdin = strcmp(path, "-") == 0;
    AUTO_FD int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                              : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(error, errno, "cannot open it");
    if (S_ISDIR(st.st_mode))
        return error_set(error, EISDIR, "is a directory");
    bool is_regular = S_ISREG(st.st_mode);
    if (!is_regular && !is_stdin && !is_pipe(fd))
        return error_set(error, EINVAL, "no regular file");
    if (is_regular ? lseek(fd, 0, SEEK_SET) < 0 : !is_stdin && fcntl(fd, F_SETFL, 0) < 0)
        return error_errno(error, errno, "cannot read it");
    return is_regular ? steal_fd(&fd) : spool(fd, error);
}

int core_file_open(const char *path, struct error *error)
{
    AUTO_FD int fd = core_file_open_input(path, error);
    if (fd < 0) {
        error_prefix(error, "%s", path);
        return fd;
    }

    enum kind kind = kind_of_file(fd);
    if (kind == KIND_CORE || (kind == KIND_RECORD && is_record(fd)))
        return steal_fd(&fd);
    if (kind != KIND_RECORD && kind != KIND_ZSTD)
        return error_set(error, EBADMSG, "%s: neither a core nor a record", path);

    AUTO_FD int plain = decompress(fd, error);
    if (plain < 0) {
        error_prefix(error, "%s", path);
        return plain;
    }
    if (kind_of_file(plain) != KIND_CORE)
        return error_set(error, EBADMSG, "%s: what it holds is no core", path);
    return steal_fd(&plain);
}

struct extraction {
    int fd;
    uint64_t size;
};

static int extract_piece(void *context, const void *data, size_t size)
{
    struct extraction *extraction = context;
    int r = data ? io_pwrite(extraction->fd, data, size, extraction->size) : 0;
    extraction->size += size;
    return r;
}

int core_file_extract(struct record *record, int fd, bool *ret_whole, struct error *error)
{
    struct extraction extraction = {.fd = fd};
    int r = core_compose(record, extract_piece, &extraction, ret_whole, error);
    if (r < 0)
        return r;
    if (ftruncate(fd, (off_t)extraction.size) < 0)
        return error_errno(error, errno, "%s", temporary_place());
    return 0;
}

int core_file_copy(int from, int to, struct error *error)
{
    AUTO_FREE char *buffer = malloc(COPY_SIZE);
    uint64_t offset = 0;
    ssize_t n;

    if (!buffer)
        return error_set(error, ENOMEM, "out of memory");
    while ((n = io_pread(from, buffer, COPY_SIZE, offset)) > 0) {
        int r = frame_is_zero(buffer, (size_t)n) ? 0 : io_pwrite(to, buffer, (size_t)n, offset);
        if (r < 0)
            return error_errno(error, -r, "%s", temporary_place());
        offset += (uint64_t)n;
    }
    if (n < 0)
        return error_errno(error, (int)-n, "reading");
    return ftruncate(to, (off_t)offset) < 0 ? error_errno(error, errno, "%s", temporary_place())
                                            : 0;
}
