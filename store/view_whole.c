/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view_whole.c - whether all records of a user's view are there, known without asking for each. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/layout.h"
#include "store/view.h"

/* In a view: when its directory had changed last as all its records were seen there; 0 where they
 * were not. In the whole index, with the uid behind it: when it had when they were looked for. */
#define VIEW_WHOLE "whole_ns"

enum {
    ROWS_MAX = 50000, /* of a larger view, readers ask for what they list */
    WAIT_MS = 200,
    /* Times of files stand still for a tick of the kernel's clock, 10 ms at most: a change in the
     * tick of the last one would not be seen. */
    SETTLED_MS = 40,
};

/* When names came or went last, in nanoseconds; 0 where nobody knows. */
static int64_t changed_at(int dirfd)
{
    struct stat st;
    if (fstat(dirfd, &st) < 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

bool view_is_whole(struct index *own, int dirfd)
{
    int64_t seen, changed = changed_at(dirfd);
    return changed != 0 && index_meta(own, VIEW_WHOLE, &seen, NULL) == 0 && seen == changed;
}

/* 1: each record that the view says is in its directory is there. */
static int find_all(struct index *own, int dirfd, uid_t uid, struct error *error)
{
    sqlite3_stmt *statement;
    int r = database_prepare(index_database(own), "SELECT id FROM crash WHERE owner = ?1 LIMIT ?2",
                             &statement, error, "nn", (int64_t)uid, (int64_t)ROWS_MAX + 1);
    if (r < 0)
        return r;
    bool all = true;
    int code = SQLITE_DONE;
    for (int n = 0; all && (code = sqlite3_step(statement)) == SQLITE_ROW; n++) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        char name[LAYOUT_NAME_SIZE];
        layout_name(name, id ?: "", LAYOUT_RECORD_SUFFIX);
        all = n < ROWS_MAX && faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW | AT_EACCESS) == 0;
    }
    sqlite3_reset(statement);
    return all && code == SQLITE_DONE;
}

static void let_settle(void)
{
    const struct timespec time = {.tv_nsec = SETTLED_MS * 1000000};
    (void)nanosleep(&time, NULL); /* a shorter one is what look() finds out */
}

static bool is_settled(int64_t changed)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return changed < (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - SETTLED_MS / 2 * 1000000;
}

/* Looks, and says so to readers where the directory stood still meanwhile. */
static int look(struct index *index, int dirfd, uid_t uid, const char *name, struct error *error)
{
    AUTO_INDEX struct index *own = NULL;
    int r = index_open_write(dirfd, LAYOUT_FILE_MODE, WAIT_MS, &own, error);
    if (r < 0)
        return r;
    let_settle();
    int64_t changed = changed_at(dirfd);
    int all = find_all(own, dirfd, uid, error);
    if (all < 0 || changed_at(dirfd) != changed || !is_settled(changed))
        return all < 0 ? all : 0; /* the next one who looks is luckier */
    r = index_set_meta(own, VIEW_WHOLE, all ? changed : 0, error);
    return r < 0 ? r : index_set_meta(index, name, changed, error);
}

static int look_if_changed(struct index *index, int storefd, uid_t uid, struct error *error)
{
    char path[LAYOUT_PATH_SIZE], name[64];
    struct stat st;
    int64_t seen;
    layout_crash_dir(path, uid);
    snprintf(name, sizeof name, VIEW_WHOLE ".%u", uid);
    AUTO_FD int dirfd = openat(storefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dirfd < 0 || fstatat(dirfd, LAYOUT_INDEX, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : error_errno(error, errno, "%s", path);
    int r = index_meta(index, name, &seen, error);
    if (r < 0 || seen == changed_at(dirfd))
        return r;
    if (flock(dirfd, LOCK_EX | LOCK_NB) < 0)
        return 0; /* somebody else looks, or its user does not want it */
    return look(index, dirfd, uid, name, error);
}

int view_look(struct index *index, int storefd, struct error *error)
{
    int64_t uid = 0; /* root has none */
    for (;;) {
        int r = database_get(index_database(index), error, &uid,
                             "SELECT min(access_uid) FROM crash INDEXED BY crash_access"
                             " WHERE access_uid > ?1",
                             "n", uid);
        if (r == 0 && uid != CRASH_ABSENT)
            r = look_if_changed(index, storefd, (uid_t)uid, error);
        if (r < 0 || uid == CRASH_ABSENT)
            return r;
    }
}
