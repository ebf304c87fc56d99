/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_files.c - the files of a store: are they sound and known? */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/access.h"
#include "store/adopt.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/check_work.h"
#include "store/layout.h"
#include "store/module_store.h"
#include "store/record.h"
#include "store/scan.h"

enum { TEMPORARY_AGE_S = 3600 }; /* a younger one may be somebody's at work */

static bool is_there(int dirfd, const char *name)
{
    struct stat st;
    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool exists(int dirfd, const char *id, const char *suffix)
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(name, id, suffix);
    return is_there(dirfd, name);
}

/* ---- records ---- */

struct verify {
    const struct walk *walk;
    const char *id, *path;
};

static void tell_frame(void *context, uint64_t content_offset, uint32_t size)
{
    const struct verify *verify = context;
    struct check *check = verify->walk->check;
    char text[96];
    snprintf(text, sizeof text, "%" PRIu32 " bytes of the core at %" PRIu64 " are damaged", size,
             content_offset);
    const struct check_finding finding = {.kind = CHECK_FRAME_DAMAGED,
                                          .id = verify->id,
                                          .path = verify->path,
                                          .text = text,
                                          .content_offset = content_offset,
                                          .size = size};
    check->result.found++;
    check->result.frames_damaged++;
    if (check->function)
        check->function(check->context, &finding);
}

static int put_row(const struct walk *walk, const char *id)
{
    struct check *check = walk->check;
    int r = check_lock(check, walk->error);
    if (r < 0)
        return r;
    struct scan scan = {.index = check->index, .keep = UINT32_MAX};
    r = index_begin(check->index, walk->error);
    if (r == 0)
        r = scan_crash(&scan, walk->dirfd, walk->owner, id, walk->error);
    if (r == 0)
        r = index_commit(check->index, walk->error);
    else
        index_rollback(check->index);
    store_unlock(check->store);
    return r;
}

/* What the row says otherwise than the file, or NULL. */
static const char *difference(const struct walk *walk, const struct crash_row *row,
                              const struct crash_row *file)
{
    return row->owner != walk->owner               ? "where it lies"
           : row->stored_size != file->stored_size ? "the record's size"
           : row->core != file->core               ? "the state of the core"
           : row->has_content != file->has_content ? "whether there is a core"
           : row->pinned != exists(walk->dirfd, row->id, LAYOUT_PIN_SUFFIX) ? "whether it is pinned"
           : row->is_private != file->is_private || row->access_uid != file->access_uid
               ? "who may read it"
               : NULL;
}

/* What the index has wrong, or NULL; `ret` is what to call it. */
static const char *mismatch(const struct walk *walk, const char *id, const struct record *record,
                            enum check_kind *ret)
{
    const struct check *check = walk->check;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct crash_row file;
    *ret = CHECK_FILE_WITHOUT_ROW;
    if (index_find(check->index, id, &row, NULL) < 0)
        return "that it is there";
    *ret = CHECK_ROW_DIFFERS;
    crash_row_from_record(id, record, &file);
    if (store_source_is_own_view(check->store, check->source))
        file.access_uid = CRASH_ABSENT; /* a user's own index does not say */
    return difference(walk, row, &file);
}

/* The same of what lies there by now. */
static const char *mismatch_now(const struct walk *walk, const char *id, const char *name,
                                enum check_kind *ret)
{
    AUTO_RECORD struct record *record = NULL;
    AUTO_FD int fd = check_open(walk, name, id, 0);
    return fd < 0 || record_open(fd, &record, NULL) < 0 ? NULL : mismatch(walk, id, record, ret);
}

static void check_against_row(const struct walk *walk, const char *id, const char *name,
                              const char *path, const struct record *record)
{
    struct check *check = walk->check;
    enum check_kind kind;
    const char *wrong = mismatch(walk, id, record, &kind);
    for (unsigned looks = 1; wrong && check_again(check, looks); looks++)
        wrong = mismatch_now(walk, id, name, &kind);
    if (!wrong)
        return;
    int fixed = check_repairs(check) ? put_row(walk, id) : CHECK_NOT_TRIED;
    check_tell(check, kind, id, path, fixed, "the index %s %s",
               kind == CHECK_FILE_WITHOUT_ROW ? "does not know" : "is wrong about", wrong);
}

