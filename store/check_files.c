/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_files.c - the files of a store: are they sound, known, and as readable as they should be?
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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

/* A directory of crashes being walked. */
struct walk {
    struct check *check;
    struct error *error;
    int dirfd;
    uid_t owner;      /* crashes/<owner>/ */
    const char *path; /* below the store */
};

static void file_path(const struct walk *walk, const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s/%s", walk->path, name);
}

static bool exists(int dirfd, const char *id, const char *suffix)
{
    char name[LAYOUT_NAME_SIZE];
    struct stat st;
    layout_name(name, id, suffix);
    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- owners and modes ---- */

/* Root's alone to do: the store's owner cannot take what is another's. */
static int give_to_owner(struct check *check, int fd, struct error *error)
{
    struct stat st;
    if (fstat(check->storefd, &st) < 0)
        return error_errno(error, errno, "store");
    int r = store_leave(check->store, error);
    if (r < 0)
        return r;
    if (fchown(fd, st.st_uid, st.st_gid) < 0)
        r = error_errno(error, errno, "owner");
    int entered = store_enter(check->store, r < 0 ? NULL : error);
    return r < 0 ? r : entered;
}

static int check_file_access(const struct walk *walk, int fd, const char *id, const char *path,
                             const struct access *access)
{
    struct check *check = walk->check;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return 0;
    if (st.st_uid != check->owner) {
        int fixed = check_repairs(check) ? give_to_owner(check, fd, walk->error) : CHECK_NOT_TRIED;
        check_tell(check, CHECK_MODE, id, path, fixed, "it belongs to uid %u instead of %u",
                   st.st_uid, check->owner);
        if (fixed != 0)
            return 0;
    }
    if (access_is_applied(fd, access) != 0)
        return 0;
    int fixed = check_repairs(check) ? access_apply_file(fd, access, NULL) : CHECK_NOT_TRIED;
    check_tell(check, CHECK_MODE, id, path, fixed,
               "its mode (%04o) or ACL is not what its facts lead to", st.st_mode & 07777);
    return 0;
}

static void check_directory_access(const struct walk *walk, mode_t mode)
{
    struct check *check = walk->check;
    struct stat st;
    if (fstat(walk->dirfd, &st) < 0)
        return;
    if (st.st_uid != check->owner) {
        int fixed =
            check_repairs(check) ? give_to_owner(check, walk->dirfd, walk->error) : CHECK_NOT_TRIED;
        check_tell(check, CHECK_MODE, NULL, walk->path, fixed, "it belongs to uid %u instead of %u",
                   st.st_uid, check->owner);
    }
    if ((st.st_mode & 07777) == mode)
        return;
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check))
        fixed = fchmod(walk->dirfd, mode) < 0 ? -errno : 0;
    check_tell(check, CHECK_MODE, NULL, walk->path, fixed, "its mode is %04o instead of %04o",
               st.st_mode & 07777, mode);
}

int check_directories(struct check *check, struct error *error)
{
    /* Of the store itself nothing can be told: who makes one in a directory of his own chooses. */
    for (size_t i = 1; i < LAYOUT_DIRECTORIES && store_sees_all(check->store); i++) {
        const struct layout_directory *directory = &layout_directories[i];
        AUTO_FD int fd = openat(check->storefd, directory->name,
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const struct walk walk = {
            .check = check, .error = error, .dirfd = fd, .path = directory->name};
        if (fd >= 0)
            check_directory_access(&walk, directory->mode);
        else if (errno == ENOTDIR || errno == ELOOP)
            check_tell(check, CHECK_MODE, NULL, directory->name, CHECK_NOT_TRIED,
                       "it is no directory");
    }
    return 0; /* what is missing or not ours to open, doctor tells */
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
    struct scan scan = {.index = check->index, .keep = UINT32_MAX};
    int r = store_lock(check->store, walk->error);
    if (r < 0)
        return r;
    scan.index = check->index = store_index(check->store, check->source);
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

static void check_against_row(const struct walk *walk, const char *id, const char *path,
                              const struct record *record)
{
    struct check *check = walk->check;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct crash_row file;
    if (index_find(check->index, id, &row, NULL) < 0) {
        int fixed = check_repairs(check) ? put_row(walk, id) : CHECK_NOT_TRIED;
        check_tell(check, CHECK_FILE_WITHOUT_ROW, id, path, fixed, "the index does not know it");
        return;
    }
    crash_row_from_record(id, record, &file);
    if (store_source_is_own_view(check->store, check->source))
        file.access_uid = CRASH_ABSENT; /* a user's own index does not say */
    const char *differs = difference(walk, row, &file);
    if (!differs)
        return;
    int fixed = check_repairs(check) ? put_row(walk, id) : CHECK_NOT_TRIED;
    check_tell(check, CHECK_ROW_DIFFERS, id, path, fixed, "the index is wrong about %s", differs);
}

static void check_record(const struct walk *walk, const char *id, const char *name)
{
    struct check *check = walk->check;
    char path[LAYOUT_PATH_SIZE + NAME_MAX];
    struct error error = {0};
    AUTO_RECORD struct record *record = NULL;
    file_path(walk, name, path, sizeof path);
    AUTO_FD int fd = openat(walk->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        if (errno != EACCES) /* not ours to read is no damage */
            check_tell(check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s",
                       strerrordesc_np(errno));
        return;
    }
    if (record_open(fd, &record, &error) < 0) {
        check_tell(check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s", error.text);
        return;
    }
    if (!record_is_finished(record))
        check_tell(check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "it has no end");
    struct access access;
    access_of(record_metadata(record), &access);
    (void)check_file_access(walk, fd, id, path, &access);
    check_against_row(walk, id, path, record);
    struct verify verify = {walk, id, path};
    if ((check->flags & CHECK_CONTENTS) && record_verify(record, tell_frame, &verify, &error) < 0)
        check_tell(check, CHECK_RECORD_DAMAGED, id, path, CHECK_NOT_TRIED, "%s", error.text);
}

/* ---- other files ---- */

/* A report or pin whose record is gone and which no row knows. Reports are kept: they are all that
 * is left. */
static void check_companion(const struct walk *walk, const char *id, const char *name, bool keep)
{
    struct check *check = walk->check;
    char path[LAYOUT_PATH_SIZE + NAME_MAX];
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    if (exists(walk->dirfd, id, LAYOUT_RECORD_SUFFIX) ||
        index_find(check->index, id, &row, NULL) == 0)
        return;
    file_path(walk, name, path, sizeof path);
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check) && !keep)
        fixed = unlinkat(walk->dirfd, name, 0) < 0 ? -errno : 0;
    check_tell(check, CHECK_ORPHAN_FILE, id, path, fixed, "its record is gone");
}

static void check_temporary(const struct walk *walk, const char *name)
{
    struct check *check = walk->check;
    char path[LAYOUT_PATH_SIZE + NAME_MAX];
    struct stat st;
    if (fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        st.st_mtime + TEMPORARY_AGE_S > time(NULL))
        return;
    file_path(walk, name, path, sizeof path);
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check))
        fixed = unlinkat(walk->dirfd, name, 0) < 0 ? -errno : 0;
    check_tell(check, CHECK_ORPHAN_FILE, NULL, path, fixed, "somebody died while writing it");
}

