/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bytes.c - a growable run of bytes. */
#include "store/base/bytes.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int bytes_reserve(struct bytes *bytes, size_t extra)
{
    if (extra >= SIZE_MAX / 2 - bytes->size)
        return -ENOMEM;

    size_t needed = bytes->size + extra + 1;
    if (needed <= bytes->capacity)
        return 0;

    size_t capacity = bytes->capacity + bytes->capacity / 2;
    if (capacity < needed)
        capacity = needed < 64 ? 64 : needed;
    char *data = realloc(bytes->data, capacity);
    if (!data)
        return -ENOMEM;
    bytes->data = data;
    bytes->capacity = capacity;
    bytes->data[bytes->size] = '\0'; /* an empty file that is read into it ends here */
    return 0;
}

int bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    int r = bytes_reserve(bytes, size);
    if (r < 0)
        return r;
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    bytes->data[bytes->size] = '\0';
    return 0;
}

int bytes_append_text(struct bytes *bytes, const char *text)
{
    return bytes_append(bytes, text, strlen(text));
}

int bytes_printf(struct bytes *bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (n < 0)
        return -EINVAL;

    int r = bytes_reserve(bytes, (size_t)n);
    if (r < 0)
        return r;
    va_start(arguments, format);
    vsnprintf(bytes->data + bytes->size, (size_t)n + 1, format, arguments);
    va_end(arguments);
    bytes->size += (size_t)n;
    return 0;
}

void bytes_clear(struct bytes *bytes)
{
    bytes->size = 0;
    if (bytes->data)
        bytes->data[0] = '\0';
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}
