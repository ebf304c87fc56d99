/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table.c - crashes as lines of a table. */
#include "cli/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"
#include "store/base/cleanup.h"

enum { TABLE_BATCH = 1000 };

struct table {
    const struct column *const *columns;
    size_t count;
    bool legend;
    double *widths; /* of the batches so far */
    struct libscols_table *batch;
    size_t lines;
};

static int column_flags(const struct column *column)
{
    if (column->kind == COLUMN_INTEGER || column->kind == COLUMN_SIZE)
        return SCOLS_FL_RIGHT;
    return column->width < 1 ? SCOLS_FL_TRUNC : 0;
}

static int add_column(struct table *table, size_t i)
{
    const struct column *column = table->columns[i];
    double width = column->width;

    if (table->widths[i] > 0 && (!terminal_is_one() || width >= 1))
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
    scols_table_enable_noencoding(table->batch, 1); /* column_text() made it printable already */
    scols_table_enable_colors(table->batch, terminal_has_colour());
    scols_table_enable_noheadings(table->batch, !table->legend);
    if (terminal_is_one()) {
        scols_table_set_termforce(table->batch, SCOLS_TERMFORCE_ALWAYS);
        scols_table_set_termwidth(table->batch, terminal_width());
    } else {
        scols_table_set_termforce(table->batch, SCOLS_TERMFORCE_NEVER);
    }
    for (size_t i = 0; i < table->count; i++)
        if (add_column(table, i) < 0)
            return -ENOMEM;
    return 0;
}

struct table *table_new(const struct column *const *columns, size_t count, bool legend)
{
    struct table *table = calloc(1, sizeof *table);

    if (!table)
        return NULL;
    *table = (struct table){.columns = columns, .count = count, .legend = legend};
    table->widths = calloc(count, sizeof *table->widths);
    if (!table->widths || begin_batch(table) < 0) {
        table_free(table);
        return NULL;
    }
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    scols_unref_table(table->batch);
    free(table->widths);
    free(table);
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

int table_add(struct table *table, struct store *store, const struct crash_row *row)
{
    struct libscols_line *line = scols_table_new_line(table->batch, NULL);
    if (!line)
        return -ENOMEM;
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = table->columns[i];
        struct column_value value = column_value(column, store, row);
        char *text = column_text(column, &value, terminal_is_one());
        if (!text)
            return -ENOMEM;
        const char *colour = terminal_has_colour() ? cell_colour(column, &value) : NULL;
        if (scols_line_refer_data(line, i, text) < 0) {
            free(text);
            return -ENOMEM;
        }
        if (colour)
            (void)scols_cell_set_color(scols_line_get_cell(line, i), colour);
    }
    return ++table->lines < TABLE_BATCH ? 0 : table_flush(table);
}

int table_flush(struct table *table)
{
    if (table->lines == 0)
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
    table->lines = 0;
    table->legend = false;
    return begin_batch(table) < 0 ? -ENOMEM : ferror(stdout) ? -EPIPE : 0;
}
