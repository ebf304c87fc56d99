/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - where the bytes of a core come from: what source_pipe and source_memory have in
 * common.
 *
 * A source yields the content of one core in order, chunk by chunk, to take.c, which owns the
 * threads and buffers:
 *
 *   next()   says what the next chunk is. Never by two threads at once. A `parallel` source only
 *            counts here, and does not wait for anything.
 *   fill()   copies its bytes. Of a `parallel` source in several threads at once, for different
 *            chunks, and while another thread is in next(). Otherwise before the following next().
 *   settle() after the last fill, before the release: the final proof of life.
 *
 * The victim may be let go when next() has said the end, every fill() has returned and settle()
 * agreed. No call may block for ever but in a read of the victim's memory; the pipe is O_NONBLOCK.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/frame.h"
#include "store/metadata.h"

struct chunk {
    uint64_t offset;     /* where in the content it starts */
    uint64_t size;       /* 1 to FRAME_CONTENT_MAX; of zeros as much as it likes */
    bool zeros;          /* never touched: nothing to fill, no buffer is spent on it */
    unsigned char *data; /* room for FRAME_CONTENT_MAX bytes; set by take.c before fill() */
    uint64_t cookie[2];  /* the source's own: where in its plan the chunk begins */
};

struct source;

struct source_methods {
    const char *name; /* for KEY_SOURCE */
    bool parallel;

    /* 1: *ret has offset, size, zeros, cookie. 0: there is no more. Negative errno: failed. */
    int (*next)(struct source *source, struct chunk *ret);

    /* 0: filled; `chunk->size` may have been lowered where the source ended (0: nothing came).
     * -ESTALE: the bytes cannot be trusted (proof of life failed); -ETIMEDOUT; other errno. */
    int (*fill)(struct source *source, struct chunk *chunk);

    /* 0, or -ESTALE where what was filled last cannot be trusted. May be NULL. */
    int (*settle)(struct source *source);

    /* Content bytes in all, which is less than KEY_CORE_SIZE in layout `sparse`; NULL: the core's.
     */
    uint64_t (*size)(const struct source *source);

    /* Content bytes that will have to be copied, for max_core and the buffer; 0 unknown. */
    uint64_t (*cost)(const struct source *source);

    /* Adds to the outcome: KEY_LAYOUT, KEY_CORE_SIZE, KEY_LEFT_OUT, KEY_REASON. */
    int (*outcome)(const struct source *source, struct metadata *ret);

    void (*free)(struct source *source);
};

/* Embedded as the first member of each source's own struct. */
struct source {
    const struct source_methods *methods;
};

static inline void source_free(struct source *source)
{
    if (source)
        source->methods->free(source);
}

CLEANUP_FUNCTION(struct source, source_free)
#define AUTO_SOURCE CLEANUP(source_free_cleanup)
