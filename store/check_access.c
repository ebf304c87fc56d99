/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check_access.c - the owners, modes and ACLs of a store: nobody may read more, or less, than he
 * should. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"
#include "store/base/cleanup.h"
#include "store/check_work.h"
#include "store/layout.h"
#include "store/scan.h"

static const char *const index_files[] = {LAYOUT_INDEX_FILES};

void check_path(const struct walk *walk, const char *name, char ret[static CHECK_PATH_SIZE])
{
    snprintf(ret, CHECK_PATH_SIZE, "%s%s%s", walk->path, walk->path[0] ? "/" : "", name);
}

/* What may be ours: but nothing that has another name elsewhere. */
static bool is_ours(const struct stat *st)
{
    return S_ISDIR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_nlink == 1);
}

/* Root's alone to do: the store's owner cannot take what is another's. */
static int give_to_owner(const struct walk *walk, int fd)
{
    struct check *check = walk->check;
    int r = store_leave(check->store, walk->error);
    if (r < 0)
        return r;
    if (fchownat(fd, "", check->owner, check->group, AT_EMPTY_PATH) < 0)
        r = error_errno(walk->error, errno, "owner");
    int entered = store_enter(check->store, r < 0 ? NULL : walk->error);
    return r < 0 ? r : entered;
}

static int open_as_root(const struct walk *walk, const char *name, int flags)
{
    struct check *check = walk->check;
    struct stat st;
    if (fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !is_ours(&st) ||
        store_leave(check->store, NULL) < 0)
        return -EACCES;
    AUTO_FD int fd = openat(walk->dirfd, name, flags);
    if (store_enter(check->store, walk->error) < 0 || fd < 0 || fstat(fd, &st) < 0 || !is_ours(&st))
        return -EACCES;
    return steal_fd(&fd);
}

