/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * part.h - the file a record is written to: new/ID.core.zst.part, then new/ID.core.zst.
 *
 * It is never seen unlocked: created without a name (O_TMPFILE), locked, then linked; where the
 * filesystem has no O_TMPFILE, under a hidden name and then renamed. The lock (flock) belongs to
 * the open file and ends with its last holder, so an unlocked .part is a dead hook's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/layout.h"

struct part {
    int fd;    /* the record, flocked */
    int dir;   /* the directory new/ */
    uid_t uid; /* owner of the store */
    gid_t gid;
    bool fallback; /* in LAYOUT_RUNTIME, because the store is away */
    char id[LAYOUT_ID_SIZE];
};

#define PART_NONE                                                                                  \
    (struct part)                                                                                  \
    {                                                                                              \
        .fd = -1, .dir = -1                                                                        \
    }

/* Makes the file in STORE/new or, where that cannot be used, in /run/inquest/new. `error` is set
 * with the first failure even where the second place worked (`fallback`). */
int part_create(const char *store, int64_t time_us, pid_t pid, struct part *ret,
                struct error *error);

/* fsync, the rename that is the commit, fsync of the directory. */
int part_commit(struct part *part, struct error *error);

void part_close(struct part *part);
#define AUTO_PART CLEANUP(part_close)
