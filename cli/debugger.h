/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugger.h - starts a debugger and waits for it, by itself or as a user of its own. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/base/error.h"

/* Whom root's debugger becomes. */
struct debugger_user {
    uid_t uid;
    gid_t gid;
    bool is_alone; /* no other process has it: what it leaves can be told */
};

/*
 * Chooses ids that no other process has, which could look into the debugger, or at what it may
 * read: at random, of a range that nobody gives out. Where there are none, as in a container with
 * few ids, they are those of the analyzer, which looks at nothing. Asks for root's rights. Returns
 * 0, or -ENOENT where there is neither.
 */
int debugger_choose_user(struct debugger_user *ret);

/*
 * Runs `arguments` (NULL behind the last; the program is looked up in PATH) on this terminal and
 * returns its exit status, 128 and the signal's number where one ended it, 127 where there is no
 * such program; a negative errno where none could be started. It works in `directory` (NULL: in
 * this one). With a `user` it becomes that one, without groups and for good; what it leaves
 * behind is ended where that can be told from others, and the terminal is as it was.
 */
int debugger_run(const char *const *arguments, const char *directory,
                 const struct debugger_user *user, struct error *error);
