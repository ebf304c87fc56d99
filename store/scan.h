/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - from files to rows: what an index is made of.
 *
 * A record that cannot be read is left out (check.h tells of it); one that is not finished is
 * listed as what it is. Directories that the caller may not list are left out, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/index.h"

/* Called after each crash; a negative errno ends the scan and is returned. */
typedef int scan_progress_function(void *context, uint64_t done);

struct scan {
    struct index *index;
    unsigned keep;                    /* cores of a signature that are firsts, retention.h */
    scan_progress_function *progress; /* may be NULL */
    void *context;
    uint64_t done;
};

/* Puts one adopted crash, its report and its pin to the index. `dirfd` is crashes/<owner>/. In a
 * transaction of the caller. -ENOENT, -EBADMSG. */
int scan_crash(struct scan *scan, int dirfd, uid_t owner, const char *id, struct error *error);

/* Scans crashes/, or crashes/<only>/ alone, in transactions of its own. */
int scan_store(struct scan *scan, int storefd, struct error *error);
int scan_user(struct scan *scan, int storefd, uid_t only, struct error *error);

/* Scans new/ for what is not in `adopted`, live and dead .part files included. */
int scan_new(struct scan *scan, int storefd, struct index *adopted, struct error *error);

bool scan_has_new(int storefd); /* there is something for scan_new() */

/* Calls back with the name of each entry of a directory; the descriptor's position is not used. */
typedef int scan_name_function(void *context, const char *name);
int scan_names(int dirfd, const char *path, scan_name_function *function, void *context);
