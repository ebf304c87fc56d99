/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - `inquest list`: the crashes of this machine, newest first. */
#include <errno.h>

#include "cli/command.h"

static int run_list(struct call *call, struct error *error)
{
    (void)call;
    return error_set(error, ENOSYS, "not yet");
}

const struct command command_list = {
    .name = "list",
    .group = COMMAND_LOOK,
    .summary = "show the crashes in a table, newest first",
    .usage = "[MATCH…]",
    .max_words = COMMAND_ANY_WORDS,
    .run = run_list,
};
