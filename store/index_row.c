/* SPDX-License-Identifier: GPL-2.0-or-later */
/* index_row.c - a row of the index as a crash, with the fields that somebody looks at. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "store/index.h"
#include "store/names.h"

enum kind {
    KIND_NUMBER, /* CRASH_ABSENT where it is NULL */
    KIND_SIZE,   /* 0 where it is NULL */
    KIND_FLAG,
    KIND_ENUM,
    KIND_TEXT, /* by number in the tables of names */
    KIND_SIGNATURE,
    KIND_STACK,
};

static const struct field {
    const char *column;
    enum kind kind;
    size_t offset;
} fields[] = {
#define FIELD(name, sql, kind, member)                                                             \
    [CRASH_FIELD_##name] = {sql, KIND_##kind, offsetof(struct crash_row, member)},
    CRASH_FIELDS(FIELD)
#undef FIELD
};

/* As in INDEX_ROW_ALWAYS. */
enum { COLUMN_SEQ, COLUMN_ID, COLUMN_TIME, COLUMN_OWNER, COLUMN_STATE, COLUMN_FIELDS };

static const struct crash_row nothing_known = {
    .pid = CRASH_ABSENT,
    .ns_pid = CRASH_ABSENT,
    .tid = CRASH_ABSENT,
    .uid = CRASH_ABSENT,
    .gid = CRASH_ABSENT,
    .account = CRASH_ABSENT,
    .signal = CRASH_ABSENT,
    .si_code = CRASH_ABSENT,
    .core_size = CRASH_ABSENT,
    .stored_size = CRASH_ABSENT,
    .access_uid = CRASH_ABSENT,
};

int index_row_columns(uint64_t wanted, struct bytes *ret)
{
    int r = bytes_append_text(ret, INDEX_ROW_ALWAYS);
    for (size_t i = 0; i < ARRAY_SIZE(fields) && r == 0; i++)
        if (wanted & UINT64_C(1) << i)
            r = bytes_printf(ret, ", %s", fields[i].column);
    return r;
}

static int64_t number(sqlite3_stmt *statement, int column)
{
    int64_t value = sqlite3_column_int64(statement, column);
    if (value == 0 && sqlite3_column_type(statement, column) == SQLITE_NULL)
        return CRASH_ABSENT;
    return value;
}

/* Sets only what is longer than nothing: the row was empty. */
static void set_characters(char *to, size_t size, const char *text)
{
    if (text)
        strncpy(to, text, size - 1);
}

static void read_field(const struct index_names *names, const struct field *field, int64_t value,
                       struct crash_row *row)
{
    void *to = (char *)row + field->offset;
    switch (field->kind) {
    case KIND_NUMBER:
        *(int64_t *)to = value;
        return;
    case KIND_SIZE:
        *(int64_t *)to = value == CRASH_ABSENT ? 0 : value;
        return;
    case KIND_FLAG:
        *(bool *)to = value != 0;
        return;
    case KIND_ENUM:
        *(enum crash_analysis *)to = (enum crash_analysis)value;
        return;
    case KIND_TEXT:
        *(const char **)to = names_get(names->texts, value);
        return;
    case KIND_SIGNATURE:
        set_characters(to, CRASH_SIGNATURE_SIZE, names_get(names->signatures, value));
        return;
    case KIND_STACK:
        set_characters(to, CRASH_STACK_ID_SIZE, names_get(names->stacks, value));
        return;
    }
}

int index_row(struct index *index, sqlite3_stmt *statement, uint64_t wanted, struct crash_row **ret,
              struct error *error)
{
    const struct index_names *names = index_names(index);
    names_trim(names->texts);
    names_trim(names->signatures);
    names_trim(names->stacks);

    struct crash_row row = nothing_known;
    const char *id = (const char *)sqlite3_column_text(statement, COLUMN_ID);
    int state = sqlite3_column_int(statement, COLUMN_STATE);
    if (!id || !layout_id_is_valid(id) || state < 0 || state > RECORD_MISSING)
        return error_set(error, EUCLEAN, "the index is damaged: a row without sense");
    set_characters(row.id, sizeof row.id, id);
    row.core = (enum record_state)state;
    row.seq = sqlite3_column_int64(statement, COLUMN_SEQ);
    row.time_us = sqlite3_column_int64(statement, COLUMN_TIME);
    row.owner = (uid_t)sqlite3_column_int64(statement, COLUMN_OWNER);

    int column = COLUMN_FIELDS;
    for (uint64_t left = wanted; left; left &= left - 1)
        read_field(names, &fields[__builtin_ctzll(left)], number(statement, column++), &row);
    *ret = crash_row_copy(&row);
    return *ret ? 0 : error_errno(error, ENOMEM, "index");
}
