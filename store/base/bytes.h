/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h - a growable run of bytes that may hold NULs and is always followed by one.
 *
 * Start from `{0}`. `data` is NULL while nothing was added. Appending returns 0 or -ENOMEM; after
 * a failure the old content still stands.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "store/base/cleanup.h"

struct bytes {
    char *data;
    size_t size;     /* bytes in use, without the NUL behind them */
    size_t capacity; /* bytes allocated */
};

int bytes_reserve(struct bytes *bytes, size_t extra); /* room for `extra` more bytes and the NUL */
int bytes_append(struct bytes *bytes, const void *data, size_t size);
int bytes_append_text(struct bytes *bytes, const char *text);
int bytes_printf(struct bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void bytes_clear(struct bytes *bytes); /* forgets the content, keeps the memory */
void bytes_free(struct bytes *bytes);  /* frees the memory; ready for use again */

#define AUTO_BYTES CLEANUP(bytes_free)
