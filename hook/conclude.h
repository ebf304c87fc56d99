/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conclude.h - what is done with the record once the worker has ended: salvage, commit, the log.
 *
 * The victim is let go by then.
 */
#pragma once

#include "hook/arguments.h"
#include "hook/part.h"

enum conclusion {
    CONCLUSION_NOTHING,   /* no record is wanted */
    CONCLUSION_LEFT,      /* it is the keeper's to end */
    CONCLUSION_COMMITTED, /* it is whole, and has its name */
};

/*
 * `status` is the worker's wait status, `message` what it complained about. A record that the
 * worker did not finish is ended by a caged process of its own, for it may be in any state; where
 * not even that works, the keeper finds a dead .part. Returns an enum conclusion, or -EIO where the
 * record is lost, and the log says so.
 */
int conclude(const struct arguments *arguments, struct part *part, int status, const char *message);
