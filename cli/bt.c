/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bt.c - `inquest bt`: why a program crashed, and the stacks of its threads. */
#include <errno.h>

#include "cli/pager.h"
#include "cli/selection.h"
#include "cli/subject.h"
#include "cli/terminal.h"

struct bt_settings {
    struct analysis_settings analysis;
    bool all, registers;
    uint64_t frames;
    const char *thread;
};

static const struct option_spec bt_options[] = {
    OPTION_FLAG('a', "all", struct bt_settings, all,
                "each thread and frame, even where they are equal"),
    OPTION_TEXT(0, "thread", "THREAD", struct bt_settings, thread,
                "only this one, by its tid or name"),
    OPTION_NUMBER(0, "frames", "N", 1, struct bt_settings, frames, "at most N frames of each"),
    OPTION_FLAG(0, "registers", struct bt_settings, registers, "show the registers, too"),
    ANALYSIS_OPTIONS(struct bt_settings, analysis),
    OPTIONS_END,
};

static bool has_thread(const struct report *report, const struct render_options *options)
{
    for (size_t i = 0; i < report->n_threads; i++)
        if (render_wants_thread(options, &report->threads[i]))
            return true;
    return !options->thread;
}

static int print(const struct call *call, const struct render_input *input,
                 const struct render_options *options)
{
    if (call->globals.json == JSON_OFF)
        return render_text(stdout, input, options);
    struct json_stream json = json_stream_to(stdout, call->globals.json);
    return render_json(&json, input, options);
}

static int run_bt(struct call *call, struct error *error)
{
    const struct bt_settings *settings = call->settings;
    AUTO_SUBJECT struct subject subject = SUBJECT_NONE;
    const struct render_options options = {
        .all = settings->all,
        .registers = settings->registers,
        .frames = settings->frames,
        .thread = settings->thread,
        .colour = terminal_has_colour(),
    };

    int r = subject_open(call, call->words[0], &settings->analysis, &subject, error);
    if (r < 0)
        return selection_end(call, r, error);
    if (!has_thread(subject.report, &options)) {
        error_set(error, ENOENT, "no thread '%s'", options.thread);
        return selection_end(call, -ENOENT, error);
    }
    const struct render_input input = subject_input(&subject);
    pager_start(call);
    r = print(call, &input, &options);
    return r < 0 ? r : subject_exit_code(&subject);
}

const struct command command_bt = {
    .name = "bt",
    .aliases = {"backtrace"},
    .group = COMMAND_LOOK,
    .summary = "show why it crashed, and the stacks of all threads",
    .usage = "[CRASH|COREFILE]",
    .description =
        "An argument with a slash that is a file and no program, or \"-\", is a core or a record\n"
        "from anywhere: it is analysed as you, and nothing is stored. A `?` before a frame means\n"
        "that it is a guess. Threads with equal stacks are shown once, and so are the frames of a\n"
        "recursion.\n",
    .options = bt_options,
    .settings_size = sizeof(struct bt_settings),
    .max_words = 1,
    .run = run_bt,
};
