/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_work.h - a check under way: what its parts share. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/base/bytes.h"
#include "store/check.h"
#include "store/index.h"
#include "store/layout.h"

struct check {
    struct store *store;
    unsigned source;
    int storefd;
    uid_t owner; /* of the store's directory, and so of all its files */
    gid_t group;
    unsigned flags;
    check_function *function;
    void *context;
    bool only_looks;    /* nothing is told or repaired: see struct suspects */
    bool is_suspicious; /* something would have been told */
    unsigned waited_ms;
    struct check_result result;
};

struct access;

/* Tells of a finding. `fixed`: what repairing returned, or a positive number where nobody tried. */
void check_tell(struct check *check, enum check_kind kind, const char *id, const char *path,
                int fixed, const char *format, ...) __attribute__((format(printf, 6, 7)));

/*
 * Others adopt, prune and remove meanwhile, one file after the other. So a name is only looked at
 * first; where there would be something to tell, it is looked at again, together with all others
 * that are suspect, when nobody is at it, and told then. Who cannot keep others out waits a while
 * instead; of a store that is so wrong that this takes seconds, the rest is told without.
 * `function` looks, tells and repairs; it may be called several times.
 */
typedef int check_name_function(void *context, const char *name);
struct suspects {
    struct check *check;
    check_name_function *function;
    void *context;
    bool is_costly;     /* to look: so only once more, after the longest wait */
    bool is_for_keeper; /* what no lock keeps out */
    struct bytes names; /* each with its NUL */
};
int check_suspect(void *suspects, const char *name); /* 0, or what `function` returned */
int check_settle(struct suspects *suspects);         /* of all that are left; frees them */

/* The source's index as it is now: somebody may replace it. NULL: there is none. */
static inline struct index *check_index_of(const struct check *check)
{
    return store_index(check->store, check->source);
}

/* The row of a crash. -ENOENT without one; any other error: the index does not tell. */
int check_find(const struct check *check, const char *id, struct crash_row **ret);

/* Keeps others out of the index, and of the files that go with it, for a repair. */
int check_begin(struct check *check, struct error *error);
int check_end(struct check *check, int result, struct error *error);

static inline bool check_repairs(const struct check *check)
{
    return (check->flags & CHECK_REPAIR) && !check->only_looks;
}

enum { CHECK_NOT_TRIED = 1 };

enum { CHECK_PATH_SIZE = LAYOUT_PATH_SIZE + 256 };

/* A directory of crashes being walked. */
struct walk {
    struct check *check;
    struct error *error;
    int dirfd;
    uid_t owner;          /* crashes/<owner>/ */
    const char *path;     /* below the store */
    struct bytes readers; /* uid_t each, who may read one of those seen */
};

/* The path below the store of a name in the directory. */
void check_path(const struct walk *walk, const char *name, char ret[static CHECK_PATH_SIZE]);

/* Opens what is in the directory, to be read. What the store's owner cannot open, root does to
 * repair it, or it is told here where something is wrong with it. A descriptor or a negative errno.
 */
int check_open(const struct walk *walk, const char *name, const char *id, int flags);

/* Who may read a crash of the directory may pass it. */
void check_note_reader(struct walk *walk, uid_t reader);

/* Owner, mode and ACL of a file; of one in the directory, where it is there. `access` NULL: group
 * inquest reads it, or its owner alone. */
void check_file_access(const struct walk *walk, int fd, const char *id, const char *path,
                       const struct access *access);
void check_named_access(const struct walk *walk, const char *name, const char *id,
                        const struct access *access);

/* The row of a crash of this directory, where the index tells who may read it: a user's own does
 * not. */
bool check_find_access(const struct walk *walk, const char *id, struct crash_row **ret);

/* The directory itself, after all in it was seen; what is there besides crashes. */
void check_crash_directory(struct walk *walk);
void check_user_files(struct walk *walk);

/* The index itself, and its totals. */
int check_index(struct check *check, struct error *error);
int check_totals(struct check *check, struct error *error);

/* Rows whose files are gone. */
int check_rows(struct check *check, struct error *error);

/* Directories, and what is no crash's; crashes/: records, reports, pins; new/: what nobody
 * adopts; modules. */
int check_directories(struct check *check, struct error *error);
int check_crashes(struct check *check, struct error *error);
int check_new(struct check *check, struct error *error);
int check_modules(struct check *check, struct error *error);
