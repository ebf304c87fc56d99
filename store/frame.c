/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.c - zstd frames: the pieces a record is made of. */
#include "store/frame.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

struct frame_compressor {
    ZSTD_CCtx *context;
};

int frame_compressor_new(int level, struct frame_compressor **ret)
{
    AUTO_COMPRESSOR struct frame_compressor *compressor = calloc(1, sizeof *compressor);
    if (!compressor)
        return -ENOMEM;
    compressor->context = ZSTD_createCCtx();
    if (!compressor->context ||
        ZSTD_isError(ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_checksumFlag, 1)))
        return -ENOMEM;
    frame_compressor_set_level(compressor, level);
    *ret = steal_pointer(&compressor);
    return 0;
}

void frame_compressor_free(struct frame_compressor *compressor)
{
    if (!compressor)
        return;
    ZSTD_freeCCtx(compressor->context);
    free(compressor);
}

void frame_compressor_set_level(struct frame_compressor *compressor, int level)
{
    /* Cannot fail: zstd clamps the level to what it has. */
    (void)ZSTD_CCtx_setParameter(compressor->context, ZSTD_c_compressionLevel, level);
}

size_t frame_bound(size_t size)
{
    return ZSTD_compressBound(size);
}

ssize_t frame_compress(struct frame_compressor *compressor, const void *data, size_t size,
                       void *frame, size_t capacity)
{
    size_t n = ZSTD_compress2(compressor->context, frame, capacity, data, size);
    return ZSTD_isError(n) ? -EIO : (ssize_t)n;
}

ssize_t frame_compress_zeros(struct frame_compressor *compressor, size_t size, void *frame,
                             size_t capacity)
{
    static const char zeros[FRAME_CONTENT_MAX];
    ZSTD_outBuffer out = {frame, capacity, 0};
    size_t left = size, r;

    if (ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(compressor->context, size)))
        return -EIO;
    do {
        size_t piece = left < sizeof zeros ? left : sizeof zeros;
        ZSTD_inBuffer in = {zeros, piece, 0};
        left -= piece;
        r = ZSTD_compressStream2(compressor->context, &out, &in,
                                 left > 0 ? ZSTD_e_continue : ZSTD_e_end);
    } while (!ZSTD_isError(r) && left > 0);
    if (ZSTD_isError(r) || r > 0) { /* an error, or no room for the rest */
        (void)ZSTD_CCtx_reset(compressor->context, ZSTD_reset_session_only);
        return -EIO;
    }
    return (ssize_t)out.pos;
}

bool frame_is_zero(const void *data, size_t size)
{
    const char *p = data;
    uint64_t words[8];

    /* Most data that is not zero says so early; then 64 bytes a step, which compilers vectorize. */
    while (size >= sizeof words) {
        memcpy(words, p, sizeof words);
        if (words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7])
            return false;
        p += sizeof words;
        size -= sizeof words;
    }
    while (size-- > 0)
        if (*p++)
            return false;
    return true;
}
