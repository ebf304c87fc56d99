/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * system_files.h - the small files of a system that setup, unsetup and doctor read and write.
 *
 * Every path is below a root directory: "" is the running system, anything else an image that is
 * being prepared (or a test), whose own files alone are touched.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "store/base/bytes.h"
#include "store/base/error.h"

/* ROOT + path. 0 or -ENAMETOOLONG. */
int system_path(char ret[static PATH_MAX], const char *root, const char *path);

bool system_exists(const char *root, const char *path);

/* The first line, without its newline and cut to the room there is. 0 or a negative errno. */
int system_read_line(const char *root, const char *path, char *ret, size_t size);

/* Everything, at most 1 MiB. 0 or a negative errno. */
int system_read(const char *root, const char *path, struct bytes *ret);

/*
 * Puts a file with this content in place, whole or not at all (temporary file, fsync, rename), and
 * makes the directories on the way. A file that says the same already is left alone: *ret_changed
 * tells.
 */
int system_write(const char *root, const char *path, const char *text, mode_t mode,
                 bool *ret_changed, struct error *error);

/* Makes the directories that lead to `path` (0755). 0 or a negative errno. */
int system_make_parents(const char *root, const char *path);

/* Adds text to the end of a file that is there, on a line of its own. */
int system_append(const char *root, const char *path, const char *text, struct error *error);

/* Makes `path` a symbolic link to `target`, in place of a link that is there. Anything else there
 * is an error (-EEXIST). */
int system_link(const char *root, const char *path, const char *target, struct error *error);

/* Removes a file; that it isn't there is no error. */
int system_remove(const char *root, const char *path, struct error *error);

/*
 * Runs a program by its name, looked up in the system's directories only, with stdin from and
 * output to nowhere. Returns its exit status, 128 + N where signal N ended it, or a negative errno
 * (-ENOENT: no such program).
 */
int system_run(const char *const argv[]);
