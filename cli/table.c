/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table.c - crashes as lines of a table. */
#include "cli/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"

enum { TABLE_BATCH = 1000 };

struct table {
    const struct column *const *columns;
    size_t count;
    struct lines *lines; /* elsewhere than on a terminal; there it is: */
    bool legend;
    double *widths; /* of the batches so far */
    struct libscols_table *batch;
    size_t n_lines;
};

/* ---- for a pipe ---- */

static bool is_right(const struct column *column)
{
    return column->kind == COLUMN_INTEGER || column->kind == COLUMN_SIZE;
}

static struct lines *make_lines(const struct column *const *columns, size_t count, bool legend)
{
    AUTO_FREE struct line_column *as_lines = calloc(count, sizeof *as_lines);

    for (size_t i = 0; as_lines && i < count; i++)
        as_lines[i] = (struct line_column){
            .header = columns[i]->header,
            .width = columns[i]->width < 1 ? 0 : (size_t)columns[i]->width,
            .right = is_right(columns[i]),
        };
    return as_lines ? lines_new(as_lines, count, legend) : NULL;
}

static int add_to_lines(struct table *table, struct store *store, const struct crash_row *row)
{
    int r = 0;

    for (size_t i = 0; i < table->count && r == 0; i++) {
        struct column_value value = column_value(table->columns[i], store, row);
        r = column_append(table->columns[i], &value, false, lines_cell(table->lines));
        if (r == 0)
            r = lines_next(table->lines);
    }
    return r;
}

/* ---- for a terminal ---- */

static int column_flags(const struct column *column)
{
    if (is_right(column))
        return SCOLS_FL_RIGHT;
    return column->width < 1 ? SCOLS_FL_TRUNC : 0;
}

static int add_column(struct table *table, size_t i)
{
    const struct column *column = table->columns[i];
    double width = column->width;

    if (table->widths[i] > 0 && width >= 1)
        width = table->widths[i];
    struct libscols_column *made =
        scols_table_new_column(table->batch, column->header, width, column_flags(column));
    if (!made)
        return -ENOMEM;
    if (terminal_has_colour())
        (void)scols_cell_set_color(scols_column_get_header(made), "bold");
    return 0;
}

static int begin_batch(struct table *table)
{
    table->batch = scols_new_table();
    if (!table->batch)
        return -ENOMEM;
    scols_table_enable_noencoding(table->batch, 1); /* column_append() made it printable already */
    scols_table_enable_colors(table->batch, terminal_has_colour());
    scols_table_enable_noheadings(table->batch, !table->legend);
    scols_table_set_termforce(table->batch, SCOLS_TERMFORCE_ALWAYS);
    scols_table_set_termwidth(table->batch, terminal_width());
    for (size_t i = 0; i < table->count; i++)
        if (add_column(table, i) < 0)
            return -ENOMEM;
    return 0;
}

/* The colour of a cell: what is not whole is seen at once. */
static const char *cell_colour(const struct column *column, const struct column_value *value)
{
    static const struct {
        enum record_state state;
        const char *colour;
    } states[] = {
        {RECORD_MISSING, "red"},     {RECORD_TRUNCATED, "yellow"}, {RECORD_CAPTURING, "cyan"},
        {RECORD_PRUNED, "darkgray"}, {RECORD_COUNTED, "darkgray"}, {RECORD_FACTS, "darkgray"},
    };

    if (strcmp(column->key, "program") == 0)
        return "bold";
    if (strcmp(column->key, "core") != 0 || !value->text)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (strcmp(record_state_name(states[i].state), value->text) == 0)
            return states[i].colour;
    return NULL;
}

static int print_batch(struct table *table)
{
    if (table->n_lines == 0)
        return 0;
    if (scols_print_table(table->batch) < 0)
        return ferror(stdout) ? -EPIPE : -ENOMEM;
    for (size_t i = 0; i < table->count; i++) {
        double width = (double)scols_column_get_width(scols_table_get_column(table->batch, i));
        if (width > table->widths[i])
            table->widths[i] = width;
    }
    scols_unref_table(table->batch);
    table->batch = NULL;
    table->n_lines = 0;
    table->legend = false;
    return begin_batch(table) < 0 ? -ENOMEM : ferror(stdout) ? -EPIPE : 0;
}

static int add_to_batch(struct table *table, struct store *store, const struct crash_row *row)
{
    struct libscols_line *line = scols_table_new_line(table->batch, NULL);
    if (!line)
        return -ENOMEM;
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = table->columns[i];
        struct column_value value = column_value(column, store, row);
        AUTO_BYTES struct bytes text = {0};
        if (column_append(column, &value, true, &text) < 0 ||
            scols_line_refer_data(line, i, text.data) < 0)
            return -ENOMEM;
        text = (struct bytes){0}; /* it is the line's now */
        const char *colour = terminal_has_colour() ? cell_colour(column, &value) : NULL;
        if (colour)
            (void)scols_cell_set_color(scols_line_get_cell(line, i), colour);
    }
    return ++table->n_lines < TABLE_BATCH ? 0 : print_batch(table);
}

/* ---- for either ---- */

struct table *table_new(const struct column *const *columns, size_t count, bool legend)
{
    AUTO_TABLE struct table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    *table = (struct table){.columns = columns, .count = count, .legend = legend};
    if (!terminal_is_one()) {
        table->lines = make_lines(columns, count, legend);
        return table->lines ? steal_pointer(&table) : NULL;
    }
    table->widths = calloc(count, sizeof *table->widths);
    return table->widths && begin_batch(table) == 0 ? steal_pointer(&table) : NULL;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    lines_free(table->lines);
    scols_unref_table(table->batch);
    free(table->widths);
    free(table);
}

int table_add(struct table *table, struct store *store, const struct crash_row *row)
{
    return table->lines ? add_to_lines(table, store, row) : add_to_batch(table, store, row);
}

int table_flush(struct table *table)
{
    return table->lines ? lines_flush(table->lines) : print_batch(table);
}
