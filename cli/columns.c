/* SPDX-License-Identifier: GPL-2.0-or-later */
/* columns.c - what `inquest list` can show of a crash. */
#include "cli/columns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crash.h"
#include "cli/terminal.h"
#include "store/base/bytes.h"
#include "store/base/cleanup.h"
#include "store/base/text.h"

typedef struct column_value getter(struct store *store, const struct crash_row *row,
                                   const struct column *column);

static struct column_value value_text(const char *text)
{
    return (struct column_value){.kind = COLUMN_TEXT, .text = text};
}

static struct column_value get_integer(struct store *store, const struct crash_row *row,
                                       const struct column *column)
{
    (void)store;
    return (struct column_value){
        .kind = column->kind,
        .integer = *(const int64_t *)((const char *)row + column->offset),
    };
}

/* A text of the row: offset is that of a pointer. */
static struct column_value get_text(struct store *store, const struct crash_row *row,
                                    const struct column *column)
{
    (void)store;
    return value_text(*(const char *const *)((const char *)row + column->offset));
}

/* Characters in the row itself: "" is unknown. */
static struct column_value get_characters(struct store *store, const struct crash_row *row,
                                          const struct column *column)
{
    const char *text = (const char *)row + column->offset;
    (void)store;
    return value_text(*text ? text : NULL);
}

static struct column_value get_count(struct store *store, const struct crash_row *row,
                                     const struct column *column)
{
    (void)store;
    return (struct column_value){.kind = column->kind, .integer = (int64_t)row->count};
}

static struct column_value get_pinned(struct store *store, const struct crash_row *row,
                                      const struct column *column)
{
    (void)store;
    return (struct column_value){.kind = column->kind, .integer = row->pinned};
}

static struct column_value get_signal_name(struct store *store, const struct crash_row *row,
                                           const struct column *column)
{
    (void)store;
    (void)column;
    return value_text(crash_signal_name(row->signal));
}

static struct column_value get_core(struct store *store, const struct crash_row *row,
                                    const struct column *column)
{
    (void)column;
    return value_text(record_state_name(store_row_core(store, row)));
}

static struct column_value get_program(struct store *store, const struct crash_row *row,
                                       const struct column *column)
{
    (void)store;
    (void)column;
    return value_text(crash_program(row));
}

/* Short texts made for a table live until the next one of their kind is made. */
static struct column_value get_owner(struct store *store, const struct crash_row *row,
                                     const struct column *column)
{
    static char number[24];

    (void)store;
    (void)column;
    if (row->text[CRASH_USER] || row->uid == CRASH_ABSENT)
        return value_text(row->text[CRASH_USER]);
    snprintf(number, sizeof number, "%" PRId64, row->uid);
    return value_text(number);
}

static struct column_value get_where(struct store *store, const struct crash_row *row,
                                     const struct column *column)
{
    static char text[64];

    (void)store;
    (void)column;
    if (row->count > 1) {
        snprintf(text, sizeof text, "%" PRIu64 " crashes, only counted", row->count);
        return value_text(text);
    }
    return value_text(row->text[CRASH_FUNCTION]);
}

static struct column_value get_age(struct store *store, const struct crash_row *row,
                                   const struct column *column)
{
    static char text[32];

    (void)store;
    (void)column;
    return value_text(human_age(text, row->time_us));
}

#define HAS(field)  CRASH_HAS(field)
#define ROW(member) offsetof(struct crash_row, member)

