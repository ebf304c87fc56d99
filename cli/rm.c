/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rm.c - `inquest rm`: deletes crashes with all that is kept of them. */
#include "cli/change.h"

static const struct option_spec rm_options[] = {
    CHANGE_OPTIONS,
    OPTION_FLAG('f', "force", struct change_settings, force, "pinned ones, too"),
    OPTIONS_END,
};

static int remove_one(const struct change_settings *settings, struct store *store,
                      const struct crash_row *row, const char **ret_why, struct error *error)
{
    int r = store_remove(store, row, settings->force, error);
    if (r == 1)
        *ret_why = "left alone: it is pinned (--force deletes it all the same)";
    return r < 0 ? r : r == 1 ? CHANGE_LEFT : CHANGE_DONE;
}

static int run_rm(struct call *call, struct error *error)
{
    static const struct change removal = {
        .question = "Delete",
        .done = "deleted",
        .key = "deleted",
        .asks = true,
        .apply = remove_one,
    };
    return change_run(call, &removal, error);
}

const struct command command_rm = {
    .name = "rm",
    .aliases = {"delete"},
    .group = COMMAND_KEEP,
    .summary = "delete crashes: core, facts and report",
    .usage = "MATCH…",
    .description = "Deletes what `inquest list MATCH…` shows. Where that is more than one, --all\n"
                   "or -1 says that it is meant, or each is named by its id.\n",
    .options = rm_options,
    .settings_size = sizeof(struct change_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_rm,
};
