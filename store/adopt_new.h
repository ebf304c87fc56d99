/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt_new.h - what comes to lie in new/ before it is adopted: dead hooks' records, imports.
 */
#pragma once

#include <stdbool.h>

#include "store/base/error.h"
#include "store/layout.h"
#include "store/metadata.h"
#include "store/store.h"

#define ADOPT_DAMAGED_SUFFIX ".damaged" /* of a file in new/ that is no record */

/* Opens new/ of the store that is written to. A descriptor or a negative errno. */
int adopt_open_new(struct store *store, struct error *error);

/*
 * 1: ID.core.zst.part of `newfd` was a dead hook's and is ID.core.zst now (or the next free id);
 * 0: its hook lives, or has just finished. What holds no whole fact becomes a record of what its
 * name says: when, and which process.
 */
int adopt_part(int newfd, const char *id, struct error *error);

/* The file is there, and no hook is at it. */
bool adopt_is_dead(int newfd, const char *name);

/*
 * Clears away .ID.core.zst.part, which a dead hook had on its way to ID.core.zst.part: newer facts
 * of a crash that has a record, or the first ones of a crash that has none (and is not known in the
 * index either), which then get that name. Returns 0 also where its hook lives.
 */
int adopt_hidden(int newfd, const char *id, bool is_known);

/* Waits for whoever adopts from new/: until io_unlock(), or adopt_one(), nobody else does. */
int adopt_lock(int newfd, struct error *error);

/* Adopts new/ID.core.zst alone, of a new/ that is locked since before it had this name, and gives
 * the lock back. The row may have another id: the next free one. */
int adopt_one(struct store *store, int newfd, const char *id, struct crash_row **ret,
              struct error *error);

/* A file without a name in new/, to write a record to. A descriptor or a negative errno. */
int adopt_make_file(int newfd, struct error *error);

/* fsyncs such a file and gives it the name of the first id of these facts that new/ and the index
 * have free. */
int adopt_name_file(struct store *store, int newfd, int fd, const struct metadata *facts,
                    char ret_id[static LAYOUT_ID_SIZE], struct error *error);
