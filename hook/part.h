/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * part.h - the file a record is written to: new/ID.core.zst.part, then new/ID.core.zst.
 *
 * It is never seen unlocked: created without a name (O_TMPFILE), locked, then linked; where the
 * filesystem has no O_TMPFILE, made under a hidden name and then renamed. The lock (flock) belongs
 * to the open file and ends with its last holder, so an unlocked .part is a dead hook's.
 *
 * The order of a record's life, each step of which leaves a state that the next run understands:
 * part_open(), part_begin(), the facts are written, part_publish() — there is a .part — content and
 * outcome are written, part_commit(): fsync of the file, rename, fsync of the directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/layout.h"

struct part {
    int dir;   /* STORE/new */
    int fd;    /* the record, flocked */
    uid_t uid; /* owner of the store, and so of the file */
    gid_t gid;
    bool away;      /* the store could not be used: this is LAYOUT_RUNTIME/new */
    bool hidden;    /* the file has a hidden name until it is published */
    bool published; /* ID.core.zst.part exists */
    char id[LAYOUT_ID_SIZE];
};

#define PART_NONE                                                                                  \
    (struct part)                                                                                  \
    {                                                                                              \
        .dir = -1, .fd = -1                                                                        \
    }

/*
 * Opens STORE/new, making it in a store that has none. Fails where the store is absent, read-only
 * or somebody else's. `system_uid` is the user that a store may belong to besides root.
 */
int part_open(const char *store, uid_t system_uid, struct part *ret, struct error *error);

/* Opens LAYOUT_RUNTIME/new, which is root's, for when the store cannot be used: `away` is set. */
int part_open_away(struct part *ret, struct error *error);

/* Makes a new, empty, locked file for the record and chooses the id, which part_publish() may find
 * taken. Once more after publishing: the new file then takes the place of the old. */
int part_begin(struct part *part, int64_t time_us, uint32_t pid, unsigned attempt,
               struct error *error);

/* Gives the file its name. -EEXIST: the id is taken, begin anew with the next attempt. */
int part_publish(struct part *part, struct error *error);

/* Names an open file that has no name (O_TMPFILE). Through /proc, which needs no capability, where
 * the plain way is closed: before Linux 6.10, to all without CAP_DAC_READ_SEARCH. */
int part_link(int fd, int dir, const char *name);

/*
 * Takes over the file that has the name where that is not the one in `part`: a worker that was
 * killed may have published it and not said so. -EWOULDBLOCK: somebody else has it already.
 */
int part_take_over(struct part *part, struct error *error);

/* The commit. The file is closed by part_close(). */
int part_commit(struct part *part, struct error *error);

/* Bytes that the file takes on its disk. */
uint64_t part_disk_size(const struct part *part);

/* Takes the name away again: there is to be no record. */
void part_discard(struct part *part);

void part_close(struct part *part);
#define AUTO_PART CLEANUP(part_close)
