/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tar.h - writes a tar archive, compressed with zstd, a piece at a time.
 *
 * The format is POSIX ustar with GNU's base-256 sizes for members of 8 GiB and more. Members belong
 * to root and have the archive's time, so that the same content gives the same archive.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"

struct tar;

enum { TAR_NAME_MAX = 100, TAR_PREFIX_MAX = 155 }; /* bytes: a longer name is split at a slash */

/* `fd` stays the caller's. Returns 0 or -ENOMEM. */
int tar_open(int fd, time_t time, struct tar **ret, struct error *error);

/* A member of `size` bytes; its content must follow, by tar_write() in pieces. `mode` is 0644 and
 * the like. -ENAMETOOLONG. */
int tar_member(struct tar *tar, const char *name, unsigned mode, uint64_t size,
               struct error *error);
int tar_write(struct tar *tar, const void *data, size_t size, struct error *error);

/* A member in one piece, and one from a file's start to its end as it is now (-EIO where it
 * shrinks meanwhile). */
int tar_add(struct tar *tar, const char *name, unsigned mode, const void *data, size_t size,
            struct error *error);
int tar_add_file(struct tar *tar, const char *name, unsigned mode, int fd, struct error *error);

/* A symbolic link. */
int tar_add_link(struct tar *tar, const char *name, const char *target, struct error *error);

/* The end of the archive. Without it there is none. */
int tar_finish(struct tar *tar, struct error *error);
void tar_free(struct tar *tar);

CLEANUP_FUNCTION(struct tar, tar_free)
#define AUTO_TAR CLEANUP(tar_free_cleanup)
