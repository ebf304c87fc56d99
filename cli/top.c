/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top.c - `inquest top`: what crashes most: crashes in groups by signature. */
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crash.h"
#include "cli/json.h"
#include "cli/pager.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "store/base/bytes.h"
#include "store/base/text.h"

struct top_settings {
    struct selection_settings selection;
    bool no_legend;
};

static const struct option_spec top_options[] = {
    SELECTION_OPTIONS(struct top_settings, selection),
    OPTION_FLAG(0, "no-legend", struct top_settings, no_legend, "no header line"),
    OPTIONS_END,
};

enum { ON_TERMINAL = 20 }; /* groups shown there unless -n says how many */

struct listing {
    const struct call *call;
    struct json_stream json;
    struct libscols_table *table;
    size_t groups;
};

/* ---- JSON ---- */

static json_t *text_json(const char *text)
{
    AUTO_FREE char *utf8 = text ? text_to_utf8(text, strlen(text)) : NULL;
    return utf8 ? json_string(utf8) : json_null();
}

static json_t *texts_json(const char *const *texts, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, text_json(texts[i]));
    return array;
}

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

static json_t *group_json(const struct crash_group *group)
{
    json_t *object = json_object(), *ids = json_array(), *bars = json_array();

    for (size_t i = 0; i < group->id_count; i++)
        json_array_append_new(ids, json_string(group->ids[i]));
    for (size_t i = 0; i < GROUP_BARS; i++)
        json_array_append_new(bars, json_integer((json_int_t)group->bars[i]));
    json_set_text(object, "signature", group->signature[0] ? group->signature : NULL);
    json_set_integer(object, "count", (int64_t)group->count);
    json_set_time(object, "first", group->first_us);
    json_set_time(object, "last", group->last_us);
    json_set_text(object, "signal_name", crash_signal_name(group->signal));
    json_set_text(object, "comm", group->comm);
    json_set_text(object, "function", group->function);
    json_object_set_new(object, "frames", texts_json(group->frames, group->frame_count));
    json_object_set_new(object, "users",
                        texts_json(group->users, at_most(group->user_count, GROUP_NAMES)));
    json_object_set_new(object, "programs",
                        texts_json(group->programs, at_most(group->program_count, GROUP_NAMES)));
    json_object_set_new(object, "ids", ids);
    json_object_set_new(object, "bars", bars);
    return object;
}

/* ---- table ---- */

enum {
    TOP_COUNT,
    TOP_BARS,
    TOP_LAST,
    TOP_FIRST,
    TOP_SIGNAL,
    TOP_WHERE,
    TOP_PROGRAMS,
    TOP_USERS,
    TOP_SIGNATURE
};

static const struct {
    const char *header;
    double width;
    int flags;
} top_columns[] = {
    [TOP_COUNT] = {"COUNT", 5, SCOLS_FL_RIGHT},
    [TOP_BARS] = {"OVER TIME", GROUP_BARS, 0},
    [TOP_LAST] = {"LAST", 10, 0},
    [TOP_FIRST] = {"FIRST", 10, 0},
    [TOP_SIGNAL] = {"SIGNAL", 8, 0},
    [TOP_WHERE] = {"WHERE", 0.35, SCOLS_FL_TRUNC},
    [TOP_PROGRAMS] = {"PROGRAMS", 0.15, SCOLS_FL_TRUNC},
    [TOP_USERS] = {"USERS", 0.1, SCOLS_FL_TRUNC},
    [TOP_SIGNATURE] = {"SIGNATURE", 16, 0},
};

/* How a number between nothing and the most looks, of eight. */
static const char *bar_of(uint64_t value, uint64_t most)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {".", ".", ":", ":", "+", "+", "#", "#"};
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    size_t step;

    if (value == 0)
        return " ";
    /* Without overflow, and so that the least that is there is seen. */
    step = (size_t)((double)value / (double)most * 8.0);
    step = step > 7 ? 7 : step;
    return utf8 ? blocks[step] : ascii[step];
}

static char *sparkline(const struct crash_group *group)
{
    struct bytes line = {0};
    uint64_t most = 1;
    for (size_t i = 0; i < GROUP_BARS; i++)
        if (group->bars[i] > most)
            most = group->bars[i];
    for (size_t i = 0; i < GROUP_BARS; i++)
        (void)bytes_append_text(&line, bar_of(group->bars[i], most)); /* a short line, at worst */
    return line.data;
}

/* "a, b, c +4" */
static char *joined(const char *const *names, size_t n, size_t max)
{
    enum { SHOWN = 3 };
    AUTO_BYTES struct bytes line = {0};
    size_t shown = at_most(at_most(n, max), SHOWN);
    int r = 0;

    for (size_t i = 0; i < shown && r == 0; i++) {
        r = bytes_append_text(&line, i > 0 ? ", " : "");
        if (r == 0)
            r = bytes_append_text(&line, names[i] ? names[i] : "?");
    }
    if (n > shown && r == 0)
        r = bytes_printf(&line, " +%zu", n - shown);
    return r < 0 || !line.data ? NULL : text_printable(line.data, line.size);
}

