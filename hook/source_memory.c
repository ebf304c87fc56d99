/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source_memory.c - the core's bytes from the held process itself. */
#include "hook/source_memory.h"

#include <errno.h>

int source_memory_new(const struct victim *victim, const struct plan *plan, struct source **ret,
                      struct error *error)
{
    (void)victim;
    (void)plan;
    (void)ret;
    return error_set(error, ENOSYS, "reading the process's memory is not built in");
}
