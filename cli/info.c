/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info.c - `inquest info`: everything that is known of a crash, then its backtrace. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crash.h"
#include "cli/facts.h"
#include "cli/json.h"
#include "cli/pager.h"
#include "cli/render.h"
#include "cli/selection.h"
#include "cli/subject.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"
#include "store/explain.h"
#include "store/keys.h"
#include "store/report.h"
#include "store/when.h"

struct info_settings {
    struct selection_settings selection;
    bool all;
};

static const struct option_spec info_options[] = {
    OPTION_FLAG('a', "all", struct info_settings, all,
                "also what /proc said: maps, limits, open files, …"),
    SELECTION_OPTIONS(struct info_settings, selection),
    SELECTION_ORDER_OPTIONS(struct info_settings, selection),
    OPTIONS_END,
};

enum { LABEL_WIDTH = 14 };

/* All that is known of one crash; what could not be had is NULL. */
struct known {
    struct store *store;
    const struct crash_row *row;
    const struct metadata *facts;
    const struct record *record;
    const struct report *report;
};

static void label(const char *text)
{
    printf("%s%*s:%s ", style_on(STYLE_DIM), LABEL_WIDTH, text, style_off(STYLE_DIM));
}

/* "NAME: text", where there is a text. */
static void line(const char *name, const char *text)
{
    if (!text || !*text)
        return;
    label(name);
    print_text(stdout, text);
    putchar('\n');
}

/* " (text)", where there is one. */
static void in_brackets(const char *text)
{
    if (!text || !*text)
        return;
    fputs(" (", stdout);
    print_text(stdout, text);
    putchar(')');
}

static const char *fact_text(const struct known *known, const char *key)
{
    return known->facts ? metadata_text(known->facts, key) : NULL;
}

static bool fact_number(const struct known *known, const char *key, uint64_t *ret)
{
    return known->facts && metadata_u64(known->facts, key, ret) == 0;
}

static void print_process(const struct known *known)
{
    const struct crash_row *row = known->row;

    label("ID");
    print_styled(stdout, STYLE_HEADING, row->id);
    putchar('\n');
    if (row->pid != CRASH_ABSENT) {
        label("PID");
        printf("%" PRId64, row->pid);
        in_brackets(row->text[CRASH_COMM]);
        if (row->ns_pid != CRASH_ABSENT && row->ns_pid != row->pid)
            printf(", %" PRId64 " in its namespace", row->ns_pid);
        putchar('\n');
    }
    if (row->tid != CRASH_ABSENT) {
        label("TID");
        printf("%" PRId64, row->tid);
        in_brackets(fact_text(known, KEY_THREAD_COMM));
        putchar('\n');
    }
    if (row->uid != CRASH_ABSENT) {
        label("UID");
        printf("%" PRId64, row->uid);
        in_brackets(row->text[CRASH_USER]);
        putchar('\n');
    }
    if (row->gid != CRASH_ABSENT) {
        label("GID");
        printf("%" PRId64 "\n", row->gid);
    }
}

static void print_signal(const struct known *known)
{
    const struct crash_row *row = known->row;
    uint64_t address, sender;

    if (row->signal == CRASH_ABSENT)
        return;
    label("Signal");
    printf("%" PRId64, row->signal);
    in_brackets(crash_signal_name(row->signal));
    if (row->si_code != CRASH_ABSENT)
        printf(", code %" PRId64, row->si_code);
    in_brackets(crash_code_name(row));
    if (fact_number(known, KEY_FAULT_ADDRESS, &address))
        printf(", address 0x%" PRIx64, address);
    if (fact_number(known, KEY_SENDER_PID, &sender))
        printf(", sent by process %" PRIu64, sender);
    if (fact_number(known, KEY_SENDER_UID, &sender))
        printf(" of user %" PRIu64, sender);
    putchar('\n');
}

static void print_times(const struct known *known)
{
    char text[WHEN_LOCAL_SIZE], age[32];

    label("Timestamp");
    when_local(text, known->row->time_us);
    printf("%s (%s)\n", text, human_age(age, known->row->time_us));
}

