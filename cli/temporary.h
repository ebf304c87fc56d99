/* SPDX-License-Identifier: GPL-2.0-or-later */
/* temporary.h - files that are gone when the command is: spooled input, extracted cores. */
#pragma once

#include <limits.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"

/* $TMPDIR, else /var/tmp: cores are large, and /tmp is often memory. */
const char *temporary_place(void);

/* An unlinked file, read and written through the descriptor that is returned, or a negative errno.
 */
int temporary_file(struct error *error);

/* A new directory, mode 0700, for programs that need names. Returns 0 or a negative errno. */
int temporary_directory_make(char ret[static PATH_MAX], struct error *error);

/* Removes it with everything in it, following no link. Nothing for "". */
void temporary_directory_remove(const char *path);
