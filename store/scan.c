/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan.c - from files to rows. */
#include "store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/findings.h"
#include "store/layout.h"
#include "store/record.h"

enum { SCAN_BATCH = 256 }; /* crashes a transaction */

int scan_names(int dirfd, const char *path, scan_name_function *function, void *context)
{
    int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    AUTO_DIR DIR *dir = fdopendir(fd);
    if (!dir) {
        int r = -errno;
        close(fd);
        return r;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return -errno;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int r = function(context, entry->d_name);
        if (r < 0)
            return r;
    }
}

static int open_regular(int dirfd, const char *name, struct stat *ret)
{
    AUTO_FD int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, ret) < 0)
        return -errno;
    return S_ISREG(ret->st_mode) ? steal_fd(&fd) : -EBADMSG;
}

/* ---- one crash ---- */

static int put_report(struct scan *scan, int dirfd, const char *id, int64_t seq,
                      struct error *error)
{
    char name[LAYOUT_NAME_SIZE];
    struct stat st = {0};
    layout_name(name, id, LAYOUT_REPORT_SUFFIX);
    AUTO_FD int fd = open_regular(dirfd, name, &st);
    if (fd < 0)
        return 0; /* none, or not ours to read: it can be made again */

    AUTO_REPORT struct report *report = NULL;
    if (report_read(fd, &report, NULL) < 0)
        return 0; /* stays pending, and is made again */
    return findings_put(scan->index, seq, report, st.st_size, scan->keep, error);
}

/* Fills a row from the record `name`; the metadata lives in `ret_record`. */
static int read_record(int dirfd, const char *name, const char *id, int *ret_fd,
                       struct record **ret_record, struct crash_row *ret, struct error *error)
{
    struct stat st;
    AUTO_FD int fd = open_regular(dirfd, name, &st);
    if (fd < 0)
        return error_errno(error, -fd, "%s", name);
    int r = record_open(fd, ret_record, error);
    if (r < 0) {
        error_prefix(error, "%s", name);
        return r;
    }
    crash_row_from_record(id, *ret_record, ret);
    *ret_fd = steal_fd(&fd);
    return 0;
}

int scan_crash(struct scan *scan, int dirfd, uid_t owner, const char *id, struct error *error)
{
    char name[LAYOUT_NAME_SIZE];
    struct stat st;
    struct crash_row row;
    AUTO_FD int fd = -1;
    AUTO_RECORD struct record *record = NULL;

    layout_name(name, id, LAYOUT_RECORD_SUFFIX);
    int r = read_record(dirfd, name, id, &fd, &record, &row, error);
    if (r < 0)
        return r;
    row.owner = owner; /* where it lies is where it is looked for; check tells if it shouldn't */
    layout_name(name, id, LAYOUT_PIN_SUFFIX);
    row.pinned = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

    int64_t seq;
    r = index_put(scan->index, &row, &seq, error);
    if (r == 0 && row.analysis == CRASH_PENDING)
        r = put_report(scan, dirfd, id, seq, error);
    if (r == 0)
        scan->done++;
    return r;
}

/* ---- a directory ---- */

struct walk {
    struct scan *scan;
    struct error *error;
    int storefd, dirfd;
    uid_t owner;
    unsigned in_batch;
    struct index *adopted; /* of new/ */
};

static int next_batch(struct walk *walk)
{
    struct scan *scan = walk->scan;
    int r = index_commit(scan->index, walk->error);
    if (r == 0 && scan->progress)
        r = scan->progress(scan->context, scan->done);
    walk->in_batch = 0;
    return r < 0 ? r : index_begin(scan->index, walk->error);
}

/* Errors of one file are its own; those of the index end the walk. */
static bool is_fatal(int r)
{
    return r == -ENOSPC || r == -EIO || r == -ENOMEM || r == -EROFS || r == -EBUSY || r == -EUCLEAN;
}

static int walk_crash(void *context, const char *name)
{
    struct walk *walk = context;
    char id[LAYOUT_ID_SIZE];
    if (!layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id))
        return 0;
    int r = scan_crash(walk->scan, walk->dirfd, walk->owner, id, walk->error);
    if (r < 0)
        return is_fatal(r) ? r : 0;
    return ++walk->in_batch < SCAN_BATCH ? 0 : next_batch(walk);
}

