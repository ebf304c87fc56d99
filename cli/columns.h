/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * columns.h - what `inquest list` can show of a crash: one table for the terminal, for JSON, for
 * --columns and -F, and for the documentation.
 */
#pragma once

#include "cli/json.h"
#include "store/base/bytes.h"
#include "store/crash_row.h"
#include "store/store.h"

enum column_kind {
    COLUMN_TEXT,    /* a victim's bytes */
    COLUMN_INTEGER, /* int64_t, CRASH_ABSENT where unknown */
    COLUMN_SIZE,    /* likewise: bytes */
    COLUMN_TIME,    /* microseconds since the epoch */
    COLUMN_FLAG,    /* 0 or 1 */
};

struct column_value {
    enum column_kind kind;
    int64_t integer;
    const char *text; /* NULL where unknown */
};

struct column {
    const char *key;    /* in JSON, and its name for --columns and -F */
    const char *header; /* of the table */
    const char *help;
    enum column_kind kind;
    double width;    /* libsmartcols' hint: characters, or below 1 a share of the terminal */
    bool in_json;    /* one of the keys of `list --json` */
    uint64_t fields; /* of the row, that it looks at: CRASH_HAS() */
    size_t offset;   /* of a plain field */
    struct column_value (*get)(struct store *store, const struct crash_row *row,
                               const struct column *column);
};

extern const struct column all_columns[];
extern const size_t all_columns_count;

/* The keys of the table that `inquest list` shows unless told otherwise, by commas. */
#define COLUMNS_DEFAULT "time,id,program,pid,owner,signal_name,core,stored_size,where"

/* Reads keys separated by commas. -EINVAL with a text that lists the keys there are. The caller
 * frees the list. */
int columns_parse(const char *keys, const struct column ***ret, size_t *ret_count,
                  struct error *error);

struct column_value column_value(const struct column *column, struct store *store,
                                 const struct crash_row *row);

/* The fields that these columns look at; those of the columns of `list --json`. */
uint64_t columns_fields(const struct column *const *columns, size_t count);
uint64_t columns_json_fields(void);

/* Appends the text as in tables, safe for a terminal: human units where `human`, "-" where unknown.
 * 0 or -ENOMEM. */
int column_append(const struct column *column, const struct column_value *value, bool human,
                  struct bytes *ret);

/* Writes the column's key (and KEY_b64 where needed) and value to the open object. */
void column_json(const struct column *column, const struct column_value *value,
                 struct json_stream *json);
