/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analyze.c - `inquest analyze`: makes reports anew, as when debug symbols have come since. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/selection.h"
#include "cli/subject.h"
#include "cli/terminal.h"

struct analyze_settings {
    struct selection_settings selection;
    struct analysis_settings analysis;
    bool pending;
};

static const struct option_spec analyze_options[] = {
    OPTION_FLAG(0, "pending", struct analyze_settings, pending, "only those without a report"),
    SELECTION_OPTIONS(struct analyze_settings, selection),
    SELECTION_ORDER_OPTIONS(struct analyze_settings, selection),
    ANALYSIS_OPTIONS(struct analyze_settings, analysis),
    OPTIONS_END,
};

struct progress {
    const struct call *call;
    const struct analyze_settings *settings;
    struct store *store; /* open for writing */
    unsigned failed;
};

static void tell(const struct call *call, const struct crash_row *row, const struct report *report)
{
    if (call->globals.quiet)
        return;
    printf("%s  ", row->id);
    print_text(stdout, crash_program(row));
    fputs(": ", stdout);
    print_text(stdout, report->reason);
    fputc('\n', stdout);
    fflush(stdout);
}

static int analyze_one(void *context, struct store *store, const struct crash_row *row,
                       struct error *error)
{
    struct progress *progress = context;
    AUTO_REPORT struct report *report = NULL;

    if (progress->settings->pending && row->analysis == CRASH_ANALYZED)
        return 0;
    *error = (struct error){0};
    int r = subject_analyze(store, row, &progress->settings->analysis, &report, error);
    if (r == 0) {
        tell(progress->call, row, report);
        return 0;
    }
    /* The library's messages name the crash where they can. */
    bool named = strstr(error->text, row->id);
    command_warn("%s%s%s", named ? "" : row->id, named ? "" : ": ", error->text);
    progress->failed++;
    return 0; /* one that cannot be explained does not keep the others from it */
}

static void adopt_first(struct store *store)
{
    for (unsigned looks = 1; !change_adopt(store) && looks < CHANGE_LOOKS_MAX; looks++)
        (void)usleep(CHANGE_MOMENT_US);
}

static int run_analyze(struct call *call, struct error *error)
{
    struct analyze_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    struct progress progress = {.call = call, .settings = settings};
    bool plain = call->word_count == 0 && !selection_narrows(&settings->selection) &&
                 settings->selection.limit == 0 && !settings->pending;

    /* Without a word it is the latest, as everywhere, and not the whole store. */
    if (plain)
        settings->selection.one = true;
    int r = selection_open_store(call, STORE_WRITE, &store, error);
    if (r == 0) {
        adopt_first(store);
        r = selection_each(call, &settings->selection, store, 0, analyze_one, &progress, error);
    }
    if (r == 0 && progress.failed > 0)
        return EXIT_FAILED;
    return selection_end(call, r, error);
}

const struct command command_analyze = {
    .name = "analyze",
    .group = COMMAND_KEEP,
    .summary = "make reports anew, as after debug symbols were installed",
    .usage = "[CRASH…]",
    .options = analyze_options,
    .settings_size = sizeof(struct analyze_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_analyze,
};
