/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access.h - who may read a crash: the directory, mode and ACL that its facts lead to.
 *
 *   facts                                 directory         file
 *   private, or dumpable not 1            crashes/0         0600, nobody else
 *   otherwise                             crashes/<uid>     0640: group inquest
 *   with access_uid                       likewise          and an ACL u:<access_uid>:r
 *
 * Where the filesystem has no ACLs, root and the group remain.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/crash_row.h"
#include "store/metadata.h"

struct access {
    uid_t owner; /* crashes/<owner>/ */
    bool is_private;
    bool has_reader;
    uid_t reader;
};

/* Facts that are missing or malformed lead to root alone. */
void access_of(const struct metadata *facts, struct access *ret);

/* The same, as a row says it. */
struct access access_of_row(const struct crash_row *row);

/* Sets mode and ACL of a file, exactly: entries that are not its due go. Here and below, a
 * descriptor may be one of a place only (O_PATH). */
int access_apply_file(int fd, const struct access *access, struct error *error);

/* Lets the reader list and pass a directory; readers it already has stay. */
int access_apply_directory(int fd, const struct access *access, struct error *error);

/* 1: mode and ACL are as access_apply_file() makes them; 0: they are not; negative errno. */
int access_is_applied(int fd, const struct access *access);

/* 1: the mode is that of a directory of crashes, and besides owner and group these may pass it, and
 * `may`, whose entry need not be there; 0: otherwise; negative errno. */
int access_directory_is_due(int fd, const uid_t *readers, size_t count, uid_t may);

/* Makes it so: all other entries go. */
int access_apply_directory_exactly(int fd, const uid_t *readers, size_t count, uid_t may,
                                   struct error *error);

/* False where the filesystem of `fd` knows no ACLs: root and group only then. */
bool access_is_supported(int fd);