static enum style style_of_state(enum record_state state)
{
    return state == RECORD_FULL                                     ? STYLE_GOOD
           : state == RECORD_MISSING                                ? STYLE_BAD
           : state == RECORD_TRUNCATED || state == RECORD_CAPTURING ? STYLE_WARN
                                                                    : STYLE_PLAIN;
}

static void print_core(const struct known *known)
{
    const struct crash_row *row = known->row;
    enum record_state state = store_row_core(known->store, row);
    char core[16], stored[16], span[32];
    uint64_t number;

    label("Core");
    print_styled(stdout, style_of_state(state), record_state_name(state));
    if (row->core_size != CRASH_ABSENT)
        printf(", %s", human_size(core, (uint64_t)row->core_size));
    if (row->stored_size != CRASH_ABSENT)
        printf(", %s on disk", human_size(stored, (uint64_t)row->stored_size));
    if (row->pinned)
        fputs(", pinned", stdout);
    putchar('\n');
    line("Why", row->text[CRASH_REASON]);
    if (fact_number(known, KEY_LEFT_OUT, &number) && number > 0) {
        label("Left out");
        printf("%s\n", human_size(core, number));
    }
    if (row->count > 1) {
        label("Count");
        printf("%" PRIu64 " crashes\n", row->count);
    }
    if (fact_number(known, KEY_HELD_US, &number)) {
        label("Held");
        printf("the process was let go after %s", human_span(span, number));
        if (fact_number(known, KEY_TAKEN_US, &number))
            printf(", written after %s", human_span(span, number));
        putchar('\n');
    }
}

static void print_storage(const struct known *known)
{
    AUTO_FREE char *path = NULL;

    if (store_record_path(known->store, known->row, &path) == 0)
        line("Storage", path);
    if (!known->report) /* behind which it is told */
        line("Signature", known->row->signature);
}

/* What goes without saying. */
static bool is_usual(const struct fact_kind_of *kind, const struct fact *fact)
{
    return strcmp(kind->key, KEY_ROOT) == 0 && strcmp(fact->value, "/") == 0;
}

/* The facts that have a label of their own, as the table orders them. */
static void print_labelled(const struct known *known)
{
    for (const struct fact_kind_of *kind = fact_kinds; kind->key; kind++) {
        const struct fact *fact =
            known->facts && kind->label ? metadata_get(known->facts, kind->key) : NULL;
        if (!fact || fact->size == 0 || is_usual(kind, fact))
            continue;
        label(kind->label);
        fact_print(stdout, kind, fact, LABEL_WIDTH + 2);
        if (strcmp(kind->key, KEY_EXE) == 0 && fact_text(known, KEY_EXE_DELETED))
            printf(" %s(deleted)%s", style_on(STYLE_WARN), style_off(STYLE_WARN));
        putchar('\n');
    }
    if (!known->facts) {
        line("Executable", known->row->text[CRASH_EXE]);
        line("Hostname", known->row->text[CRASH_HOSTNAME]);
        line("Unit", known->row->text[CRASH_UNIT]);
        line("Container", known->row->text[CRASH_CONTAINER]);
    }
    if (!fact_text(known, KEY_PACKAGE))
        line("Package", known->row->text[CRASH_PACKAGE]);
}

/* With --all: whatever has no line yet. */
static void print_rest(const struct known *known)
{
    for (size_t i = 0; known->facts && i < metadata_count(known->facts); i++) {
        const struct fact *fact = metadata_at(known->facts, i);
        const struct fact_kind_of *kind = fact_kinds;
        while (kind->key && strcmp(kind->key, fact->key) != 0)
            kind++;
        if (kind->label)
            continue;
        printf("\n%s", style_on(STYLE_HEADING));
        print_text(stdout, fact->key);
        printf("%s: ", style_off(STYLE_HEADING));
        fact_print(stdout, kind, fact, 2);
        putchar('\n');
    }
}