// clang-format off
const struct column all_columns[] = {
    /* in JSON, in this order */
    {"id", "ID", "the crash's id", COLUMN_TEXT, 22, true, 0, ROW(id), get_characters},
    {"time", "TIME", "when it crashed", COLUMN_TIME, 19, true, 0, ROW(time_us), get_integer},
    {"pid", "PID", "process id, as the host counts", COLUMN_INTEGER, 7, true, HAS(PID), ROW(pid), get_integer},
    {"ns_pid", "NSPID", "process id in its own namespace", COLUMN_INTEGER, 7, true, HAS(NS_PID), ROW(ns_pid), get_integer},
    {"tid", "TID", "id of the thread that crashed", COLUMN_INTEGER, 7, true, HAS(TID), ROW(tid), get_integer},
    {"uid", "UID", "user id", COLUMN_INTEGER, 5, true, HAS(UID), ROW(uid), get_integer},
    {"gid", "GID", "group id", COLUMN_INTEGER, 5, true, HAS(GID), ROW(gid), get_integer},
    {"user", "USER", "user name", COLUMN_TEXT, 8, true, HAS(USER), ROW(text[CRASH_USER]), get_text},
    {"signal", "SIG", "number of the signal", COLUMN_INTEGER, 3, true, HAS(SIGNAL), ROW(signal), get_integer},
    {"signal_name", "SIGNAL", "name of the signal", COLUMN_TEXT, 7, true, HAS(SIGNAL), 0, get_signal_name},
    {"comm", "COMM", "the process's name", COLUMN_TEXT, 15, true, HAS(COMM), ROW(text[CRASH_COMM]), get_text},
    {"exe", "EXE", "path of the executable", COLUMN_TEXT, 0.3, true, HAS(EXE), ROW(text[CRASH_EXE]), get_text},
    {"hostname", "HOSTNAME", "host, or container, it ran on", COLUMN_TEXT, 12, true, HAS(HOSTNAME), ROW(text[CRASH_HOSTNAME]), get_text},
    {"container", "CONTAINER", "container it ran in", COLUMN_TEXT, 12, true, HAS(CONTAINER), ROW(text[CRASH_CONTAINER]), get_text},
    {"unit", "UNIT", "systemd unit it ran in", COLUMN_TEXT, 0.15, true, HAS(UNIT), ROW(text[CRASH_UNIT]), get_text},
    {"package", "PACKAGE", "package that the executable is of", COLUMN_TEXT, 0.15, true, HAS(PACKAGE), ROW(text[CRASH_PACKAGE]), get_text},
    {"core", "CORE", "what is kept of its memory", COLUMN_TEXT, 9, true, 0, 0, get_core},
    {"core_size", "CORESIZE", "size of the whole core", COLUMN_SIZE, 5, true, HAS(CORE_SIZE), ROW(core_size), get_integer},
    {"stored_size", "SIZE", "size on disk", COLUMN_SIZE, 5, true, HAS(STORED_SIZE), ROW(stored_size), get_integer},
    {"signature", "SIGNATURE", "equal where crashes are the same", COLUMN_TEXT, 16, true, HAS(SIGNATURE), ROW(signature), get_characters},
    {"function", "FUNCTION", "function that crashed", COLUMN_TEXT, 0.3, true, HAS(FUNCTION), ROW(text[CRASH_FUNCTION]), get_text},
    {"count", "COUNT", "crashes it stands for", COLUMN_INTEGER, 5, true, HAS(COUNT), 0, get_count},
    /* for people */
    {"program", "PROGRAM", "name of the executable, else of the process", COLUMN_TEXT, 0.12, false, HAS(NAME) | HAS(COMM), 0, get_program},
    {"owner", "USER", "user name, else user id", COLUMN_TEXT, 8, false, HAS(USER) | HAS(UID), 0, get_owner},
    {"where", "WHERE", "function that crashed, or how many were only counted", COLUMN_TEXT, 0.2, false, HAS(COUNT) | HAS(FUNCTION), 0, get_where},
    {"age", "AGE", "how long ago", COLUMN_TEXT, 10, false, 0, 0, get_age},
    {"si_code", "SICODE", "the signal's si_code", COLUMN_INTEGER, 4, false, HAS(SI_CODE), ROW(si_code), get_integer},
    {"pinned", "PINNED", "kept by a pin", COLUMN_FLAG, 6, false, HAS(PINNED), 0, get_pinned},
    {"stack_id", "STACK", "equal where stacks are exactly the same", COLUMN_TEXT, 16, false, HAS(STACK_ID), ROW(stack_id), get_characters},
    {"reason", "REASON", "why the core is not full", COLUMN_TEXT, 0.3, false, HAS(REASON), ROW(text[CRASH_REASON]), get_text},
};
// clang-format on
const size_t all_columns_count = ARRAY_SIZE(all_columns);

