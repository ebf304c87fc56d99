/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view.h - the indexes of users: crashes/<uid>/index.db, with what that user may read.
 *
 * Derived from the whole index, which remembers in its table `change` what a user's has not heard
 * of yet. A view is made with an ACL that lets its user read it. He could lock it as long as he
 * likes, which is why nobody waits for it: a view that cannot be changed in a moment, or that has
 * grown a log because of a reader who never ends, is made anew beside it and put in its place.
 */
#pragma once

#include "store/base/error.h"
#include "store/index.h"

/* Brings all views up to date. The caller holds the store's lock, and no transaction. */
int view_sync(struct index *index, int storefd, struct error *error);

/* Has every view made anew at the next view_sync(). In a transaction of the caller. */
int view_forget_all(struct index *index, struct error *error);

/*
 * Looks for the records of each view whose directory changed since the last time, and remembers in
 * the view when that was if all are there. Needs no lock, and takes a moment for each: for who has
 * nothing else to do.
 */
int view_look(struct index *index, int storefd, struct error *error);

/* True where that was found of this view, and no name came to its directory or went since. */
bool view_is_whole(struct index *own, int dirfd);
