/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * change.h - what rm, pin and unpin share: they need an argument, refuse several crashes without
 * --all, ask on a terminal unless -y, and say what became of each.
 */
#pragma once

#include <jansson.h>

#include "cli/command.h"
#include "cli/selection.h"

struct change_settings {
    struct selection_settings selection;
    bool all;
    bool yes;
    bool force;
};

#define CHANGE_OPTIONS                                                                             \
    OPTION_FLAG('a', "all", struct change_settings, all, "every one that matches, not only one"),  \
        OPTION_FLAG('y', "yes", struct change_settings, yes, "don't ask"),                         \
        SELECTION_OPTIONS(struct change_settings, selection),                                      \
        SELECTION_ORDER_OPTIONS(struct change_settings, selection)

enum change_result {
    CHANGE_DONE,
    CHANGE_LEFT, /* left alone */
};

struct change {
    const char *question; /* "Delete", "Pin": "… 3 crashes?" */
    const char *done;     /* "deleted" */
    const char *key;      /* in JSON: whether it is done */
    bool asks;            /* on a terminal */
    /* Does it to one crash. CHANGE_*, or a negative errno with an error. With CHANGE_LEFT
     * *ret_why says why. */
    int (*apply)(const struct change_settings *settings, struct store *store,
                 const struct crash_row *row, const char **ret_why, struct error *error);
};

enum { CHANGE_LOOKS_MAX = 50, CHANGE_MOMENT_US = 20000 };

/* What hooks have just left is changed where it is going to stay. False where somebody else is at
 * it: another look, after a moment, may find more. */
bool change_adopt(struct store *store);

int change_run(struct call *call, const struct change *change, struct error *error);
