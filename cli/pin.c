/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin.c - `inquest pin` and `inquest unpin`: crashes that no budget deletes. */
#include "store/pin.h"
#include "cli/change.h"

static const struct option_spec pin_options[] = {CHANGE_OPTIONS, OPTIONS_END};

static int pin_one(const struct change_settings *settings, struct store *store,
                   const struct crash_row *row, const char **ret_why, struct error *error)
{
    (void)settings;
    (void)ret_why;
    int r = pin_set(store, row, error);
    return r < 0 ? r : CHANGE_DONE;
}

static int unpin_one(const struct change_settings *settings, struct store *store,
                     const struct crash_row *row, const char **ret_why, struct error *error)
{
    (void)settings;
    (void)ret_why;
    int r = pin_clear(store, row, error);
    return r < 0 ? r : CHANGE_DONE;
}

static int run_pin(struct call *call, struct error *error)
{
    static const struct change pinning = {
        .question = "Pin", .done = "pinned", .key = "pinned", .asks = true, .apply = pin_one};
    return change_run(call, &pinning, error);
}

static int run_unpin(struct call *call, struct error *error)
{
    static const struct change unpinning = {.question = "Unpin",
                                            .done = "unpinned",
                                            .key = "unpinned",
                                            .asks = true,
                                            .apply = unpin_one};
    return change_run(call, &unpinning, error);
}

const struct command command_pin = {
    .name = "pin",
    .group = COMMAND_KEEP,
    .summary = "keep crashes whatever the budgets say",
    .usage = "MATCH…",
    .options = pin_options,
    .settings_size = sizeof(struct change_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_pin,
};

const struct command command_unpin = {
    .name = "unpin",
    .group = COMMAND_KEEP,
    .summary = "let the budgets decide about crashes again",
    .usage = "MATCH…",
    .options = pin_options,
    .settings_size = sizeof(struct change_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_unpin,
};