static const struct column *find_by_key(const char *name)
{
    for (size_t i = 0; i < all_columns_count; i++)
        if (strcasecmp(all_columns[i].key, name) == 0)
            return &all_columns[i];
    return NULL;
}

/* By key or header, in any case, or coredumpctl's COREDUMP_ name. */
static const struct column *find(const char *name)
{
    static const char prefix[] = "COREDUMP_";
    static const char *const others[][2] = {
        {"TIMESTAMP", "time"},           {"SIGNAL_NAME", "signal_name"},
        {"CONTAINER_NAME", "container"}, {"PACKAGE_NAME", "package"},
        {"USER_NAME", "user"},
    };

    const struct column *column = find_by_key(name);
    if (column)
        return column;
    if (strncasecmp(name, prefix, strlen(prefix)) == 0) {
        name += strlen(prefix);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
            if (strcasecmp(others[i][0], name) == 0)
                return find_by_key(others[i][1]);
        return find_by_key(name);
    }
    for (size_t i = 0; i < all_columns_count; i++)
        if (strcasecmp(all_columns[i].header, name) == 0)
            return &all_columns[i];
    return NULL;
}

static int unknown_column(const char *name, struct error *error)
{
    AUTO_BYTES struct bytes keys = {0};

    for (size_t i = 0; i < all_columns_count; i++)
        (void)bytes_printf(&keys, " %s", all_columns[i].key); /* a shorter list is no failure */
    return error_set(error, EINVAL, "there is no column '%s'; there are%s", name,
                     keys.data ?: " none");
}

int columns_parse(const char *keys, const struct column ***ret, size_t *ret_count,
                  struct error *error)
{
    AUTO_FREE char *copy = strdup(keys);
    AUTO_FREE const struct column **list = calloc(strlen(keys) + 1, sizeof *list);
    char *save = NULL;
    size_t count = 0;

    if (!copy || !list)
        return error_set(error, ENOMEM, "out of memory");
    for (char *key = strtok_r(copy, ", ", &save); key; key = strtok_r(NULL, ", ", &save)) {
        list[count] = find(key);
        if (!list[count++])
            return unknown_column(key, error);
    }
    if (count == 0)
        return unknown_column(keys, error);
    *ret = steal_pointer(&list);
    *ret_count = count;
    return 0;
}

struct column_value column_value(const struct column *column, struct store *store,
                                 const struct crash_row *row)
{
    return column->get(store, row, column);
}

uint64_t columns_fields(const struct column *const *columns, size_t count)
{
    uint64_t fields = 0;

    for (size_t i = 0; i < count; i++)
        fields |= columns[i]->fields;
    return fields;
}

uint64_t columns_json_fields(void)
{
    uint64_t fields = 0;

    for (size_t i = 0; i < all_columns_count; i++)
        if (all_columns[i].in_json)
            fields |= all_columns[i].fields;
    return fields;
}

int column_append(const struct column *column, const struct column_value *value, bool human,
                  struct bytes *ret)
{
    char text[64];

    if (value->kind == COLUMN_TEXT && value->text)
        return text_append_printable(ret, value->text, strlen(value->text));
    if (value->kind == COLUMN_TEXT || value->integer == CRASH_ABSENT)
        return bytes_append_text(ret, "-");
    if (column->kind == COLUMN_SIZE && human)
        return bytes_append_text(ret, human_size(text, (uint64_t)value->integer));
    if (column->kind == COLUMN_TIME)
        return bytes_append_text(ret, human_time(text, value->integer));
    if (column->kind == COLUMN_FLAG)
        return bytes_append_text(ret, value->integer ? "yes" : "no");
    return bytes_append(ret, text, text_number(text, value->integer));
}

void column_json(const struct column *column, const struct column_value *value,
                 struct json_stream *json)
{
    if (value->kind == COLUMN_TEXT)
        json_stream_member_text(json, column->key, value->text);
    else if (value->integer == CRASH_ABSENT)
        json_stream_member_null(json, column->key);
    else if (column->kind == COLUMN_TIME)
        json_stream_member_time(json, column->key, value->integer);
    else if (column->kind == COLUMN_FLAG)
        json_stream_member_boolean(json, column->key, value->integer);
    else
        json_stream_member_integer(json, column->key, value->integer);
}
