/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash_files.c - the files of one crash in its store: opened, written, removed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/access.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/index.h"
#include "store/scan.h"
#include "store/store.h"
#include "store/usage.h"

enum {
    REPORT_READ_MAX = 64 * 1024 * 1024,
    MOVE_WAIT_MS = 5000, /* an adopter takes milliseconds */
};

int store_open_directory(const struct store *store, const struct crash_row *row)
{
    char path[LAYOUT_PATH_SIZE];
    layout_crash_dir(path, row->owner);
    int fd =
        openat(store_fd(store, row->source), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Only ever regular files: nobody gets us to wait at a FIFO. */
static int open_regular(int dirfd, const char *path, int flags)
{
    AUTO_FD int fd = openat(dirfd, path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EBADMSG;
}

int store_open_file(const struct store *store, const struct crash_row *row, const char *suffix,
                    int flags)
{
    char path[LAYOUT_PATH_SIZE];
    layout_crash_path(path, row->owner, row->id, suffix);
    return open_regular(store_fd(store, row->source), path, flags);
}

int store_open_record(const struct store *store, const struct crash_row *row, struct error *error)
{
    static const char *const new_suffixes[] = {LAYOUT_RECORD_SUFFIX, LAYOUT_PART_SUFFIX};
    int fd = store_open_file(store, row, LAYOUT_RECORD_SUFFIX, O_RDONLY);
    for (size_t i = 0; i < ARRAY_SIZE(new_suffixes) && fd == -ENOENT; i++) {
        char path[LAYOUT_PATH_SIZE];
        layout_new_path(path, row->id, new_suffixes[i]);
        fd = open_regular(store_fd(store, row->source), path, O_RDONLY);
        if (fd == -EACCES)
            fd = -ENOENT; /* who may not look into new/ knows only what was adopted */
    }
    if (fd == -ENOENT) /* adopted since we looked there first */
        fd = store_open_file(store, row, LAYOUT_RECORD_SUFFIX, O_RDONLY);
    return fd < 0 ? error_errno(error, -fd, "%s" LAYOUT_RECORD_SUFFIX, row->id) : fd;
}

/* AT_EACCESS is no matter of rights here: the kernel makes new credentials without it. */
static bool is_there(int dirfd, const char *path)
{
    return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW | AT_EACCESS) == 0;
}

static bool is_gone(int dirfd, const char *path)
{
    return !is_there(dirfd, path) && errno == ENOENT;
}

/* In new/, whole or not; who may not look there knows only what was adopted. */
static bool is_unadopted(int storefd, const char *id)
{
    static const char *const suffixes[] = {LAYOUT_RECORD_SUFFIX, LAYOUT_PART_SUFFIX};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char path[LAYOUT_PATH_SIZE];
        layout_new_path(path, id, suffixes[i]);
        if (is_there(storefd, path))
            return true;
    }
    return false;
}

/* Asked once for every line of a list, of which nearly all are there. */
enum record_state store_row_core(struct store *store, const struct crash_row *row)
{
    char name[LAYOUT_NAME_SIZE], path[LAYOUT_PATH_SIZE];
    bool whole = false;
    int storefd = store_fd(store, row->source), dirfd = store_directory(store, row, &whole);

    if (whole || row->core == RECORD_MISSING)
        return row->core;
    layout_name(name, row->id, LAYOUT_RECORD_SUFFIX);
    if (dirfd >= 0 && !is_gone(dirfd, name))
        return row->core;
    /* An adoption may move it from where we look first to where we look last; and the directory
     * may have been replaced since it was opened. */
    layout_crash_path(path, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    if (!is_gone(storefd, path) || is_unadopted(storefd, row->id) || !is_gone(storefd, path))
        return row->core;
    return RECORD_MISSING;
}

int store_read_report(const struct store *store, const struct crash_row *row, struct bytes *ret,
                      struct error *error)
{
    AUTO_FD int fd = store_open_file(store, row, LAYOUT_REPORT_SUFFIX, O_RDONLY);
    int r = fd < 0 ? fd : io_read_all(fd, REPORT_READ_MAX, ret);
    return r < 0 ? error_errno(error, -r, "%s" LAYOUT_REPORT_SUFFIX, row->id) : 0;
}

/* A new file with the rights of the row. */
static int create_file(int dirfd, const char *name, const struct crash_row *row)
{
    const struct access access = access_of_row(row);
    AUTO_FD int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            LAYOUT_PRIVATE_MODE);
    if (fd < 0)
        return -errno;
    int r = access_apply_file(fd, &access, NULL);
    return r < 0 ? r : steal_fd(&fd);
}

/* ---- reports ---- */

static void name_temporary(char *ret, size_t size, const char *id, const char *whose)
{
    snprintf(ret, size, ".%s" LAYOUT_REPORT_SUFFIX "%s.new", id, whose);
}

/* Two who explain a crash at once don't write into one file. */
static int create_report(int dirfd, const struct crash_row *row, struct store_report *ret)
{
    const struct access access = access_of_row(row);
    char whose[16];
    AUTO_FD int fd = openat(dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, LAYOUT_PRIVATE_MODE);
    int r = fd < 0 ? -errno : access_apply_file(fd, &access, NULL);
    *ret = (struct store_report){.fd = steal_fd(&fd)};
    if (r != -EOPNOTSUPP && r != -EISDIR)
        return r;
    snprintf(whose, sizeof whose, ".%d", (int)getpid());
    name_temporary(ret->name, sizeof ret->name, row->id, whose);
    if (unlinkat(dirfd, ret->name, 0) < 0 && errno != ENOENT)
        return -errno;
    ret->fd = create_file(dirfd, ret->name, row);
    return ret->fd < 0 ? ret->fd : 0;
}

int store_write_report(struct store *store, const struct crash_row *row, const void *data,
                       size_t size, struct store_report *ret, struct error *error)
{
    *ret = STORE_REPORT_NONE;
    if (!store_may_write(store, row))
        return error_set(error, EPERM, "%s is not ours to change: use sudo inquest …", row->id);
    AUTO_FD int dirfd = store_open_directory(store, row);
    int r = dirfd < 0 ? dirfd : create_report(dirfd, row, ret);
    if (r == 0)
        r = io_write(ret->fd, data, size);
    if (r == 0 && fsync(ret->fd) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    store_close_report(store, row, ret);
    return error_errno(error, -r, "cannot write %s" LAYOUT_REPORT_SUFFIX, row->id);
}

/* Whoever died between the two calls has left this name. */
static int give_name(int dirfd, int fd, const char *name)
{
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    return linkat(AT_FDCWD, self, dirfd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int store_place_report(struct store *store, const struct crash_row *row,
                       const struct store_report *report, struct error *error)
{
    char to[LAYOUT_NAME_SIZE], name[sizeof report->name];
    layout_name(to, row->id, LAYOUT_REPORT_SUFFIX);
    name_temporary(name, sizeof name, row->id, "");
    AUTO_FD int dirfd = store_open_directory(store, row);
    int r = dirfd < 0 ? dirfd : 0;
    if (r == 0 && report->name[0])
        memcpy(name, report->name, sizeof name);
    else if (r == 0)
        r = give_name(dirfd, report->fd, name);
    if (r == 0 && renameat(dirfd, name, dirfd, to) < 0) {
        r = -errno;
        (void)unlinkat(dirfd, name, 0); /* that failure is what is told */
    }
    if (r == 0 && fsync(dirfd) < 0)
        r = -errno;
    return r < 0 ? error_errno(error, -r, "cannot put %s in its place", to) : 0;
}

void store_close_report(struct store *store, const struct crash_row *row,
                        struct store_report *report)
{
    AUTO_FD int dirfd = report->name[0] ? store_open_directory(store, row) : -1;
    if (dirfd >= 0)
        (void)unlinkat(dirfd, report->name, 0); /* what stays is found by check */
    if (report->fd >= 0)
        close(report->fd);
    *report = STORE_REPORT_NONE;
}

/* ---- modules from elsewhere ---- */

int store_keep_module(struct store *store, const struct crash_row *row, const char *build_id,
                      int fd, struct error *error)
{
    char prefix[LAYOUT_PATH_SIZE], path[LAYOUT_PATH_SIZE + NAME_MAX];
    int storefd = store_fd(store, row->source);

    if (!store_may_write(store, row))
        return error_set(error, EPERM, "%s is not ours to change: use sudo inquest …", row->id);
    layout_crash_dir(prefix, row->owner);
    snprintf(path, sizeof path, "%s/" LAYOUT_MODULES, prefix);
    bool made = mkdirat(storefd, path, LAYOUT_MODULES_MODE) == 0;
    if (made ? fchmodat(storefd, path, LAYOUT_MODULES_MODE, 0) < 0 : errno != EEXIST)
        return error_errno(error, errno, "%s", path); /* the umask is not asked */
    layout_kept_modules(prefix, row->owner, row->id);
    if (snprintf(path, sizeof path, "%s%s", prefix, build_id) >= (int)sizeof path)
        return error_set(error, ENAMETOOLONG, "%s: a build-id is too long", row->id);
    AUTO_FD int to = create_file(storefd, path, row);
    if (to < 0)
        return to == -EEXIST ? 0 : error_errno(error, -to, "%s", path);
    int r = io_copy(fd, to);
    if (r < 0) {
        (void)unlinkat(storefd, path, 0); /* the failure above is what is told */
        return error_errno(error, -r, "cannot write %s", path);
    }
    /* Who removed the crash meanwhile did not see it. Else it is counted, not minutes later. */
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    r = store_begin_change(store, row, &now, error);
    if (r < 0) {
        (void)unlinkat(storefd, path, 0); /* likewise */
        return r;
    }
    return store_end_change(store, usage_forget(store_writable_index(store), error), error);
}

struct kept {
    int dirfd;
    const char *id;
    bool only_count;
    uint64_t bytes;
};

/* ID.BUILD-ID, and not ID.2.BUILD-ID */
static int take_kept(void *context, const char *name)
{
    struct kept *kept = context;
    size_t size = strlen(kept->id);
    struct stat st;
    if (strncmp(name, kept->id, size) != 0 || name[size] != '.' || strchr(name + size + 1, '.') ||
        fstatat(kept->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    if (kept->only_count || unlinkat(kept->dirfd, name, 0) == 0)
        kept->bytes += io_disk_size(&st);
    return 0; /* what stays goes when no core is left */
}

static uint64_t take_kept_modules(int dirfd, const char *id, bool only_count)
{
    AUTO_FD int fd = openat(dirfd, LAYOUT_MODULES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct kept kept = {.dirfd = fd, .id = id, .only_count = only_count};
    if (fd >= 0)
        (void)scan_names(fd, ".", take_kept, &kept); /* likewise */
    return kept.bytes;
}

uint64_t store_kept_bytes(const struct store *store, const struct crash_row *row)
{
    AUTO_FD int dirfd = store_open_directory(store, row);
    return dirfd < 0 ? 0 : take_kept_modules(dirfd, row->id, true);
}

int store_record_path(const struct store *store, const struct crash_row *row, char **ret)
{
    char path[LAYOUT_PATH_SIZE];
    struct stat st;
    layout_crash_path(path, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    if (fstatat(store_fd(store, row->source), path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        char new_path[LAYOUT_PATH_SIZE];
        layout_new_path(new_path, row->id, LAYOUT_RECORD_SUFFIX);
        if (fstatat(store_fd(store, row->source), new_path, &st, AT_SYMLINK_NOFOLLOW) == 0)
            snprintf(path, sizeof path, "%s", new_path);
    }
    char *whole;
    if (asprintf(&whole, "%s/%s", store_source_path(store, row->source), path) < 0)
        return -ENOMEM;
    *ret = whole;
    return 0;
}

/* Whoever may read a record may hold it open, and would hold its blocks, which nobody counts: of
 * what has no name any more, nothing is left to read. */
static void give_up_blocks(int fd)
{
    if (fd >= 0 && io_has_no_name(fd) && ftruncate(fd, 0) < 0)
        return; /* then they are his until he closes it */
}

/* A directory, which nobody of us has put there, is left, and so is all behind a link. */
static int remove_file(int dirfd, const char *name)
{
    AUTO_FD int fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (unlinkat(dirfd, name, 0) < 0)
        return errno == ENOENT || errno == EISDIR ? 0 : -errno;
    give_up_blocks(fd);
    return 0;
}

static int remove_files(const struct store *store, const struct crash_row *row, uint64_t *ret_kept)
{
    static const char *const suffixes[] = {LAYOUT_RECORD_SUFFIX, LAYOUT_REPORT_SUFFIX,
                                           LAYOUT_PIN_SUFFIX};
    AUTO_FD int dirfd = store_open_directory(store, row);
    *ret_kept = 0;
    if (dirfd < 0)
        return dirfd == -ENOENT || dirfd == -ENOTDIR || dirfd == -ELOOP ? 0 : dirfd;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[LAYOUT_NAME_SIZE];
        layout_name(name, row->id, suffixes[i]);
        int r = remove_file(dirfd, name);
        if (r < 0)
            return r;
    }
    if (fsync(dirfd) < 0)
        return -errno;
    *ret_kept = take_kept_modules(dirfd, row->id, false);
    return 0;
}

int store_remove_files(struct store *store, const struct crash_row *row, uint64_t *ret_kept,
                       struct error *error)
{
    int r = remove_files(store, row, ret_kept);
    return r < 0 ? error_errno(error, -r, "cannot remove %s", row->id) : 0;
}

/* Its adopter died between row and place. */
static int remove_unadopted(const struct store *store, const struct crash_row *row)
{
    char from[LAYOUT_PATH_SIZE], to[LAYOUT_PATH_SIZE];
    int fd = store_fd(store, row->source);
    layout_new_path(from, row->id, LAYOUT_RECORD_SUFFIX);
    layout_crash_path(to, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    if (row->core == RECORD_MISSING || !is_gone(fd, to) || unlinkat(fd, from, 0) == 0 ||
        errno == ENOENT)
        return 0;
    return -errno;
}

static int remove_now(struct store *store, const struct crash_row *row, struct error *error)
{
    struct index *index = store_writable_index(store);
    uint64_t kept;
    int r = remove_unadopted(store, row);
    if (r < 0)
        return error_errno(error, -r, "cannot remove %s", row->id);
    r = store_remove_files(store, row, &kept, error);
    if (r == 0)
        r = index_remove(index, row->seq, error);
    if (r == 0 && kept > 0)
        r = usage_forget(index, error); /* else it is counted minutes later */
    return r;
}

int store_remove(struct store *store, const struct crash_row *row, bool even_pinned,
                 struct error *error)
{
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    int r = store_begin_change(store, row, &now, error);
    if (r < 0)
        return r == -ESTALE ? 0 : r;
    bool is_left = now->pinned && !even_pinned;
    r = is_left ? 0 : remove_now(store, now, error);
    r = store_end_change(store, r, error);
    return r == 0 && is_left ? 1 : r;
}

void store_await_record(struct store *store, const struct crash_row *row)
{
    static const struct timespec pause = {.tv_nsec = 1000000};
    char from[LAYOUT_PATH_SIZE], to[LAYOUT_PATH_SIZE];
    int fd = store_fd(store, row->source);

    layout_new_path(from, row->id, LAYOUT_RECORD_SUFFIX);
    layout_crash_path(to, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    for (int i = 0; i < MOVE_WAIT_MS && faccessat(fd, to, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
                    faccessat(fd, from, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
         i++)
        (void)nanosleep(&pause, NULL);
}