/* Removed or pruned while it was read: its blocks are given back under us. */
static bool is_removed(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* A descriptor and its record, or a negative one: then what is wrong was told. */
static int open_to_check(const struct walk *walk, const char *id, const char *name,
                         const char *path, struct record **ret)
{
    struct error error = {0};
    AUTO_FD int fd = check_open(walk, name, id, 0);
    int r = fd < 0 ? error_errno(&error, -fd, "%s", name) : record_open(fd, ret, &error);
    if (r == -EACCES || r == -ENOENT || (fd >= 0 && is_removed(fd)))
        return r < 0 ? r : -ENOENT; /* not ours to read, or removed just now */
    if (r < 0)
        check_tell(walk->check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s", error.text);
    else if (!record_is_finished(*ret))
        check_tell(walk->check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "it has no end");
    return r < 0 ? r : steal_fd(&fd);
}

static void check_contents(const struct walk *walk, const char *id, const char *path,
                           struct record *record)
{
    struct verify verify = {walk, id, path};
    struct error error = {0};
    int r = record_verify(record, tell_frame, &verify, &error);
    if (r < 0 && r != -ESTALE)
        check_tell(walk->check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s", error.text);
}

static void check_record(struct walk *walk, const char *id, const char *name)
{
    char report[LAYOUT_NAME_SIZE], path[CHECK_PATH_SIZE];
    AUTO_RECORD struct record *record = NULL;
    struct access access;
    check_path(walk, name, path);
    AUTO_FD int fd = open_to_check(walk, id, name, path, &record);
    if (fd < 0)
        return;
    access_of(record_metadata(record), &access);
    check_file_access(walk, fd, id, path, &access);
    layout_name(report, id, LAYOUT_REPORT_SUFFIX);
    check_named_access(walk, report, id, &access);
    if (access.has_reader)
        check_note_reader(walk, access.reader);
    check_against_row(walk, id, name, path, record);
    if (walk->check->flags & CHECK_CONTENTS)
        check_contents(walk, id, path, record);
}

/* ---- other files ---- */

static bool is_alone(const struct walk *walk, const char *id, const char *suffix)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    return exists(walk->dirfd, id, suffix) && !exists(walk->dirfd, id, LAYOUT_RECORD_SUFFIX) &&
           index_find(walk->check->index, id, &row, NULL) < 0;
}

/* A report or pin whose record is gone and which no row knows: false. Reports are kept: they are
 * all that is left. */
static bool check_companion(const struct walk *walk, const char *id, const char *name,
                            const char *suffix, bool keep)
{
    struct check *check = walk->check;
    char path[CHECK_PATH_SIZE];
    bool alone = is_alone(walk, id, suffix);
    for (unsigned looks = 1; alone && check_again(check, looks); looks++)
        alone = is_alone(walk, id, suffix);
    if (!alone)
        return true;
    check_path(walk, name, path);
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check) && !keep)
        fixed = unlinkat(walk->dirfd, name, 0) < 0 ? -errno : 0;
    check_tell(check, CHECK_ORPHAN_FILE, id, path, fixed, "its record is gone");
    return false;
}

/* Without its record, the row says who may read it. */
static void check_report(struct walk *walk, const char *id, const char *name)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    if (!check_companion(walk, id, name, LAYOUT_REPORT_SUFFIX, true) ||
        exists(walk->dirfd, id, LAYOUT_RECORD_SUFFIX) || !check_find_access(walk, id, &row))
        return;
    const struct access access = access_of_row(row);
    check_named_access(walk, name, id, &access);
    if (access.has_reader)
        check_note_reader(walk, access.reader);
}

static void check_pin(const struct walk *walk, const char *id, const char *name)
{
    if (check_companion(walk, id, name, LAYOUT_PIN_SUFFIX, false))
        check_named_access(walk, name, id, NULL);
}

static void check_temporary(const struct walk *walk, const char *name)
{
    struct check *check = walk->check;
    char path[CHECK_PATH_SIZE];
    struct stat st;
    if (fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        st.st_mtime + TEMPORARY_AGE_S > time(NULL))
        return;
    check_path(walk, name, path);
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check))
        fixed = unlinkat(walk->dirfd, name, 0) < 0 ? -errno : 0;
    check_tell(check, CHECK_ORPHAN_FILE, NULL, path, fixed, "somebody died while writing it");
}

static int check_entry(void *context, const char *name)
{
    struct walk *walk = context;
    char id[LAYOUT_ID_SIZE];
    size_t size = strlen(name);
    if (layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id))
        check_record(walk, id, name);
    else if (layout_id_from_name(name, LAYOUT_REPORT_SUFFIX, id))
        check_report(walk, id, name);
    else if (layout_id_from_name(name, LAYOUT_PIN_SUFFIX, id))
        check_pin(walk, id, name);
    else if (name[0] == '.' && size > 4 && strcmp(name + size - 4, ".new") == 0)
        check_temporary(walk, name);
    return 0;
}

/* crashes/<uid>/ */
static int check_crashes_of(void *context, const char *name)
{
    struct walk walk = *(struct walk *)context;
    char path[LAYOUT_PATH_SIZE];
    uint64_t uid;
    if (name[0] < '0' || name[0] > '9' || parse_u64(name, 10, (uid_t)-2, &uid) < 0)
        return 0;
    layout_crash_dir(path, (uid_t)uid);
    walk.dirfd = walk.check->storefd;
    walk.path = "";
    AUTO_FD int fd = check_open(&walk, path, NULL, O_DIRECTORY);
    if (fd < 0)
        return 0; /* not ours to list */
    walk.dirfd = fd;
    walk.owner = (uid_t)uid;
    walk.path = path;
    (void)scan_names(fd, ".", check_entry, &walk); /* what cannot be listed is not ours */
    check_user_files(&walk);
    check_crash_directory(&walk);
    bytes_free(&walk.readers);
    return 0;
}

