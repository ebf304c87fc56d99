/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * terminal.h - what stdout is, and how a victim's bytes get there safely.
 *
 * A terminal gets colour, a pager and human units; a pipe gets the same text without colour.
 * NO_COLOR (no-color.org), TERM=dumb and COLUMNS are honoured. Every string that a victim may have
 * chosen goes through print_text(): control characters never reach a terminal raw.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/command.h"
#include "store/when.h"

/* What a text means, not how it looks. */
enum style {
    STYLE_PLAIN,
    STYLE_HEADING, /* labels and titles */
    STYLE_STRONG,  /* the thing itself: a function, a reason */
    STYLE_DIM,     /* there for completeness */
    STYLE_BAD,     /* what is lost or wrong */
    STYLE_WARN,    /* what is not whole */
    STYLE_GOOD,
    STYLE_PLACE, /* file and line */
    STYLE_COUNT_,
};

/* Whether stdout is (or was, before a pager) a terminal, and takes colour; how wide it is (0: a
 * pipe, without bounds). */
bool terminal_is_one(void);
bool terminal_has_colour(void);
unsigned terminal_width(void);

/* The escape sequences of a style, "" without colour. */
const char *style_on(enum style style);
const char *style_off(enum style style);

/* Print bytes printably (store/base/text.h), and the same in a style. NULL prints nothing. */
void print_text(FILE *out, const char *text);
void print_bytes(FILE *out, const void *data, size_t size);
void print_styled(FILE *out, enum style style, const char *text);

/* "3.2M", as in tables. `ret` is returned. */
char *human_size(char ret[static 16], uint64_t bytes);
/* when_local_short(). */
char *human_time(char ret[static WHEN_LOCAL_SIZE], int64_t time_us);
/* "3 min ago", "in 2 h", from now. */
char *human_age(char ret[static 32], int64_t time_us);
/* "1.2 ms", "3 min": a span of microseconds. */
char *human_span(char ret[static 32], uint64_t us);
