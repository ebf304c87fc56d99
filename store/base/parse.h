/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.h - the one checked way from text to numbers.
 *
 * Every function takes the whole NUL-terminated text (blanks around it are allowed, nothing else)
 * and returns 0, -EINVAL (not such a value) or -ERANGE (too large); `ret` is untouched on failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An unsigned number in `base` 8, 10 or 16 (a leading 0x is allowed for 16), at most `max`. */
int parse_u64(const char *text, unsigned base, uint64_t max, uint64_t *ret);

/* Bytes: a number with an optional suffix K, M, G, T (powers of 1024; "KiB", "KB", "kib" too). */
int parse_size(const char *text, uint64_t *ret);

/* A time span in microseconds: "90", "90s", "5min", "2h 30min", "14d", "1w", "1y". Bare: seconds.
 */
int parse_span(const char *text, uint64_t *ret_us);

/* A percentage "15%", 0 to 100. */
int parse_percent(const char *text, unsigned *ret);

/* yes, no, true, false, on, off, 1, 0. */
int parse_bool(const char *text, bool *ret);
