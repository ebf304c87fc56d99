/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * served.h - where another user serves files (FUSE): who opens one waits for his server, in the
 * kernel and for as long as he likes; not even SIGKILL ends that.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/base/bytes.h"

/* Reads which directories such filesystems are mounted on, of this mount namespace: those that
 * neither root nor the real user serves. Without /proc there are none. Free with bytes_free(). */
void served_load(struct bytes *ret);

/* Takes the text of /proc/self/mountinfo for it. */
void served_parse(const char *mountinfo, uid_t own, struct bytes *ret);

/* Whether a path from / leads through one of them, even if it leads out again by "..", or is too
 * long to tell. Links are not looked at. */
bool served_has(const struct bytes *served, const char *path);
