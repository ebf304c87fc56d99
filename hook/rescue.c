/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rescue.c - a small valid core that is enough for a backtrace. */
#include "hook/rescue.h"

#include <errno.h>

int rescue_build(const struct victim *victim, const struct plan *plan, enum rescue_depth depth,
                 struct bytes *ret, struct error *error)
{
    (void)victim;
    (void)plan;
    (void)depth;
    (void)ret;
    return error_set(error, ENOSYS, "the rescue core is not built in");
}
