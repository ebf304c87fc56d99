/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - crashes as lines of a table, printed in batches so that a long list is never held.
 *
 * The first batch decides how wide the columns are; a later one only widens them. On a terminal
 * long texts are cut to its width and states have colours; elsewhere the text is whole and plain.
 */
#pragma once

#include "cli/columns.h"

struct table;

/* `columns` must outlive the table. NULL without memory. */
struct table *table_new(const struct column *const *columns, size_t count, bool legend);
void table_free(struct table *table);

/* Adds a line. -ENOMEM, or -EPIPE where nobody reads any more. */
int table_add(struct table *table, struct store *store, const struct crash_row *row);

/* Prints what is not printed yet. */
int table_flush(struct table *table);

CLEANUP_FUNCTION(struct table, table_free)
#define AUTO_TABLE CLEANUP(table_free_cleanup)
