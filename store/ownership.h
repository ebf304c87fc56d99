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

#include <stddef.h>

enum { OWNER_SIZE = 192 }; /* room for "name version" and its NUL */

struct ownership {
    const char *path;       /* absolute */
    char owner[OWNER_SIZE]; /* "" where nobody owns it */
};

/* Fills in the owners of `count` files of the system whose root directory is `root`: one pass over
 * the database for all of them. `is_host`: programs of that system may be run. */
void ownership_find(int root, int is_host, struct ownership *files, size_t count);
