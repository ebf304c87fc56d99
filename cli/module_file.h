/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module_file.h - the exact ELF file of a module that a report names.
 *
 * A report's paths are the victim's choice: a file is only given out when the build-id in it is the
 * one that the core had, so that no path makes root hand out another file.
 */
#pragma once

#include <stdbool.h>

#include "store/base/error.h"
#include "store/report.h"

/* Reads the build-id of an ELF file of either class and byte order, as lower-case hex. -ENODATA
 * where it has none, -EBADMSG where it is no ELF file. Reads at most some hundred KiB. */
enum { MODULE_BUILD_ID_SIZE = 129 };
int module_file_build_id(int fd, char ret[static MODULE_BUILD_ID_SIZE]);

/* Reads the name by which other modules need it (DT_SONAME), tame as below and without a slash.
 * -ENODATA where it has none. */
enum { MODULE_SONAME_SIZE = 128 };
int module_file_soname(int fd, char ret[static MODULE_SONAME_SIZE]);

/*
 * The module's path as one below another directory: without the mark that the kernel puts behind
 * the names of unlinked files. False where it is not tame: absolute, without "." or "..", of
 * printable ASCII without quotes, blanks or backslashes, and not too long for an archive.
 */
enum { MODULE_PLACE_SIZE = 201 };
bool module_file_place(const struct report_module *module, char ret[static MODULE_PLACE_SIZE]);

/* Opens a regular file for reading, and nothing else, by its path; -EREMOTE where that leads to
 * what another user serves (served.h), who may let us wait. Returns a descriptor or a negative
 * errno. */
int module_file_open_installed(const char *place);

/* Opens the module's file: the store's copy (`store_fd`, -1: no store), that which came with the
 * crash (`kept`, as of analysis.h), else its path below `sysroot` (NULL: /). Returns a descriptor,
 * or -ENOENT where no such file has its build-id. */
int module_file_open(const struct report_module *module, int store_fd, const char *kept,
                     const char *sysroot, struct error *error);
