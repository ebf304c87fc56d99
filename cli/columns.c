/* SPDX-License-Identifier: GPL-2.0-or-later */
/* columns.c - what `inquest list` can show of a crash. */
#include "cli/columns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crash.h"
#include "cli/json.h"
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
    return value_text(record_state_name(crash_core_state(store, row)));
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

#define ROW(field)      offsetof(struct crash_row, field)
#define ROW_TEXT(index) offsetof(struct crash_row, text[index])

// clang-format off
const struct column all_columns[] = {
    /* in JSON, in this order */
    {"id", "ID", "the crash's id", COLUMN_TEXT, 22, true, ROW(id), get_characters},
    {"time", "TIME", "when it crashed", COLUMN_TIME, 19, true, ROW(time_us), get_integer},
    {"pid", "PID", "process id, as the host counts", COLUMN_INTEGER, 7, true, ROW(pid), get_integer},
    {"ns_pid", "NSPID", "process id in its own namespace", COLUMN_INTEGER, 7, true, ROW(ns_pid), get_integer},
    {"tid", "TID", "id of the thread that crashed", COLUMN_INTEGER, 7, true, ROW(tid), get_integer},
    {"uid", "UID", "user id", COLUMN_INTEGER, 5, true, ROW(uid), get_integer},
    {"gid", "GID", "group id", COLUMN_INTEGER, 5, true, ROW(gid), get_integer},
    {"user", "USER", "user name", COLUMN_TEXT, 8, true, ROW_TEXT(CRASH_USER), get_text},
    {"signal", "SIG", "number of the signal", COLUMN_INTEGER, 3, true, ROW(signal), get_integer},
    {"signal_name", "SIGNAL", "name of the signal", COLUMN_TEXT, 7, true, 0, get_signal_name},
    {"comm", "COMM", "the process's name", COLUMN_TEXT, 15, true, ROW_TEXT(CRASH_COMM), get_text},
    {"exe", "EXE", "path of the executable", COLUMN_TEXT, 0.3, true, ROW_TEXT(CRASH_EXE), get_text},
    {"hostname", "HOSTNAME", "host, or container, it ran on", COLUMN_TEXT, 12, true, ROW_TEXT(CRASH_HOSTNAME), get_text},
    {"container", "CONTAINER", "container it ran in", COLUMN_TEXT, 12, true, ROW_TEXT(CRASH_CONTAINER), get_text},
    {"unit", "UNIT", "systemd unit it ran in", COLUMN_TEXT, 0.15, true, ROW_TEXT(CRASH_UNIT), get_text},
    {"package", "PACKAGE", "package that the executable is of", COLUMN_TEXT, 0.15, true, ROW_TEXT(CRASH_PACKAGE), get_text},
    {"core", "CORE", "what is kept of its memory", COLUMN_TEXT, 9, true, 0, get_core},
    {"core_size", "CORESIZE", "size of the whole core", COLUMN_SIZE, 5, true, ROW(core_size), get_integer},
    {"stored_size", "SIZE", "size on disk", COLUMN_SIZE, 5, true, ROW(stored_size), get_integer},
    {"signature", "SIGNATURE", "equal where crashes are the same", COLUMN_TEXT, 16, true, ROW(signature), get_characters},
    {"function", "FUNCTION", "function that crashed", COLUMN_TEXT, 0.3, true, ROW_TEXT(CRASH_FUNCTION), get_text},
    {"count", "COUNT", "crashes it stands for", COLUMN_INTEGER, 5, true, 0, get_count},
    /* for people */
    {"program", "PROGRAM", "name of the executable, else of the process", COLUMN_TEXT, 0.12, false, 0, get_program},
    {"owner", "USER", "user name, else user id", COLUMN_TEXT, 8, false, 0, get_owner},
    {"where", "WHERE", "function that crashed, or how many were only counted", COLUMN_TEXT, 0.2, false, 0, get_where},
    {"age", "AGE", "how long ago", COLUMN_TEXT, 10, false, 0, get_age},
    {"si_code", "SICODE", "the signal's si_code", COLUMN_INTEGER, 4, false, ROW(si_code), get_integer},
    {"pinned", "PINNED", "kept by a pin", COLUMN_FLAG, 6, false, 0, get_pinned},
    {"stack_id", "STACK", "equal where stacks are exactly the same", COLUMN_TEXT, 16, false, ROW(stack_id), get_characters},
    {"reason", "REASON", "why the core is not full", COLUMN_TEXT, 0.3, false, ROW_TEXT(CRASH_REASON), get_text},
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

const struct column *column_find(const char *name)
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
        list[count] = column_find(key);
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

char *column_text(const struct column *column, const struct column_value *value, bool human)
{
    char text[64];

    if (value->kind == COLUMN_TEXT)
        return value->text ? text_printable(value->text, strlen(value->text)) : strdup("-");
    if (value->integer == CRASH_ABSENT)
        return strdup("-");
    if (column->kind == COLUMN_SIZE && human)
        human_size(text, (uint64_t)value->integer);
    else if (column->kind == COLUMN_TIME)
        human_time(text, value->integer);
    else if (column->kind == COLUMN_FLAG)
        snprintf(text, sizeof text, "%s", value->integer ? "yes" : "no");
    else
        snprintf(text, sizeof text, "%" PRId64, value->integer);
    return strdup(text);
}

void column_set_json(const struct column *column, const struct column_value *value, json_t *object)
{
    if (value->kind == COLUMN_TEXT)
        json_set_text(object, column->key, value->text);
    else if (value->integer == CRASH_ABSENT)
        json_set_null(object, column->key);
    else if (column->kind == COLUMN_TIME)
        json_set_time(object, column->key, value->integer);
    else if (column->kind == COLUMN_FLAG)
        json_object_set_new(object, column->key, json_boolean(value->integer));
    else
        json_set_integer(object, column->key, value->integer);
}
