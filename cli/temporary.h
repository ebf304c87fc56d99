/* SPDX-License-Identifier: GPL-2.0-or-later */
/* temporary.h - files that are gone when the command is: spooled input, extracted cores. */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"

/* $TMPDIR where nobody but root and the caller can rename anything on the way to it, else /var/tmp:
 * cores are large, and /tmp is often memory. */
const char *temporary_place(void);

/* An unlinked file, read and written through the descriptor that is returned, or a negative errno.
 */
int temporary_file(struct error *error);

/*
 * Such a file being filled from its start, zeros as holes, with what may be a bomb: up to `limit`
 * bytes, and not the last ones that the disk has free, for those who have not made it full. `fd`
 * starts as -1.
 */
struct temporary {
    int fd;
    uint64_t size;
    uint64_t limit; /* max_core, or more for what is around a core; zeros count as well */
};

/* Returns 0, or a negative errno where no file can be made. */
int temporary_start(struct temporary *ret, uint64_t limit, struct error *error);

/* Fails where that many bytes more are too many: -EFBIG, or -ENOSPC, as if none were zero. */
int temporary_expect(const struct temporary *temporary, uint64_t size, struct error *error);

/* Likewise, but that zeros need no room; or fails as pwrite(2) does. What failed is not there. */
int temporary_append(struct temporary *temporary, const void *data, size_t size,
                     struct error *error);

/* Returns the descriptor, at the file's start and the caller's now, or a negative errno. */
int temporary_finish(struct temporary *temporary, struct error *error);

static inline void temporary_cleanup(struct temporary *temporary)
{
    cleanup_fd(&temporary->fd);
}
#define AUTO_TEMPORARY CLEANUP(temporary_cleanup)

/* A directory for programs that need names. It is filled by its descriptor, not by its path. */
struct temporary_directory {
    int place, fd; /* the directory that it is in, and itself */
    char path[PATH_MAX];
};

/* Before temporary_directory_make(). */
#define TEMPORARY_DIRECTORY_NONE                                                                   \
    {                                                                                              \
        .place = -1, .fd = -1                                                                      \
    }

/* A new one, mode 0700, the caller's. Returns 0 or a negative errno. */
int temporary_directory_make(struct temporary_directory *ret, struct error *error);

/* Removes it with everything in it: by descriptors, so that no link and no directory that is put in
 * the place of another leads out of it. Nothing for one that was not made. */
void temporary_directory_remove(struct temporary_directory *directory);
