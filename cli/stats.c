/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stats.c - `inquest stats`: how many crashes there are, what they cost, what retention did. */
#include <inttypes.h>

#include "cli/json.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"

enum stat_kind { STAT_COUNT, STAT_SIZE, STAT_TIME };

/* One table for text, JSON and the man page. A heading begins a paragraph. */
static const struct stat {
    const char *key, *heading, *label;
    enum stat_kind kind;
    size_t offset;
} stats[] = {
    {"crashes", "Crashes", "in all", STAT_COUNT, offsetof(struct store_stats, crashes)},
    {"last_hour", NULL, "in the last hour", STAT_COUNT, offsetof(struct store_stats, last_hour)},
    {"last_day", NULL, "in the last day", STAT_COUNT, offsetof(struct store_stats, last_day)},
    {"last_week", NULL, "in the last week", STAT_COUNT, offsetof(struct store_stats, last_week)},
    {"first", NULL, "first", STAT_TIME, offsetof(struct store_stats, first_us)},
    {"last", NULL, "last", STAT_TIME, offsetof(struct store_stats, last_us)},
    {"records", NULL, "kept", STAT_COUNT, offsetof(struct store_stats, rows)},
    {"signatures", NULL, "different", STAT_COUNT, offsetof(struct store_stats, signatures)},
    {"pinned", NULL, "pinned", STAT_COUNT, offsetof(struct store_stats, pinned)},
    {"pending", NULL, "not analysed yet", STAT_COUNT, offsetof(struct store_stats, pending)},
    {"used", "On disk", "in all", STAT_SIZE, offsetof(struct store_stats, used)},
    {"record_bytes", NULL, "cores and facts", STAT_SIZE,
     offsetof(struct store_stats, record_bytes)},
    {"report_bytes", NULL, "reports", STAT_SIZE, offsetof(struct store_stats, report_bytes)},
    {"module_bytes", NULL, "modules", STAT_SIZE, offsetof(struct store_stats, module_bytes)},
    {"index_bytes", NULL, "index", STAT_SIZE, offsetof(struct store_stats, index_bytes)},
    {"part_bytes", NULL, "being written", STAT_SIZE, offsetof(struct store_stats, part_bytes)},
    {"core_bytes", NULL, "cores uncompressed", STAT_SIZE, offsetof(struct store_stats, core_bytes)},
    {"pruned_cores", "Retention", "cores dropped", STAT_COUNT,
     offsetof(struct store_stats, pruned_cores)},
    {"removed_crashes", NULL, "crashes deleted", STAT_COUNT,
     offsetof(struct store_stats, removed_crashes)},
    {"freed_bytes", NULL, "freed", STAT_SIZE, offsetof(struct store_stats, freed_bytes)},
    {"last_retention", NULL, "last freed", STAT_TIME,
     offsetof(struct store_stats, last_retention_us)},
};

static uint64_t number_of(const struct store_stats *values, const struct stat *stat)
{
    return *(const uint64_t *)((const char *)values + stat->offset);
}

static int64_t time_of(const struct store_stats *values, const struct stat *stat)
{
    return *(const int64_t *)((const char *)values + stat->offset);
}

static json_t *states_json(const struct store_stats *values)
{
    json_t *object = json_object();
    for (enum record_state state = 0; state <= RECORD_MISSING; state++)
        json_set_integer(object, record_state_name(state), (int64_t)values->states[state]);
    return object;
}

static void print_json(const struct call *call, const struct store *store,
                       const struct store_stats *values)
{
    struct json_stream json = json_stream_to(stdout, call->globals.json);
    json_t *object = json_object();

    json_set_text(object, "store", store_path(store));
    for (size_t i = 0; i < ARRAY_SIZE(stats); i++)
        if (stats[i].kind != STAT_TIME)
            json_set_integer(object, stats[i].key, (int64_t)number_of(values, &stats[i]));
        else if (time_of(values, &stats[i]) == CRASH_ABSENT)
            json_set_null(object, stats[i].key);
        else
            json_set_time(object, stats[i].key, time_of(values, &stats[i]));
    json_object_set_new(object, "states", states_json(values));
    json_stream_value(&json, object);
}

static void print_value(const struct store_stats *values, const struct stat *stat)
{
    char text[64], age[32];

    if (stat->kind == STAT_COUNT)
        printf("%" PRIu64, number_of(values, stat));
    else if (stat->kind == STAT_SIZE)
        fputs(human_size(text, number_of(values, stat)), stdout);
    else if (time_of(values, stat) == CRASH_ABSENT)
        fputs("never", stdout);
    else
        printf("%s (%s)", human_time(text, time_of(values, stat)),
               human_age(age, time_of(values, stat)));
}

static void print_states(const struct store_stats *values)
{
    printf("  %-20s", "cores");
    const char *separator = "";
    for (enum record_state state = 0; state <= RECORD_MISSING; state++) {
        if (values->states[state] == 0)
            continue;
        printf("%s%" PRIu64 " %s", separator, values->states[state], record_state_name(state));
        separator = ", ";
    }
    puts(*separator ? "" : "none");
}

static void print_text_stats(const struct store *store, const struct store_stats *values)
{
    printf("%sStore%s     ", style_on(STYLE_HEADING), style_off(STYLE_HEADING));
    print_text(stdout, store_path(store));
    printf("%s\n", store_sees_all(store) ? "" : " (your own crashes only)");
    for (size_t i = 0; i < ARRAY_SIZE(stats); i++) {
        if (stats[i].heading)
            printf("\n%s%s%s\n", style_on(STYLE_HEADING), stats[i].heading,
                   style_off(STYLE_HEADING));
        printf("  %-20s", stats[i].label);
        print_value(values, &stats[i]);
        putchar('\n');
        if (stats[i].offset == offsetof(struct store_stats, rows))
            print_states(values);
    }
}

static int run_stats(struct call *call, struct error *error)
{
    AUTO_STORE struct store *store = NULL;
    struct store_stats values = {0};

    int r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0)
        r = query_stats(store, &values, error);
    if (r < 0)
        return r;
    if (call->globals.json != JSON_OFF)
        print_json(call, store, &values);
    else
        print_text_stats(store, &values);
    return EXIT_DONE;
}

const struct command command_stats = {
    .name = "stats",
    .group = COMMAND_SYSTEM,
    .summary = "show counts, disk use, and what retention did",
    .usage = "",
    .run = run_stats,
};
