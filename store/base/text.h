/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - a victim's bytes as text that is safe to show.
 *
 * Names, command lines and symbols are the victim's choice: any byte may stand in them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"

/* True where the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool text_is_utf8(const void *data, size_t size);

/* A new string in UTF-8: each byte that is not part of a valid sequence, and each NUL, becomes
 * U+FFFD. NULL without memory. The caller frees it. */
char *text_to_utf8(const void *data, size_t size);

/* A new string for a terminal or a log line: control characters (C0, DEL, C1 and the Unicode
 * line and direction controls) are written as \n, \t or \xNN, invalid bytes as \xNN; a backslash
 * stays. NULL without memory. The caller frees it. */
char *text_printable(const void *data, size_t size);

/* Likewise, behind what `ret` has. 0 or -ENOMEM. */
int text_append_printable(struct bytes *ret, const void *data, size_t size);

/* Eight characters at once, as they lie in memory: 0 where all are printable ASCII. The bits that
 * are set otherwise stand in some of the bytes, and in the first one that is not. */
#define TEXT_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
static inline uint64_t text_unusual(uint64_t eight)
{
    return ((eight - TEXT_EACH_BYTE(0x20)) | eight | (eight + TEXT_EACH_BYTE(1))) &
           TEXT_EACH_BYTE(0x80);
}

/* Writes a number's decimal digits, and no NUL; returns how many characters that are. */
enum { TEXT_NUMBER_SIZE = 20 };
size_t text_number(char ret[static TEXT_NUMBER_SIZE], int64_t value);

/* Two lower-case digits a byte, as build-ids and hashes are written. `ret` has room for 2 * size
 * digits and the NUL. */
void text_hex(const void *data, size_t size, char *ret);