static char *printable(const char *text)
{
    return text ? text_printable(text, strlen(text)) : NULL;
}

/* Ages for people, times for pipes. */
static char *when(int64_t time_us)
{
    char age[32], time[64];
    return strdup(terminal_is_one() ? human_age(age, time_us) : human_time(time, time_us));
}

static int add_line(struct listing *list, const struct crash_group *group)
{
    struct libscols_line *line = scols_table_new_line(list->table, NULL);
    char count[32];

    if (!line)
        return -ENOMEM;
    snprintf(count, sizeof count, "%" PRIu64, group->count);
    char *cells[] = {
        [TOP_COUNT] = strdup(count),
        [TOP_BARS] = sparkline(group),
        [TOP_LAST] = when(group->last_us),
        [TOP_FIRST] = when(group->first_us),
        [TOP_SIGNAL] = printable(crash_signal_name(group->signal)),
        [TOP_WHERE] = printable(group->function),
        [TOP_PROGRAMS] = joined(group->programs, group->program_count, GROUP_NAMES),
        [TOP_USERS] = joined(group->users, group->user_count, GROUP_NAMES),
        [TOP_SIGNATURE] = printable(group->signature),
    };
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
        if (!cells[i] || !cells[i][0]) {
            free(cells[i]);
            cells[i] = strdup("-");
        }
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
        if (scols_line_refer_data(line, i, cells[i]) < 0)
            free(cells[i]);
    return 0;
}

static int begin_table(struct listing *list, bool legend)
{
    struct libscols_table *table = list->table = scols_new_table();
    if (!table)
        return -ENOMEM;
    scols_table_enable_noencoding(table, 1); /* everything in it is printable already */
    scols_table_enable_colors(table, terminal_has_colour());
    scols_table_enable_noheadings(table, !legend);
    scols_table_set_termforce(table,
                              terminal_is_one() ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (terminal_is_one())
        scols_table_set_termwidth(table, terminal_width());
    for (size_t i = 0; i < ARRAY_SIZE(top_columns); i++) {
        struct libscols_column *column = scols_table_new_column(
            table, top_columns[i].header, top_columns[i].width, top_columns[i].flags);
        if (!column)
            return -ENOMEM;
        if (terminal_has_colour())
            (void)scols_cell_set_color(scols_column_get_header(column), "bold");
    }
    if (terminal_has_colour()) {
        (void)scols_column_set_color(scols_table_get_column(table, TOP_BARS), "cyan");
        (void)scols_column_set_color(scols_table_get_column(table, TOP_WHERE), "bold");
    }
    return 0;
}

/* ---- the verb ---- */

static int show(void *context, const struct crash_group *group)
{
    struct listing *list = context;

    if (list->call->globals.json == JSON_OFF) {
        list->groups++;
        return add_line(list, group);
    }
    if (list->groups++ == 0)
        json_stream_open(&list->json, '[');
    json_stream_value(&list->json, group_json(group));
    return ferror(list->json.out) ? -EPIPE : 0;
}

static int print_table(struct listing *list)
{
    pager_start(list->call);
    return scols_print_table(list->table) < 0 ? -ENOMEM : 0;
}

static int run_top(struct call *call, struct error *error)
{
    const struct top_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    AUTO_FILTER struct filter *filter = NULL;
    struct listing list = {.call = call, .json = json_stream_to(stdout, call->globals.json)};
    bool as_json = call->globals.json != JSON_OFF;
    uint64_t otherwise = !as_json && terminal_is_one() ? ON_TERMINAL : 0;

    int r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0)
        r = selection_filter(call, &settings->selection, store, &filter, error);
    if (r == 0 && !as_json)
        r = begin_table(&list, !settings->no_legend);
    if (r == 0)
        r = query_top(store, filter, selection_limit(&settings->selection, otherwise), show, &list,
                      error);
    if (r == 0 && list.groups == 0)
        r = error_set(error, ENOENT, "no crashes");
    if (r == 0 && as_json)
        json_stream_close(&list.json);
    else if (r == 0)
        r = print_table(&list);
    scols_unref_table(list.table);
    return selection_end(call, r == -EPIPE ? 0 : r, error);
}

const struct command command_top = {
    .name = "top",
    .group = COMMAND_LOOK,
    .summary = "show what crashes most: crashes in groups by where and how",
    .usage = "[MATCH…]",
    .options = top_options,
    .settings_size = sizeof(struct top_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_top,
};
