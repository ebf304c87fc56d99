/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ownership.h - which installed package a file belongs to, asked of the package managers'
 * databases.
 *
 * dpkg's and pacman's file lists and apk's database are read directly; rpm's by running rpm(8),
 * for the host alone. The databases of a container are hostile: they are read bounded, without
 * following links.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/error.h"

enum { OWNER_SIZE = 192 }; /* room for "name version" and its NUL */

struct ownership {
    const char *path;       /* absolute */
    char owner[OWNER_SIZE]; /* "" where nobody owns it */
};

/*
 * Fills in the owners of `count` files of the system whose root directory is `root`: one pass over
 * the database for all of them. `is_host`: it is this system, whose programs may be run, and which
 * `index_fd` (or -1) is the index of.
 */
void ownership_find(int root, bool is_host, int index_fd, struct ownership *files, size_t count);

/* The store's index of this system's files, which saves most of that pass: a descriptor, the
 * caller's to close, or a negative errno. */
int ownership_open_index(int storefd);

/* Makes that index anew where it is out of date and fits into `limit` bytes of cache. For the
 * keeper that holds the lock of analyses. */
int ownership_refresh_index(int storefd, uint64_t limit, struct error *error);