/* What cannot be opened, and could be if all were well. The owner's alone, group inquest cannot. */
static void tell_closed(const struct walk *walk, const char *name, const char *id)
{
    struct check *check = walk->check;
    char path[CHECK_PATH_SIZE];
    struct stat st;
    if (fstatat(walk->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return;
    check_path(walk, name, path);
    if (st.st_uid != check->owner || st.st_gid != check->group)
        check_tell(check, CHECK_MODE, id, path, CHECK_NOT_TRIED,
                   "it belongs to %u:%u instead of %u:%u", st.st_uid, st.st_gid, check->owner,
                   check->group);
    else if (st.st_uid == geteuid() || (st.st_mode & 0700) < (S_ISDIR(st.st_mode) ? 0700 : 0600))
        check_tell(check, CHECK_MODE, id, path, CHECK_NOT_TRIED, "its mode is %04o",
                   st.st_mode & 07777);
}

int check_open(const struct walk *walk, const char *name, const char *id, int flags)
{
    struct check *check = walk->check;
    flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(walk->dirfd, name, flags);
    if (fd >= 0 || errno != EACCES || !store_sees_all(check->store))
        return fd < 0 ? -errno : fd;
    fd = check_repairs(check) ? open_as_root(walk, name, flags) : -EACCES;
    if (fd < 0)
        tell_closed(walk, name, id);
    return fd;
}

/* 0: it belongs to the store's owner, now at least. */
static int check_owner(const struct walk *walk, int fd, const char *id, const char *path)
{
    struct check *check = walk->check;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid == check->owner && st.st_gid == check->group)
        return 0;
    int fixed = check_repairs(check) && is_ours(&st) ? give_to_owner(walk, fd) : CHECK_NOT_TRIED;
    check_tell(check, CHECK_MODE, id, path, fixed, "it belongs to %u:%u instead of %u:%u",
               st.st_uid, st.st_gid, check->owner, check->group);
    return fixed;
}

void check_file_access(const struct walk *walk, int fd, const char *id, const char *path,
                       const struct access *access)
{
    struct check *check = walk->check;
    struct stat st;
    if (check_owner(walk, fd, id, path) != 0)
        return;
    int applied = access_is_applied(fd, access);
    for (unsigned looks = 1; applied == 0 && check_again(check, looks); looks++)
        applied = access_is_applied(fd, access);
    if (applied != 0 || fstat(fd, &st) < 0 || st.st_nlink == 0)
        return;
    int fixed = check_repairs(check) ? access_apply_file(fd, access, NULL) : CHECK_NOT_TRIED;
    check_tell(check, CHECK_MODE, id, path, fixed,
               "its mode (%04o) or ACL is not what it should be", st.st_mode & 07777);
}

void check_named_access(const struct walk *walk, const char *name, const char *id,
                        const struct access *access)
{
    static const struct access group = {.owner = 0}, nobody = {.is_private = true};
    char path[CHECK_PATH_SIZE];
    struct stat st;
    /* As a place only: to close an index's file otherwise would take sqlite's locks on it. */
    AUTO_FD int fd = check_open(walk, name, id, O_PATH);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    check_path(walk, name, path);
    if (!access) /* made under a umask, it may be the owner's alone */
        access = access_is_applied(fd, &nobody) == 1 ? &nobody : &group;
    check_file_access(walk, fd, id, path, access);
}

/* ---- directories ---- */

static void check_directory(const struct walk *walk, mode_t mode)
{
    struct check *check = walk->check;
    struct stat st;
    if (check_owner(walk, walk->dirfd, NULL, walk->path) != 0 || fstat(walk->dirfd, &st) < 0 ||
        (st.st_mode & 07777) == mode)
        return;
    int fixed = CHECK_NOT_TRIED;
    if (check_repairs(check))
        fixed = fchmod(walk->dirfd, mode) < 0 ? -errno : 0;
    check_tell(check, CHECK_MODE, NULL, walk->path, fixed, "its mode is %04o instead of %04o",
               st.st_mode & 07777, mode);
}

/* Without memory for it, his entry in the directory's ACL is told. */
void check_note_reader(struct walk *walk, uid_t reader)
{
    const uid_t *readers = (const uid_t *)(const void *)walk->readers.data;
    for (size_t i = 0; i < walk->readers.size / sizeof(reader); i++)
        if (readers[i] == reader)
            return;
    (void)bytes_append(&walk->readers, &reader, sizeof(reader));
}

/* Looks first where an adoption takes it from. */
static bool is_there(const struct check *check, const struct walk *walk, const char *id)
{
    char paths[3][LAYOUT_PATH_SIZE];
    struct stat st;
    layout_new_path(paths[0], id, LAYOUT_RECORD_SUFFIX);
    layout_crash_path(paths[1], walk->owner, id, LAYOUT_RECORD_SUFFIX);
    layout_crash_path(paths[2], walk->owner, id, LAYOUT_REPORT_SUFFIX);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (fstatat(check->storefd, paths[i], &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
            return true;
    return false;
}

/* Crashes that came since the directory was read, or are about to: they have their rows. */
static int note_rows(struct walk *walk)
{
    const struct check *check = walk->check;
    struct database *database = index_database(check->index);
    sqlite3_stmt *statement;
    int code, r = database_prepare(database,
                                   "SELECT id, access_uid FROM crash INDEXED BY crash_access"
                                   " WHERE access_uid IS NOT NULL AND owner = ?1",
                                   &statement, NULL, "n", (int64_t)walk->owner);
    if (r < 0)
        return r;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        if (id && is_there(check, walk, id))
            check_note_reader(walk, (uid_t)sqlite3_column_int64(statement, 1));
    }
    if (code != SQLITE_DONE)
        r = database_error(database, NULL, "index");
    sqlite3_reset(statement);
    return r;
}

/* An adopter gives rights while it holds the index: nobody does until end_change(). */
static int begin_change(struct check *check)
{
    int r = check_lock(check, NULL);
    if (r < 0)
        return r;
    r = index_begin(check->index, NULL);
    if (r < 0)
        store_unlock(check->store);
    return r;
}

static void end_change(struct check *check)
{
    index_rollback(check->index); /* it was only to keep others out */
    store_unlock(check->store);
}

static int directory_is_due(const struct walk *walk)
{
    return access_directory_is_due(walk->dirfd, (const uid_t *)(const void *)walk->readers.data,
                                   walk->readers.size / sizeof(uid_t), walk->owner);
}

static int apply_directory(const struct walk *walk)
{
    return access_apply_directory_exactly(walk->dirfd,
                                          (const uid_t *)(const void *)walk->readers.data,
                                          walk->readers.size / sizeof(uid_t), walk->owner, NULL);
}

void check_crash_directory(struct walk *walk)
{
    struct check *check = walk->check;
    struct stat st;
    if (!store_sees_all(check->store) || check_owner(walk, walk->dirfd, NULL, walk->path) != 0 ||
        fstat(walk->dirfd, &st) < 0 || directory_is_due(walk) != 0)
        return;
    int fixed = check_repairs(check) ? begin_change(check) : CHECK_NOT_TRIED;
    bool is_begun = fixed == 0;
    int r = note_rows(walk), is_due = directory_is_due(walk);
    for (unsigned looks = 1; !is_begun && is_due == 0 && check_again(check, looks); looks++) {
        r = note_rows(walk);
        is_due = directory_is_due(walk);
    }
    if (is_begun && is_due == 0)
        fixed = r < 0 ? r : apply_directory(walk);
    if (is_begun)
        end_change(check);
    if (is_due == 0)
        check_tell(check, CHECK_MODE, NULL, walk->path, fixed,
                   "its mode (%04o) or ACL is not what its crashes lead to", st.st_mode & 07777);
}

/* ---- files that are no crash's ---- */

static int check_plain(void *context, const char *name)
{
    check_named_access(context, name, NULL, NULL);
    return 0;
}

bool check_find_access(const struct walk *walk, const char *id, struct crash_row **ret)
{
    struct check *check = walk->check;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    if (store_source_is_own_view(check->store, check->source) ||
        index_find(check->index, id, &row, NULL) < 0 || row->owner != walk->owner)
        return false;
    *ret = steal_pointer(&row);
    return true;
}

/* Kept for one crash, so who may read that one may read it. */
static int check_kept_module(void *context, const char *name)
{
    const struct walk *walk = context;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    const char *end = strrchr(name, '.');
    char id[LAYOUT_ID_SIZE];
    if (!end || (size_t)(end - name) >= sizeof id)
        return 0;
    snprintf(id, sizeof id, "%.*s", (int)(end - name), name);
    if (!check_find_access(walk, id, &row))
        return 0; /* without a row, retention takes it */
    const struct access access = access_of_row(row);
    check_named_access(walk, name, id, &access);
    return 0;
}

void check_user_files(const struct walk *walk)
{
    const struct access access = {.owner = walk->owner, .has_reader = true, .reader = walk->owner};
    char path[CHECK_PATH_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(index_files); i++)
        check_named_access(walk, index_files[i], NULL, &access);
    check_path(walk, LAYOUT_MODULES, path);
    AUTO_FD int fd = check_open(walk, LAYOUT_MODULES, NULL, O_DIRECTORY);
    struct walk inside = *walk;
    inside.dirfd = fd;
    inside.path = path;
    if (fd < 0)
        return; /* not ours to list */
    if (store_sees_all(walk->check->store))
        check_directory(&inside, LAYOUT_MODULES_MODE);
    (void)scan_names(fd, ".", check_kept_module, &inside); /* likewise */
}

/* new/ lets nobody in, whatever the modes of what is there. */
static void check_inside(struct walk *walk, const struct layout_directory *directory)
{
    check_directory(walk, directory->mode);
    if (strcmp(directory->name, LAYOUT_MODULES) == 0 || strcmp(directory->name, LAYOUT_CACHE) == 0)
        (void)scan_names(walk->dirfd, ".", check_plain, walk);
}

int check_directories(struct check *check, struct error *error)
{
    struct walk top = {.check = check, .error = error, .dirfd = check->storefd, .path = ""};
    if (!store_sees_all(check->store))
        return 0; /* not for one user to judge */
    for (size_t i = 0; i < ARRAY_SIZE(index_files); i++)
        check_named_access(&top, index_files[i], NULL, NULL);
    /* Of the store itself nothing can be told: who makes one in a directory of his own chooses. */
    for (size_t i = 1; i < LAYOUT_DIRECTORIES; i++) {
        const char *name = layout_directories[i].name;
        AUTO_FD int fd = check_open(&top, name, NULL, O_DIRECTORY);
        struct walk walk = {.check = check, .error = error, .dirfd = fd, .path = name};
        if (fd >= 0)
            check_inside(&walk, &layout_directories[i]);
        else if (fd == -ENOTDIR || fd == -ELOOP)
            check_tell(check, CHECK_MODE, NULL, name, CHECK_NOT_TRIED, "it is no directory");
    }
    return 0; /* what is missing or not ours to open, doctor tells */
}