static int check_entry(void *context, const char *name)
{
    const struct walk *walk = context;
    char id[LAYOUT_ID_SIZE];
    size_t size = strlen(name);
    if (layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id))
        check_record(walk, id, name);
    else if (layout_id_from_name(name, LAYOUT_REPORT_SUFFIX, id))
        check_companion(walk, id, name, true);
    else if (layout_id_from_name(name, LAYOUT_PIN_SUFFIX, id))
        check_companion(walk, id, name, false);
    else if (name[0] == '.' && size > 4 && strcmp(name + size - 4, ".new") == 0)
        check_temporary(walk, name);
    return 0;
}

static int check_owner(void *context, const char *name)
{
    struct walk walk = *(struct walk *)context;
    char path[LAYOUT_PATH_SIZE];
    uint64_t uid;
    if (name[0] < '0' || name[0] > '9' || parse_u64(name, 10, (uid_t)-2, &uid) < 0)
        return 0;
    layout_crash_dir(path, (uid_t)uid);
    AUTO_FD int fd =
        openat(walk.check->storefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return 0; /* not ours to list */
    walk.dirfd = fd;
    walk.owner = (uid_t)uid;
    walk.path = path;
    check_directory_access(&walk, LAYOUT_CRASH_DIR_MODE);
    (void)scan_names(fd, ".", check_entry, &walk); /* what cannot be listed is not ours */
    return 0;
}

int check_crashes(struct check *check, struct error *error)
{
    struct walk walk = {.check = check, .error = error};
    char own[16];
    int r = scan_names(check->storefd, LAYOUT_CRASHES, check_owner, &walk);
    if (r == -EACCES) { /* an ordinary user: his own */
        snprintf(own, sizeof own, "%u", geteuid());
        r = check_owner(&walk, own);
    }
    return r < 0 && r != -ENOENT ? error_errno(error, -r, LAYOUT_CRASHES) : 0;
}

/* ---- new/ ---- */

struct left {
    struct check *check;
    int dirfd;
    uint64_t n; /* that adoption would take */
};

static bool is_dead(int dirfd, const char *name)
{
    AUTO_FD int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* On its way to ID.core.zst.part; without content it may not be locked yet. */
static bool is_dead_hidden(int dirfd, const char *name, char *ret_id)
{
    struct stat st;
    return name[0] == '.' && layout_id_from_name(name + 1, LAYOUT_PART_SUFFIX, ret_id) &&
           fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0 &&
           is_dead(dirfd, name);
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
    } else if ((layout_id_from_name(name, LAYOUT_PART_SUFFIX, id) && is_dead(left->dirfd, name)) ||
               is_dead_hidden(left->dirfd, name, id)) {
        left->n++;
        check_tell(check, CHECK_ORPHAN_PART, id, path, fixed, "its hook is dead");
    } else if (layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id)) {
        left->n++;
        check_tell(check, CHECK_FILE_WITHOUT_ROW, id, path, fixed, "nobody has adopted it");
    }
    return 0;
}

int check_new(struct check *check, struct error *error)
{
    struct left left = {.check = check};
    if (check_repairs(check)) /* what cannot be taken waits on, and doctor counts it */
        adopt_runtime(check->store, NULL);
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
