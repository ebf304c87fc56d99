/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lines.h - texts in columns for a pipe: whole, plain, and cheap by the thousand.
 *
 * Cells are put together row by row and printed in batches, so that a long table is never held. The
 * first batch decides how wide the columns are; a later one only widens them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "store/base/bytes.h"

struct line_column {
    const char *header; /* ASCII */
    size_t width;       /* at least */
    bool right;         /* aligned */
};

struct lines;

/* `legend`: with a line of headers. NULL without memory. Copies the columns, not their headers. */
struct lines *lines_new(const struct line_column *columns, size_t count, bool legend);
void lines_free(struct lines *lines);

/* A row is a text appended to lines_cell() and lines_next() for each of its columns. -ENOMEM; at
 * the end of a row -EPIPE, where nobody reads any more. */
struct bytes *lines_cell(struct lines *lines);
int lines_next(struct lines *lines);

/* Prints what is not printed yet; not in the middle of a row. */
int lines_flush(struct lines *lines);

CLEANUP_FUNCTION(struct lines, lines_free)
#define AUTO_LINES CLEANUP(lines_free_cleanup)
