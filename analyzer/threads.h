/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads.h - what a record knows of the victim's threads beyond its core: their names, and their
 * numbers outside of its pid namespace. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/metadata.h"

struct threads;

/* From KEY_THREADS of `metadata` (may be NULL), which must outlive it. NULL without memory. */
struct threads *threads_new(const struct metadata *metadata);
void threads_free(struct threads *threads);

/* The name of the thread that its core calls `tid`, or NULL. */
const char *threads_name(const struct threads *threads, uint32_t tid);

/* Its number in the initial namespace; `tid` where nothing else is known. */
uint32_t threads_global_tid(const struct threads *threads, uint32_t tid);

CLEANUP_FUNCTION(struct threads, threads_free)
#define AUTO_THREADS CLEANUP(threads_free_cleanup)
