/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_file.h - cores that are in no store, and cores taken out of one.
 *
 * A core from anywhere is a plain ELF core, one compressed with zstd, or a record; from a file or
 * from stdin. It becomes a descriptor that can be read anywhere: the file itself, or an unlinked
 * temporary one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/record.h"

/* True for a word that means a file and not a crash: "-", or a path with a slash to a regular file
 * that is no program. */
bool core_file_is_meant(const char *word);

/* max_core: what comes by a pipe, or out of what is compressed, has no more to give than a core can
 * have here. */
uint64_t core_file_largest(void);

/*
 * Opens a file from anywhere: "-" is stdin. What a pipe gives is copied to an unlinked temporary
 * file, at most max_core of it, and nothing that begins as no core, record or bundle does; no other
 * file than a regular one is waited for. Returns a descriptor at its start or a negative errno.
 */
int core_file_open_input(const char *path, struct error *error);

/* Opens it for analysis_run(). "-" is stdin. Returns a descriptor or a negative errno; -EBADMSG
 * where it is neither of these. */
int core_file_open(const char *path, struct error *error);

/* Writes the record's core (core_compose.h) to `fd` from its position on, with holes where it is
 * zero, and sets the size. */
int core_file_extract(struct record *record, int fd, bool *ret_whole, struct error *error);

/* Copies a whole file, zeros as holes. */
int core_file_copy(int from, int to, struct error *error);
