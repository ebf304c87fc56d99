/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debug_cache.h - this system's debug files with their sections decompressed, made once and not in
 * every analysis: most crashes have frames in the same few libraries.
 *
 * cache/<build-id>.debug; an empty one says that there is nothing to gain by it. Decompressed by
 * the analyzer in its cage, which sees the installed file and no core meanwhile: nothing that a
 * crash says comes into it but which files are worth it.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/report.h"
#include "store/store.h"

enum {
    DEBUG_CACHE_WANTED = 32, /* remembered; most of them are there already, or have no such file */
    DEBUG_CACHE_ID_SIZE = 2 * 64 + 1,
};

/* Where the installed file lies that has this build-id, of three hex digits at least. */
void debug_cache_installed(char ret[static PATH_MAX], const char *id);

/* Build-ids of modules whose debug information was read. */
struct debug_cache_wanted {
    char ids[DEBUG_CACHE_WANTED][DEBUG_CACHE_ID_SIZE];
    size_t count;
};

/* Adds those of a report, as far as there is room. */
void debug_cache_note(struct debug_cache_wanted *wanted, const struct report *report);

/* Makes some of what is wanted and missing, the oldest giving way beyond `limit` bytes of all of
 * cache/. Tells the last failure; the others are done all the same. The store, open for writing, is
 * left while the analyzer runs: only root can end one that does not end by itself. */
int debug_cache_fill(const struct debug_cache_wanted *wanted, struct store *store, uint64_t limit,
                     struct error *error);
