/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - `inquest list`: the crashes of this machine, newest first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/command.h"
#include "cli/crash.h"
#include "cli/json.h"
#include "cli/pager.h"
#include "cli/selection.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"

/* On a terminal too narrow for COLUMNS_DEFAULT: the id tells time and pid as well. */
#define COLUMNS_NARROW "age,id,program,owner,signal_name,core,where"
enum { NARROW = 108 };

struct list_settings {
    struct selection_settings selection;
    const char *columns;
    const char *field;
    bool no_legend;
};

static const struct option_spec list_options[] = {
    SELECTION_OPTIONS(struct list_settings, selection),
    SELECTION_ORDER_OPTIONS(struct list_settings, selection),
    OPTION_TEXT('F', "field", "KEY", struct list_settings, field,
                "print only the value of KEY, a line a crash"),
    OPTION_TEXT(0, "columns", "KEY,…", struct list_settings, columns,
                "print these columns (`--columns help` lists them)"),
    OPTION_FLAG(0, "no-legend", struct list_settings, no_legend, "no header line"),
    OPTIONS_END,
};

/* What is printed, and how. */
struct listing {
    const struct call *call;
    const struct column **columns;
    size_t count;
    bool chosen; /* by --columns or -F */
    struct table *table;
    struct json_stream json;
    struct bytes text; /* of one field */
    bool begun;
};

static int print_json(struct listing *list, struct store *store, const struct crash_row *row)
{
    if (!list->begun)
        json_stream_open(&list->json, '[');
    json_stream_open(&list->json, '{');
    for (size_t i = 0; list->chosen && i < list->count; i++) {
        struct column_value value = column_value(list->columns[i], store, row);
        column_json(list->columns[i], &value, &list->json);
    }
    if (!list->chosen)
        crash_json(store, row, &list->json);
    json_stream_close(&list->json);
    return 0;
}

/* A time or size is for the machine here, so that it can be fed back. */
static int print_field(struct listing *list, struct store *store, const struct crash_row *row)
{
    struct column_value value = column_value(list->columns[0], store, row);
    bool unknown = value.kind == COLUMN_TEXT ? !value.text : value.integer == CRASH_ABSENT;

    if (unknown)
        return 0;
    bytes_clear(&list->text);
    if (column_append(list->columns[0], &value, false, &list->text) < 0)
        return -ENOMEM;
    puts(list->text.data);
    return 0;
}

static int print_row(void *context, struct store *store, const struct crash_row *row,
                     struct error *error)
{
    struct listing *list = context;
    const struct list_settings *settings = list->call->settings;
    int r;

    if (!list->begun)
        pager_start(list->call);
    if (list->call->globals.json != JSON_OFF)
        r = print_json(list, store, row);
    else if (settings->field)
        r = print_field(list, store, row);
    else
        r = table_add(list->table, store, row);
    list->begun = true;
    if (r == 0 && ferror(stdout))
        r = -EPIPE;
    return r == -ENOMEM ? error_set(error, ENOMEM, "out of memory") : r;
}

static int finish(struct listing *list, int r)
{
    if (list->begun && list->call->globals.json != JSON_OFF)
        json_stream_close(&list->json);
    int flushed = list->table ? table_flush(list->table) : 0;
    if (r == 0)
        r = flushed;
    return r == -EPIPE ? 0 : r; /* whoever closed stdout knows; a write error is found at exit */
}

static void print_columns(void)
{
    for (size_t i = 0; i < all_columns_count; i++)
        printf("%-12s %s\n", all_columns[i].key, all_columns[i].help);
}

static int run_list(struct call *call, struct error *error)
{
    struct list_settings *settings = call->settings;
    const char *keys = settings->field ?: settings->columns;
    AUTO_STORE struct store *store = NULL;
    AUTO_FREE const struct column **chosen = NULL;
    AUTO_TABLE struct table *table = NULL;
    struct listing list = {.call = call, .chosen = keys};

    if (settings->columns && strcmp(settings->columns, "help") == 0) {
        print_columns();
        return EXIT_DONE;
    }
    bool narrow = terminal_is_one() && terminal_width() < NARROW;
    int r = columns_parse(keys
                              ?: narrow ? COLUMNS_NARROW
                                        : COLUMNS_DEFAULT,
                          &chosen, &list.count, error);
    if (r < 0)
        return selection_end(call, r, error);
    list.columns = chosen;
    settings->selection.unseen =
        ~(call->globals.json != JSON_OFF && !keys ? columns_json_fields()
                                                  : columns_fields(chosen, list.count));
    list.json = json_stream_to(stdout, call->globals.json);
    list.table = table = table_new(chosen, list.count, !settings->no_legend);
    if (!table)
        return error_set(error, ENOMEM, "out of memory");

    r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0)
        r = finish(&list,
                   selection_each(call, &settings->selection, store, 0, print_row, &list, error));
    bytes_free(&list.text);
    return selection_end(call, r, error);
}

const struct command command_list = {
    .name = "list",
    .group = COMMAND_LOOK,
    .summary = "show the crashes in a table, newest first",
    .usage = "[MATCH…]",
    .description =
        "A MATCH is an id, a PID, a signature (from 6 hex digits), a program's name or path, the\n"
        "beginning of an id, or KEY=value with KEY any key of `list --json`, program, reason or\n"
        "pinned. The same KEY twice means either, different ones mean both.\n",
    .options = list_options,
    .settings_size = sizeof(struct list_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_list,
};
