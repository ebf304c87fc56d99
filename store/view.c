/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view.c - the indexes of users. */
#include "store/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"
#include "store/base/cleanup.h"
#include "store/layout.h"
#include "store/usage.h"

enum {
    VIEW_WAIT_MS = 200,
    VIEW_BATCH = 256,
    VIEW_LOG_MAX = 16 * 1024 * 1024,
};

/* A number that tells this index from one that was made before or after it, so that a view of that
 * one is not carried on. */
#define VIEW_ORIGIN "origin"

static int origin_of(struct index *index, int64_t *ret, struct error *error)
{
    int r = index_meta(index, VIEW_ORIGIN, ret, error);
    if (r < 0 || *ret != 0)
        return r;
    int64_t number = 0;
    while (number <= 0)
        if (getrandom(&number, sizeof number, 0) != sizeof number)
            return error_errno(error, errno, "no random number");
    *ret = number;
    return index_set_meta(index, VIEW_ORIGIN, number, error);
}

/* ---- one view ---- */

struct view {
    struct index *index; /* the whole one */
    struct index *own;
    int dirfd; /* crashes/<uid>/ */
    uid_t uid;
    int64_t origin;
};

static const char *const files[] = {LAYOUT_INDEX_FILES};

/* Lets the user read the three files. */
static int open_to_user(const struct view *view, struct error *error)
{
    const struct access access = {.owner = view->uid, .has_reader = true, .reader = view->uid};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        /* As a place only: to close one of them otherwise would take sqlite's locks on it. */
        AUTO_FD int fd = openat(view->dirfd, files[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return error_errno(error, errno, "%s", files[i]);
        if (access_is_applied(fd, &access) == 1)
            continue;
        int r = access_apply_file(fd, &access, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static void remove_files(int dirfd)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        (void)unlinkat(dirfd, files[i], 0); /* what cannot go is found by who makes it anew */
}

/* A crash as the whole index has it now, or its absence. */
static int take(struct view *view, const char *id, struct error *error)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL, *old = NULL;
    int r = index_find(view->index, id, &row, error);
    if (r == 0 && row->access_uid == (int64_t)view->uid)
        return index_copy(view->index, row, view->own, error);
    if (r < 0 && r != -ENOENT)
        return r;
    r = index_find(view->own, id, &old, error);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return index_remove(view->own, old->seq, error);
}

struct id {
    char text[LAYOUT_ID_SIZE];
};

/* Up to VIEW_BATCH ids that `sql` finds for this user behind `after`. */
static int next_ids(struct view *view, const char *sql, const char *after, struct id *ids,
                    size_t *ret_n, struct error *error)
{
    struct database *database = index_database(view->index);
    sqlite3_stmt *statement;
    int r = database_prepare(database, sql, &statement, error, "ntn", (int64_t)view->uid, after,
                             (int64_t)VIEW_BATCH);
    if (r < 0)
        return r;
    size_t n = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (text && layout_id_is_valid(text) && n < VIEW_BATCH)
            snprintf(ids[n++].text, sizeof ids->text, "%s", text);
    }
    if (code != SQLITE_DONE)
        r = database_error(database, error, "index");
    sqlite3_reset(statement);
    *ret_n = n;
    return r;
}

static int take_batch(struct view *view, const struct id *ids, size_t n, struct error *error)
{
    int r = index_begin(view->own, error);
    for (size_t i = 0; i < n && r == 0; i++)
        r = take(view, ids[i].text, error);
    if (r == 0)
        return index_commit(view->own, error);
    index_rollback(view->own);
    return r;
}

/* Takes what `sql` finds; with `done`, crosses it off the list of changes, too. */
static int take_all(struct view *view, const char *sql, bool done, struct error *error)
{
    struct id ids[VIEW_BATCH];
    char after[LAYOUT_ID_SIZE] = "";
    for (;;) {
        size_t n;
        int r = next_ids(view, sql, after, ids, &n, error);
        if (r < 0 || n == 0)
            return r;
        r = take_batch(view, ids, n, error);
        if (r < 0)
            return r;
        memcpy(after, ids[n - 1].text, sizeof after);
        if (!done)
            continue;
        r = database_run(index_database(view->index), error,
                         "DELETE FROM change WHERE uid = ?1 AND id <= ?2", "nt", (int64_t)view->uid,
                         after);
        if (r < 0)
            return r;
    }
}

static const char changes_sql[] =
    "SELECT id FROM change WHERE uid = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
static const char everything_sql[] =
    "SELECT id FROM crash WHERE access_uid = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

/* A view that can be carried on: of this index, whole, and without an endless log. */
static int open_view(struct view *view, struct error *error)
{
    int64_t origin;
    struct stat st;
    int r = index_open_write(view->dirfd, LAYOUT_FILE_MODE, VIEW_WAIT_MS, &view->own, error);
    if (r == 0)
        r = index_meta(view->own, VIEW_ORIGIN, &origin, error);
    if (r != 0)
        return r;
    if (origin != view->origin || !index_is_complete(view->own))
        return -ESTALE;
    if (fstatat(view->dirfd, LAYOUT_INDEX "-wal", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_size > VIEW_LOG_MAX)
        return -ESTALE;
    return 0;
}

static int make_view(struct view *view, struct error *error)
{
    index_free(view->own);
    view->own = NULL;
    remove_files(view->dirfd);
    int r = index_open_write(view->dirfd, LAYOUT_FILE_MODE, VIEW_WAIT_MS, &view->own, error);
    if (r == 0)
        r = take_all(view, everything_sql, false, error);
    if (r == 0)
        r = index_set_meta(view->own, VIEW_ORIGIN, view->origin, error);
    if (r == 0)
        r = index_set_meta(view->own, INDEX_COMPLETE, 1, error);
    return r < 0 ? r : open_to_user(view, error);
}

static int open_owner_directory(int storefd, uid_t uid, struct error *error)
{
    const struct access access = {.owner = uid, .has_reader = true, .reader = uid};
    char path[LAYOUT_PATH_SIZE];
    layout_crash_dir(path, uid);
    if (mkdirat(storefd, path, LAYOUT_CRASH_DIR_MODE) < 0 && errno != EEXIST)
        return error_errno(error, errno, "%s", path);
    AUTO_FD int fd = openat(storefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "%s", path);
    int r = access_apply_directory(fd, &access, error);
    return r < 0 ? r : steal_fd(&fd);
}

/* Forgets that there was something to tell this user. */
static int cross_off(struct index *index, uid_t uid, struct error *error)
{
    return database_run(index_database(index), error, "DELETE FROM change WHERE uid = ?1", "n",
                        (int64_t)uid);
}

static int bring_up_to_date(struct index *index, int storefd, uid_t uid, int64_t origin,
                            struct error *error)
{
    if (uid == 0)
        return cross_off(index, uid, error); /* root reads the whole one */
    AUTO_FD int dirfd = open_owner_directory(storefd, uid, error);
    if (dirfd < 0)
        return dirfd;

    struct view view = {.index = index, .dirfd = dirfd, .uid = uid, .origin = origin};
    int64_t before = (int64_t)usage_of_user_index(storefd, uid);
    int r = open_view(&view, error);
    if (r == 0)
        r = take_all(&view, changes_sql, true, error);
    if (r < 0)
        r = make_view(&view, error);
    if (r == 0)
        r = cross_off(index, uid, error);
    index_free(view.own);
    int64_t growth = (int64_t)usage_of_user_index(storefd, uid) - before;
    int added = usage_add_user_index(index, growth, r < 0 ? NULL : error);
    return r < 0 ? r : added;
}

/* Nobody changes a crash between the look at it and the crossing off, which would then be told to
 * nobody; nor does anybody else write to the view, or take it away from under us. */
static int sync_one(struct index *index, int storefd, uid_t uid, int64_t origin,
                    struct error *error)
{
    int r = index_begin(index, error);
    if (r < 0)
        return r;
    r = bring_up_to_date(index, storefd, uid, origin, error);
    if (r == 0)
        return index_commit(index, error);
    index_rollback(index); /* what the view was told, it is told again */
    return r;
}

/* ---- all of them ---- */

int view_sync(struct index *index, int storefd, struct error *error)
{
    struct database *database = index_database(index);
    int64_t origin, uid = -1;
    int r = origin_of(index, &origin, error);
    while (r == 0) {
        r = database_get(database, error, &uid, "SELECT min(uid) FROM change WHERE uid > ?1", "n",
                         uid);
        if (r < 0 || uid == CRASH_ABSENT)
            return r;
        r = sync_one(index, storefd, (uid_t)uid, origin, error);
    }
    return r;
}

int view_forget_all(struct index *index, struct error *error)
{
    int r = index_set_meta(index, VIEW_ORIGIN, 0, error);
    if (r < 0)
        return r;
    return database_run(index_database(index), error,
                        "INSERT OR IGNORE INTO change (uid, id)"
                        " SELECT DISTINCT access_uid, '' FROM crash INDEXED BY crash_access"
                        " WHERE access_uid IS NOT NULL",
                        "");
}
