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

static int put_row(const struct walk *walk, const char *id)
{
    struct check *check = walk->check;
    int r = check_begin(check, walk->error);
    if (r < 0)
        return r;
    struct scan scan = {.index = check_index_of(check), .keep = UINT32_MAX};
    return check_end(check, scan_crash(&scan, walk->dirfd, walk->owner, id, walk->error),
                     walk->error);
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

static void check_against_row(const struct walk *walk, const char *id, const char *path,
                              const struct record *record)
{
    struct check *check = walk->check;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct crash_row file;
    int r = check_find(check, id, &row);
    if (r == -ENOENT) {
        int fixed = check_repairs(check) ? put_row(walk, id) : CHECK_NOT_TRIED;
        check_tell(check, CHECK_FILE_WITHOUT_ROW, id, path, fixed, "the index does not know it");
    }
    if (r < 0)
        return;
    crash_row_from_record(id, record, &file);
    if (store_source_is_own_view(check->store, check->source))
        file.access_uid = CRASH_ABSENT; /* a user's own index does not say */
    const char *differs = difference(walk, row, &file);
    if (!differs)
        return;
    int fixed = check_repairs(check) ? put_row(walk, id) : CHECK_NOT_TRIED;
    check_tell(check, CHECK_ROW_DIFFERS, id, path, fixed, "the index is wrong about %s", differs);
}

/* A descriptor and its record. Negative where there is nothing to look into; what is wrong with it
 * was told, which it isn't to whom it isn't his to read, nor where it was removed just now. */
static int open_to_check(const struct walk *walk, const char *id, const char *name,
                         const char *path, struct record **ret)
{
    struct error error = {0};
    AUTO_FD int fd = check_open(walk, name, id, 0);
    int r = fd < 0 ? error_errno(&error, -fd, "cannot be opened") : record_open(fd, ret, &error);
    if (r < 0 && r != -EACCES && r != -ENOENT)
        check_tell(walk->check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s", error.text);
    return r < 0 ? r : steal_fd(&fd);
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
    if (!record_is_finished(record))
        check_tell(walk->check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "it has no end");
    access_of(record_metadata(record), &access);
    check_file_access(walk, fd, id, path, &access);
    layout_name(report, id, LAYOUT_REPORT_SUFFIX);
    check_named_access(walk, report, id, &access);
    if (access.has_reader)
        check_note_reader(walk, access.reader);
    check_against_row(walk, id, path, record);
}

/* ---- their contents ---- */

struct verify {
    struct check *check;
    const char *id, *path;
};

static void tell_frame(void *context, uint64_t content_offset, uint32_t size)
{
    const struct verify *verify = context;
    struct check *check = verify->check;
    char text[96];
    check->is_suspicious = true;
    if (check->only_looks)
        return;
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

/* Every byte. On a full disk a core is emptied before its place is taken by the pruned record. */
static int check_contents(void *context, const char *name)
{
    const struct walk *walk = context;
    char id[LAYOUT_ID_SIZE], path[CHECK_PATH_SIZE];
    AUTO_RECORD struct record *record = NULL;
    struct error error = {0};
    if (!layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id))
        return 0;
    check_path(walk, name, path);
    AUTO_FD int fd = openat(walk->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || record_open(fd, &record, NULL) < 0)
        return 0; /* that was told */
    struct verify verify = {walk->check, id, path};
    int r = record_verify(record, tell_frame, &verify, &error);
    if (r < 0 && r != -ESTALE)
        check_tell(walk->check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s", error.text);
    return 0;
}

/* ---- other files ---- */

static bool is_alone(const struct walk *walk, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    return !exists(walk->dirfd, id, LAYOUT_RECORD_SUFFIX) &&
           check_find(walk->check, id, &row) == -ENOENT;
}

static int remove_alone(const struct walk *walk, const char *id, const char *name)
{
    int r = check_begin(walk->check, walk->error);
    if (r < 0)
        return r;
    if (!is_alone(walk, id))
        r = -EEXIST;
    else if (unlinkat(walk->dirfd, name, 0) < 0)
        r = -errno;
    return check_end(walk->check, r, walk->error);
}

/* A report or pin whose record is gone and which no row knows: false. Reports are kept: they are
 * all that is left. */
static bool check_companion(const struct walk *walk, const char *id, const char *name, bool keep)
{
    struct check *check = walk->check;
    char path[CHECK_PATH_SIZE];
    if (!is_alone(walk, id))
        return true;
    check_path(walk, name, path);
    int fixed = check_repairs(check) && !keep ? remove_alone(walk, id, name) : CHECK_NOT_TRIED;
    check_tell(check, CHECK_ORPHAN_FILE, id, path, fixed, "its record is gone");
    return false;
}

/* Without its record, the row says who may read it. */
static void check_report(struct walk *walk, const char *id, const char *name)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    if (!check_companion(walk, id, name, true) || exists(walk->dirfd, id, LAYOUT_RECORD_SUFFIX) ||
        !check_find_access(walk, id, &row))
        return;
    const struct access access = access_of_row(row);
    check_named_access(walk, name, id, &access);
    if (access.has_reader)
        check_note_reader(walk, access.reader);
}

static void check_pin(const struct walk *walk, const char *id, const char *name)
{
    if (check_companion(walk, id, name, false))
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
    struct suspects suspects = {.check = walk.check, .function = check_entry, .context = &walk};
    (void)scan_names(fd, ".", check_suspect, &suspects); /* what cannot be listed is not ours */
    (void)check_settle(&suspects);
    check_user_files(&walk);
    check_crash_directory(&walk);
    bytes_free(&walk.readers);
    suspects = (struct suspects){
        .check = walk.check, .function = check_contents, .context = &walk, .is_costly = true};
    if (walk.check->flags & CHECK_CONTENTS)
        (void)scan_names(fd, ".", check_suspect, &suspects);
    (void)check_settle(&suspects);
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

static int check_left(void *context, const char *name)
{
    struct left *left = context;
    struct check *check = left->check;
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    snprintf(path, sizeof path, LAYOUT_NEW "/%.60s", name);
    int fixed = check_repairs(check) ? 0 : CHECK_NOT_TRIED; /* adoption follows */
    if (layout_id_from_name(name, ADOPT_DAMAGED_SUFFIX, id)) {
        check_tell(check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "it is no record");
    } else if (is_dead_part(left->dirfd, name, id)) {
        left->n += !check->only_looks;
        check_tell(check, CHECK_ORPHAN_PART, id, path, fixed, "its hook is dead");
    } else if (layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id) && is_there(left->dirfd, name)) {
        left->n += !check->only_looks;
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
    struct suspects suspects = {
        .check = check, .function = check_left, .context = &left, .is_for_keeper = true};
    int r = scan_names(fd, ".", check_suspect, &suspects);
    (void)check_settle(&suspects);
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
    return module_store_expire(check_index_of(check), check->storefd, !check_repairs(check),
                               tell_module, check, error);
}