static int walk_owner(void *context, const char *name)
{
    struct walk *walk = context;
    uint64_t uid;
    if (name[0] < '0' || name[0] > '9' || parse_u64(name, 10, (uid_t)-2, &uid) < 0)
        return 0;

    char path[LAYOUT_PATH_SIZE];
    layout_crash_dir(path, (uid_t)uid);
    AUTO_FD int dirfd =
        openat(walk->storefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dirfd < 0)
        return 0;
    struct walk inside = *walk;
    inside.dirfd = dirfd;
    inside.owner = (uid_t)uid;
    int r = scan_names(dirfd, ".", walk_crash, &inside);
    walk->in_batch = inside.in_batch;
    return is_fatal(r) ? r : 0;
}

static int finish(struct walk *walk, int r)
{
    if (r < 0) {
        index_rollback(walk->scan->index);
        return r;
    }
    r = index_commit(walk->scan->index, walk->error);
    if (r == 0 && walk->scan->progress)
        r = walk->scan->progress(walk->scan->context, walk->scan->done);
    return r;
}

int scan_store(struct scan *scan, int storefd, struct error *error)
{
    struct walk walk = {.scan = scan, .error = error, .storefd = storefd};
    int r = index_begin(scan->index, error);
    if (r < 0)
        return r;
    r = scan_names(storefd, LAYOUT_CRASHES, walk_owner, &walk);
    if (r == -ENOENT)
        r = 0; /* nothing was ever adopted */
    if (r < 0 && !is_fatal(r)) {
        index_rollback(scan->index);
        return error_errno(error, -r, "cannot list " LAYOUT_CRASHES);
    }
    return finish(&walk, r);
}

int scan_user(struct scan *scan, int storefd, uid_t only, struct error *error)
{
    char name[16];
    struct walk walk = {.scan = scan, .error = error, .storefd = storefd};
    int r = index_begin(scan->index, error);
    if (r < 0)
        return r;
    snprintf(name, sizeof name, "%u", only);
    return finish(&walk, walk_owner(&walk, name));
}

/* ---- new/ ---- */

static int walk_new(void *context, const char *name)
{
    struct walk *walk = context;
    char id[LAYOUT_ID_SIZE];
    bool part = layout_id_from_name(name, LAYOUT_PART_SUFFIX, id);
    if (!part && !layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id))
        return 0;
    AUTO_CRASH_ROW struct crash_row *known = NULL;
    if (walk->adopted && index_find(walk->adopted, id, &known, NULL) == 0)
        return 0;

    struct crash_row row;
    AUTO_FD int fd = -1;
    AUTO_RECORD struct record *record = NULL;
    if (read_record(walk->dirfd, name, id, &fd, &record, &row, NULL) < 0)
        return 0;
    if (part && !record_is_finished(record))
        row.core = RECORD_CAPTURING;
    int r = index_put(walk->scan->index, &row, NULL, walk->error);
    if (r == 0)
        walk->scan->done++;
    return is_fatal(r) ? r : 0;
}

int scan_new(struct scan *scan, int storefd, struct index *adopted, struct error *error)
{
    struct walk walk = {.scan = scan, .error = error, .storefd = storefd, .adopted = adopted};
    AUTO_FD int dirfd =
        openat(storefd, LAYOUT_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dirfd < 0)
        return 0; /* not ours to see */
    walk.dirfd = dirfd;
    int r = index_begin(scan->index, error);
    if (r < 0)
        return r;
    r = scan_names(dirfd, ".", walk_new, &walk);
    return finish(&walk, is_fatal(r) ? r : 0);
}

static int find_record(void *context, const char *name)
{
    char id[LAYOUT_ID_SIZE];
    (void)context;
    /* Any negative number ends the walk. */
    return layout_id_from_name(name, LAYOUT_PART_SUFFIX, id) ||
                   layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id)
               ? -EEXIST
               : 0;
}

bool scan_has_new(int storefd)
{
    return scan_names(storefd, LAYOUT_NEW, find_record, NULL) == -EEXIST;
}
