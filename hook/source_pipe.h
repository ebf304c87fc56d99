/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source_pipe.h - the core as the kernel sends it, byte for byte, from the pipe.
 *
 * Works on every kernel and for every process, and is where other sources fall back to.
 */
#pragma once

#include "hook/source.h"

struct plan; /* plan.h: the front of the core, read from the pipe */

/*
 * `pipe` is O_NONBLOCK, stays the caller's and is read no more after `deadline` or once
 * source_pipe_stop() was called. The content starts with plan->head; `skip` bytes of the content
 * are left out of the chunks (they were stored already).
 */
int source_pipe_new(int pipe, const struct plan *plan, uint64_t skip, uint64_t deadline,
                    struct source **ret, struct error *error);