int check_crashes(struct check *check, struct error *error)
{
    struct walk walk = {.check = check, .error = error};
    char own[16];
    int r = scan_names(check->storefd, LAYOUT_CRASHES, check_crashes_of, &walk);
    if (r == -EACCES) { /* an ordinary user: his own */
        snprintf(own, sizeof own, "%u", geteuid());
        r = check_crashes_of(&walk, own);
    }
    return r < 0 && r != -ENOENT ? error_errno(error, -r, LAYOUT_CRASHES) : 0;
}

/* ---- new/ ---- */

struct left {
    struct check *check;
    int dirfd;
    uint64_t n; /* that adoption would take */
};

/* On its way to ID.core.zst.part; without content it may not be locked yet. */
static bool is_dead_hidden(int dirfd, const char *name, char *ret_id)
{
    struct stat st;
    return name[0] == '.' && layout_id_from_name(name + 1, LAYOUT_PART_SUFFIX, ret_id) &&
           fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0 &&
           adopt_is_dead(dirfd, name);
}

static bool is_dead_part(int dirfd, const char *name, char *ret_id)
{
    return (layout_id_from_name(name, LAYOUT_PART_SUFFIX, ret_id) && adopt_is_dead(dirfd, name)) ||
           is_dead_hidden(dirfd, name, ret_id);
}

/* Whoever finished it starts a keeper, if none is at work already. */
static bool is_left(const struct left *left, const char *name)
{
    for (unsigned looks = 1; is_there(left->dirfd, name); looks++)
        if (!check_again(left->check, looks))
            return true;
    return false;
}

static int check_left(void *context, const char *name)
{
    struct left *left = context;
    struct check *check = left->check;
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    snprintf(path, sizeof path, LAYOUT_NEW "/%.60s", name);
    int fixed = check_repairs(check) ? 0 : CHECK_NOT_TRIED; /* adoption follows */
    if (layout_id_from_name(name, ADOPT_DAMAGED_SUFFIX, id)) {
        check_tell(check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "it is no record");
    } else if (is_dead_part(left->dirfd, name, id) && is_left(left, name)) {
        left->n++;
        check_tell(check, CHECK_ORPHAN_PART, id, path, fixed, "its hook is dead");
    } else if (layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id) && is_left(left, name)) {
        left->n++;
        check_tell(check, CHECK_FILE_WITHOUT_ROW, id, path, fixed, "nobody has adopted it");
    }
    return 0;
}

/* Root's to see. */
static unsigned count_waiting(const struct check *check)
{
    if (store_leave(check->store, NULL) < 0)
        return 0;
    unsigned n = adopt_waiting(store_path(check->store), false);
    return store_enter(check->store, NULL) < 0 ? 0 : n;
}

/* What hooks left elsewhere while the store was away. */
static void check_runtime(struct check *check)
{
    struct error why = {0};
    unsigned n = count_waiting(check);
    if (n == 0)
        return;
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check) && (fixed = adopt_runtime(check->store, &why)) == 0)
        fixed = count_waiting(check) == 0 ? 0 : CHECK_NOT_TRIED;
    check_tell(check, CHECK_FILE_WITHOUT_ROW, NULL, LAYOUT_RUNTIME "/" LAYOUT_NEW, fixed,
               "%u crashes wait there for the store%s%s", n, why.text[0] ? ": " : "", why.text);
}

int check_new(struct check *check, struct error *error)
{
    struct left left = {.check = check};
    check_runtime(check);
    AUTO_FD int fd =
        openat(check->storefd, LAYOUT_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return 0; /* not ours to see */
    left.dirfd = fd;
    int r = scan_names(fd, ".", check_left, &left);
    if (r < 0)
        return error_errno(error, -r, LAYOUT_NEW);
    struct adopt_result adopted;
    return left.n > 0 && check_repairs(check) ? adopt_all(check->store, NULL, &adopted, error) : 0;
}

/* ---- modules ---- */

static void tell_module(void *context, const char *path, uint64_t bytes)
{
    struct check *check = context;
    check_tell(check, CHECK_MODULE_STALE, NULL, path, check_repairs(check) ? 0 : CHECK_NOT_TRIED,
               "no core is left that may need these %" PRIu64 " bytes", bytes);
}

int check_modules(struct check *check, struct error *error)
{
    if (!store_sees_all(check->store))
        return 0; /* not for one user to judge */
    return module_store_expire(check->index, check->storefd, !check_repairs(check), tell_module,
                               check, error);
}
