/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_work.h - a check under way: what its parts share. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/check.h"
#include "store/index.h"

struct check {
    struct store *store;
    unsigned source;
    struct index *index;
    int storefd;
    uid_t owner; /* of the store's directory, and so of all its files */
    unsigned flags;
    check_function *function;
    void *context;
    struct check_result result;
};

/* Tells of a finding. `fixed`: what repairing returned, or a positive number where nobody tried. */
void check_tell(struct check *check, enum check_kind kind, const char *id, const char *path,
                int fixed, const char *format, ...) __attribute__((format(printf, 6, 7)));

static inline bool check_repairs(const struct check *check)
{
    return check->flags & CHECK_REPAIR;
}

enum { CHECK_NOT_TRIED = 1 };

/* The index itself, and its totals. */
int check_index(struct check *check, struct error *error);
int check_totals(struct check *check, struct error *error);

/* Rows whose files are gone. */
int check_rows(struct check *check, struct error *error);

/* Owners and modes of the store's directories; crashes/: records, reports, pins; new/: what nobody
 * adopts; modules. */
int check_directories(struct check *check, struct error *error);
int check_crashes(struct check *check, struct error *error);
int check_new(struct check *check, struct error *error);
int check_modules(struct check *check, struct error *error);
