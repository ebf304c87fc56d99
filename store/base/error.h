/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.h - what went wrong, in words: an errno and a message that names the thing it happened to.
 *
 * Library functions return 0 or a negative errno. Those that can say more take a `struct error *`
 * (may be NULL) and fill it where the facts are known; callers add context on the way out with
 * error_prefix(). Only a program's own layer prints.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>

struct error {
    int code;       /* a positive errno, 0 while nothing failed */
    char text[512]; /* UTF-8 or raw bytes of paths, always NUL-terminated, cut where it is too long
                     */
};

/* What failed returns less than 0, even where nothing set errno: callers rely on it, and so do the
 * analyzers of `make lint`. */
static inline int error_negative(int r)
{
    return r < 0 ? r : -EIO;
}

/* Sets the message. Returns -code, so that `return error_set(...)` ends a function. */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define error_set(...) error_negative(error_set(__VA_ARGS__))

/* As error_set(), with ": " and the text of `code` (strerror) behind the message. */
int error_errno(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define error_errno(...) error_negative(error_errno(__VA_ARGS__))

/* Puts the formatted context and ": " in front of the message that is there. */
void error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
