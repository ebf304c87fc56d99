/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads.h - what the victim's threads are called, and by which number outside of its namespace.
 */
#pragma once

#include "hook/arguments.h"
#include "hook/victim.h"
#include "store/metadata.h"

/*
 * Sets KEY_THREADS: a core names no thread, and numbers them as the victim saw them. Of a process
 * with very many threads only some, for it is held meanwhile.
 */
void threads_gather(const struct victim *victim, const struct arguments *arguments,
                    struct metadata *ret);
