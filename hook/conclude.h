/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conclude.h - what is done with the record once the worker has ended: salvage, commit, the log.
 *
 * The victim is let go by then.
 */
#pragma once

#include "hook/arguments.h"
#include "hook/part.h"

/*
 * `status` is the worker's wait status, `message` what it complained about. A record that the
 * worker did not finish is ended by a caged process of its own, for it may be in any state. Returns
 * 1 where a record is committed, 0 where none is wanted; else the log says what was lost.
 */
int conclude(const struct arguments *arguments, struct part *part, int status, const char *message);
