/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lines.c - texts in columns for a pipe. */
#include "cli/lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "store/base/cleanup.h"

enum { LINES_BATCH = 1000 };

struct cell {
    size_t size;  /* bytes */
    size_t width; /* characters on a screen */
};

struct lines {
    struct line_column *columns;
    size_t count;
    bool legend;
    struct bytes text;  /* of all cells of the batch, one behind the other */
    struct cell *cells; /* LINES_BATCH rows of them */
    size_t n_cells;
    size_t start; /* in text, of the cell that is being made */
    struct bytes out;
};

struct lines *lines_new(const struct line_column *columns, size_t count, bool legend)
{
    AUTO_LINES struct lines *lines = calloc(1, sizeof *lines);

    if (!lines)
        return NULL;
    lines->columns = calloc(count, sizeof *columns);
    lines->cells = calloc(count * LINES_BATCH, sizeof *lines->cells);
    if (!lines->columns || !lines->cells)
        return NULL;
    lines->count = count;
    lines->legend = legend;
    for (size_t i = 0; i < count; i++) {
        size_t width = strlen(columns[i].header);
        lines->columns[i] = columns[i];
        if (width > lines->columns[i].width)
            lines->columns[i].width = width;
    }
    return steal_pointer(&lines);
}

void lines_free(struct lines *lines)
{
    if (!lines)
        return;
    bytes_free(&lines->text);
    bytes_free(&lines->out);
    free(lines->columns);
    free(lines->cells);
    free(lines);
}

static bool is_ascii(const char *text, size_t size)
{
    uint64_t all = 0, eight = 0;

    for (; size >= sizeof eight; size -= sizeof eight, text += sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        all |= eight;
    }
    eight = 0;
    memcpy(&eight, text, size);
    return ((all | eight) & UINT64_C(0x8080808080808080)) == 0;
}

/* How many characters of the screen a printable text takes. */
static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;
    mbstate_t state = {0};

    if (is_ascii(text, size))
        return size;
    while (size > 0) {
        wchar_t character;
        size_t n = mbrtowc(&character, text, size, &state);
        if (n == 0 || n > size) { /* in a locale that isn't UTF-8's */
            state = (mbstate_t){0};
            n = 1;
        } else if (wcwidth(character) > 0) {
            width += (size_t)wcwidth(character);
        }
        text += n;
        size -= n;
    }
    return width;
}

struct bytes *lines_cell(struct lines *lines)
{
    return &lines->text;
}

int lines_next(struct lines *lines)
{
    struct line_column *column = &lines->columns[lines->n_cells % lines->count];
    size_t size = lines->text.size - lines->start;
    size_t width = size > 0 ? width_of(lines->text.data + lines->start, size) : 0;

    lines->cells[lines->n_cells++] = (struct cell){.size = size, .width = width};
    lines->start = lines->text.size;
    if (width > column->width)
        column->width = width;
    return lines->n_cells < lines->count * LINES_BATCH ? 0 : lines_flush(lines);
}

static char *put_blanks(char *to, size_t count)
{
    memset(to, ' ', count);
    return to + count;
}

/* The room that a cell has, filled; and a blank behind it. The last one of a line has no end. */
static void put(struct bytes *out, const struct line_column *column, const char *text,
                const struct cell *cell, bool last)
{
    size_t blanks = column->width > cell->width ? column->width - cell->width : 0;
    char *to = out->data + out->size;

    if (column->right)
        to = put_blanks(to, blanks);
    to = mempcpy(to, text, cell->size);
    if (!column->right && !last)
        to = put_blanks(to, blanks);
    *to++ = last ? '\n' : ' ';
    out->size = (size_t)(to - out->data);
}

static size_t line_size(const struct lines *lines)
{
    size_t size = 0;
    for (size_t i = 0; i < lines->count; i++)
        size += lines->columns[i].width + 1;
    return size;
}

static void put_header(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        const char *header = lines->columns[i].header;
        const struct cell cell = {.size = strlen(header), .width = strlen(header)};
        put(&lines->out, &lines->columns[i], header, &cell, i + 1 == lines->count);
    }
}

int lines_flush(struct lines *lines)
{
    const char *text = lines->text.data;
    size_t n_lines = lines->n_cells / lines->count + lines->legend;

    if (lines->n_cells == 0)
        return 0;
    /* Enough for all: what a cell has in bytes, and its column in blanks. */
    if (bytes_reserve(&lines->out, lines->text.size + n_lines * line_size(lines)) < 0)
        return -ENOMEM;
    if (lines->legend)
        put_header(lines);
    for (size_t i = 0; i < lines->n_cells; i++) {
        size_t column = i % lines->count;
        put(&lines->out, &lines->columns[column], text, &lines->cells[i],
            column + 1 == lines->count);
        text += lines->cells[i].size;
    }
    size_t written = fwrite(lines->out.data, 1, lines->out.size, stdout);
    bool whole = written == lines->out.size;
    bytes_clear(&lines->out);
    bytes_clear(&lines->text);
    lines->start = lines->n_cells = 0;
    lines->legend = false;
    return whole && !ferror(stdout) ? 0 : -EPIPE;
}
