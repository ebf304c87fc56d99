/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.c - a victim's bytes as text that is safe to show. */
#include "store/base/text.h"

#include <errno.h>
#include <string.h>

/* The length of the valid UTF-8 sequence at p (RFC 3629, table in section 4), 0 where there is
 * none. */
static size_t sequence_length(const unsigned char *p, size_t size, uint32_t *ret_code)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    if (p[0] < 0x80) {
        *ret_code = p[0];
        return 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
            continue;
        if (size < forms[i].length || p[1] < forms[i].second_low || p[1] > forms[i].second_high)
            return 0;
        uint32_t code = p[0] & (0x7fu >> forms[i].length);
        for (size_t k = 1; k < forms[i].length; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (p[k] & 0x3fu);
        }
        *ret_code = code;
        return forms[i].length;
    }
    return 0;
}

bool text_is_utf8(const void *data, size_t size)
{
    const unsigned char *p = data, *end = p + size;
    while (p < end) {
        uint32_t code;
        size_t n = sequence_length(p, (size_t)(end - p), &code);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

char *text_to_utf8(const void *data, size_t size)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    const unsigned char *p = data, *end = p + size;
    struct bytes out = {0};

    if (bytes_reserve(&out, size) < 0)
        return NULL;
    out.data[0] = '\0';
    while (p < end) {
        uint32_t code;
        size_t n = sequence_length(p, (size_t)(end - p), &code);
        bool good = n > 0 && code != 0;
        if (bytes_append(&out, good ? (const char *)p : replacement, good ? n : 3) < 0) {
            bytes_free(&out);
            return NULL;
        }
        p += n > 0 ? n : 1;
    }
    return out.data;
}

/* Characters that move the cursor, end the line or turn the direction of what follows. */
static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static int append_escaped(struct bytes *out, const unsigned char *p, size_t n)
{
    if (n == 1 && *p == '\n')
        return bytes_append_text(out, "\\n");
    if (n == 1 && *p == '\t')
        return bytes_append_text(out, "\\t");
    for (size_t i = 0; i < n; i++)
        if (bytes_printf(out, "\\x%02x", p[i]) < 0)
            return -1;
    return 0;
}

/* The number of leading bytes that are shown as they are: printable ASCII. */
static size_t plain_length(const unsigned char *p, size_t size)
{
    size_t n = 0;
    for (uint64_t eight; size - n >= sizeof eight; n += sizeof eight) {
        memcpy(&eight, p + n, sizeof eight);
        if (text_unusual(eight))
            break;
    }
    while (n < size && p[n] >= 0x20 && p[n] < 0x7f)
        n++;
    return n;
}

int text_append_printable(struct bytes *ret, const void *data, size_t size)
{
    const unsigned char *p = data, *end = p + size;

    do {
        size_t n = plain_length(p, (size_t)(end - p));
        int r = bytes_append(ret, p, n);
        p += n;
        if (r == 0 && p < end) {
            uint32_t code = 0;
            size_t length = sequence_length(p, (size_t)(end - p), &code);
            n = length > 0 ? length : 1;
            r = length > 0 && !is_unsafe(code) ? bytes_append(ret, p, n)
                                               : append_escaped(ret, p, n);
            p += n;
        }
        if (r < 0)
            return -ENOMEM;
    } while (p < end);
    return 0;
}

char *text_printable(const void *data, size_t size)
{
    struct bytes out = {0};

    if (bytes_reserve(&out, size) < 0 || text_append_printable(&out, data, size) < 0) {
        bytes_free(&out);
        return NULL;
    }
    return out.data;
}

size_t text_number(char ret[static TEXT_NUMBER_SIZE], int64_t value)
{
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t size = 1 + (value < 0);

    for (uint64_t rest = left / 10; rest > 0; rest /= 10)
        size++;
    char *to = ret + size;
    do
        *--to = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (value < 0)
        *--to = '-';
    return size;
}

void text_hex(const void *data, size_t size, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;

    for (size_t i = 0; i < size; i++) {
        *ret++ = digits[p[i] >> 4];
        *ret++ = digits[p[i] & 15];
    }
    *ret = '\0';
}
