/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugger.h - starts a debugger and waits for it, by itself or as nobody. */
#pragma once

#include <stdbool.h>

#include "store/base/error.h"

enum { DEBUGGER_NOBODY = 65534 };

/*
 * Runs `arguments` (NULL behind the last; the program is looked up in PATH) on this terminal and
 * returns its exit status, 128 and the signal's number where one ended it, 127 where there is no
 * such program; a negative errno where none could be started. It works in `directory` (NULL: in
 * this one). With `drop` it becomes the user nobody, without groups and for good.
 */
int debugger_run(const char *const *arguments, const char *directory, bool drop,
                 struct error *error);