static int print_backtrace(const struct known *known)
{
    struct render_input input = {.id = known->row->id, .report = known->report};
    struct render_options options = {
        .colour = terminal_has_colour(),
        .signal_told = known->row->signal != CRASH_ABSENT,
    };

    putchar('\n');
    if (known->report)
        return render_text(stdout, &input, &options);
    printf("%sNo backtrace%s: %s\n", style_on(STYLE_WARN), style_off(STYLE_WARN),
           known->row->analysis == CRASH_HOPELESS ? "nothing of the process's memory was kept."
                                                  : "not analysed yet; `inquest analyze` does it.");
    return 0;
}

static int print_text_info(const struct known *known, const struct info_settings *settings)
{
    print_process(known);
    print_signal(known);
    print_times(known);
    print_labelled(known);
    print_core(known);
    print_storage(known);
    if (settings->all)
        print_rest(known);
    return print_backtrace(known);
}

/* The keys of `list --json`, and everything. */
static int print_json_info(struct json_stream *json, const struct known *known)
{
    int r = 0;

    json_stream_open(json, '{');
    crash_json(known->store, known->row, json);
    json_stream_member(json, "metadata", facts_json(known->facts));
    json_stream_key(json, "report");
    if (known->report) {
        struct render_input input = {
            .id = known->row->id, .facts = known->facts, .report = known->report};
        r = render_json(json, &input, &(struct render_options){.all = true});
    } else {
        json_stream_value(json, NULL);
    }
    json_stream_close(json);
    return r;
}

struct info {
    struct call *call;
    struct json_stream json;
    size_t shown;
};

static int show(void *context, struct store *store, const struct crash_row *row,
                struct error *error)
{
    struct info *info = context;
    AUTO_CRASH_RECORD struct crash_record file = CRASH_RECORD_NONE;
    AUTO_REPORT struct report *report = NULL;
    struct error ignored = {0};
    bool as_json = info->call->globals.json != JSON_OFF;
    struct known known = {.store = store, .row = row};

    /* What cannot be read is left out: the row knows the most of it. */
    if (crash_record_open(store, row, &file, &ignored) == 0) {
        known.record = file.record;
        known.facts = record_metadata(file.record);
    } else if (ignored.code != ENOENT) {
        command_warn("%s", ignored.text);
    }
    if (subject_report(info->call, store, row, !as_json, &report, &ignored) == 0)
        known.report = report;
    else if (ignored.code != ENOENT)
        command_warn("%s: %s", row->id, ignored.text);

    if (info->shown++ == 0)
        pager_start(info->call);
    else if (!as_json)
        putchar('\n');
    int r = as_json ? print_json_info(&info->json, &known)
                    : print_text_info(&known, info->call->settings);
    if (r < 0)
        return error_errno(error, -r, "cannot show %s", row->id);
    return ferror(stdout) ? -EPIPE : 0;
}

static int show_several(struct info *info, const struct selection_settings *selection,
                        struct store *store, struct error *error)
{
    bool as_json = info->call->globals.json != JSON_OFF;

    if (as_json)
        json_stream_open(&info->json, '[');
    int r = selection_each(info->call, selection, store, 1, show, info, error);
    if (as_json)
        json_stream_close(&info->json);
    if (r == -ENOENT && as_json) {
        command_note(info->call, "%s", error->text);
        return EXIT_NOTHING;
    }
    return r;
}

static int run_info(struct call *call, struct error *error)
{
    const struct info_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct info info = {.call = call, .json = json_stream_to(stdout, call->globals.json)};

    int r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0 && settings->selection.limit > 0) {
        r = show_several(&info, &settings->selection, store, error);
    } else if (r == 0) {
        r = selection_one(call, &settings->selection, store, &row, error);
        if (r == 0)
            r = show(&info, store, row, error);
    }
    return selection_end(call, r == -EPIPE ? 0 : r, error);
}

const struct command command_info = {
    .name = "info",
    .aliases = {"show"},
    .group = COMMAND_LOOK,
    .summary = "show everything that is known of a crash, and its backtrace",
    .usage = "[CRASH]",
    .description =
        "Without CRASH it is the latest. With -n it may be several, and JSON an array.\n",
    .options = info_options,
    .settings_size = sizeof(struct info_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_info,
};
