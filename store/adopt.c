/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt.c - takes what hooks have written into the store's care. */
#include "store/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/index.h"
#include "store/keys.h"
#include "store/layout.h"
#include "store/record.h"
#include "store/scan.h"

enum {
    BATCH = 64,         /* crashes a transaction */
    ATTEMPTS_MAX = 999, /* of finding an id that is free */
};

struct names {
    char id[BATCH][LAYOUT_ID_SIZE];
    size_t n;
    const char *suffix;
};

/* One crash on its way from new/ into crashes/<owner>/. */
struct crash {
    char id[LAYOUT_ID_SIZE];
    int fd;
    struct record *record;
    struct crash_row row; /* texts belong to the record */
    bool ready;           /* its row is in the transaction */
};

struct work {
    struct store *store;
    struct index *index;
    const struct config *config;
    int storefd, newfd;
    struct adopt_result *result;
    struct error *error; /* the first one */
};

/* The first failure is told, all are counted. */
static void note_failure(struct work *work, const char *id, const struct error *error)
{
    if (work->result->failed++ == 0 && work->error)
        (void)error_set(work->error, error->code ?: EIO, "%s: %s", id, error->text);
}

static void crash_close(struct crash *crash)
{
    record_free(crash->record);
    if (crash->fd >= 0)
        close(crash->fd);
    *crash = (struct crash){.fd = -1};
}

/* What is no record would be in the way for ever: it is kept under a name that nobody adopts. */
static void set_aside(struct work *work, const char *id)
{
    char from[LAYOUT_NAME_SIZE], to[LAYOUT_NAME_SIZE];
    layout_name(from, id, LAYOUT_RECORD_SUFFIX);
    layout_name(to, id, ADOPT_DAMAGED_SUFFIX);
    (void)renameat(work->newfd, from, work->newfd, to); /* else it fails again next time */
}

/* ---- ids ---- */

/* ID, ID.2, ID.3, …: the next one. */
static int next_id(char id[static LAYOUT_ID_SIZE], unsigned attempt)
{
    char *dot = strchr(id, '.');
    size_t size = dot ? (size_t)(dot - id) : strlen(id);
    int n = snprintf(id + size, LAYOUT_ID_SIZE - size, ".%u", attempt + 1);
    return n < 0 || (size_t)n >= LAYOUT_ID_SIZE - size ? -ENAMETOOLONG : 0;
}

/* Renames a file within new/ to the next free id. */
static int take_next_id(struct work *work, char id[static LAYOUT_ID_SIZE])
{
    char from[LAYOUT_NAME_SIZE], to[LAYOUT_NAME_SIZE];
    layout_name(from, id, LAYOUT_RECORD_SUFFIX);
    for (unsigned attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        AUTO_CRASH_ROW struct crash_row *taken = NULL;
        int r = next_id(id, attempt);
        if (r < 0)
            return r;
        if (index_find(work->index, id, &taken, NULL) == 0)
            continue;
        layout_name(to, id, LAYOUT_RECORD_SUFFIX);
        r = io_rename_new(work->newfd, from, work->newfd, to);
        if (r != -EEXIST)
            return r;
    }
    return -EEXIST;
}

/* ---- step 2: the directory ---- */

static int open_directory(int storefd, const struct access *access, struct error *error)
{
    char path[LAYOUT_PATH_SIZE];
    layout_crash_dir(path, access->owner);
    bool made = mkdirat(storefd, path, LAYOUT_CRASH_DIR_MODE) == 0;
    if (!made && errno != EEXIST)
        return error_errno(error, errno, "cannot make %s", path);
    AUTO_FD int fd = openat(storefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "%s", path);
    if (made && fchmod(fd, LAYOUT_CRASH_DIR_MODE) < 0)
        return error_errno(error, errno, "%s", path);
    int r = access_apply_directory(fd, access, error);
    return r < 0 ? r : steal_fd(&fd);
}

/* ---- steps 2 to 4 for one ---- */

/* Of the store's owner's own, another name does no harm: a copy of the store by hard links has one,
 * and so has a record on its way to its name where that takes two steps. */
static int open_checked(int newfd, const char *name, struct error *error)
{
    struct stat st;
    AUTO_FD int fd = openat(newfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(error, errno, "%s", name);
    if (!S_ISREG(st.st_mode) || (st.st_nlink != 1 && st.st_uid != geteuid()))
        return error_set(error, EBADMSG, "not a file of its own");
    return steal_fd(&fd);
}

/* A file of root's, from a hook without the store's user, is given to the store's owner. As root.
 */
static int give_away(int newfd, const char *name, uid_t owner, gid_t group, struct error *error)
{
    struct stat st;
    AUTO_FD int fd = open_checked(newfd, name, error);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || (st.st_uid != 0 && st.st_uid != owner))
        return error_set(error, EPERM, "it is another user's");
    if (st.st_nlink != 1)
        return error_set(error, EPERM, "it has another name, too");
    if (fchown(fd, owner, group) < 0)
        return error_errno(error, errno, "it is not the store's owner's");
    return 0;
}

static int open_own(struct work *work, const char *name, struct error *error)
{
    struct stat st;
    AUTO_FD int fd = open_checked(work->newfd, name, error);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid())
        return steal_fd(&fd);
    if (fd < 0 && fd != -EACCES)
        return fd;

    uid_t owner = geteuid();
    gid_t group = getegid();
    int r = store_leave(work->store, error);
    if (r < 0)
        return r;
    r = give_away(work->newfd, name, owner, group, error);
    int entered = store_enter(work->store, r < 0 ? NULL : error);
    if (r < 0 || entered < 0)
        return r < 0 ? r : entered;
    return open_checked(work->newfd, name, error);
}

static int open_crash(struct work *work, const char *id, struct crash *ret, struct error *error)
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(name, id, LAYOUT_RECORD_SUFFIX);
    ret->fd = open_own(work, name, error);
    if (ret->fd < 0)
        return ret->fd;
    int r = record_open(ret->fd, &ret->record, error);
    if (r < 0)
        return r;
    snprintf(ret->id, sizeof ret->id, "%s", id);
    crash_row_from_record(id, ret->record, &ret->row);
    return 0;
}

static int read_adopted(int dirfd, const char *name, int *ret_fd, struct record **ret)
{
    AUTO_FD int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = record_open(fd, ret, NULL);
    if (r == 0)
        *ret_fd = steal_fd(&fd);
    return r;
}

enum taken {
    TAKEN_NOT,
    TAKEN_BY_ITSELF, /* an earlier adoption got that far */
    TAKEN_BY_OTHER,
};

/* Whether the id's file is there already, and whose it is. */
static enum taken is_taken(int dirfd, const struct crash *crash)
{
    char name[LAYOUT_NAME_SIZE];
    struct stat st;
    AUTO_FD int fd = -1;
    AUTO_RECORD struct record *record = NULL;
    layout_name(name, crash->id, LAYOUT_RECORD_SUFFIX);
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return TAKEN_NOT;
    if (read_adopted(dirfd, name, &fd, &record) < 0)
        return TAKEN_BY_OTHER;
    struct crash_row row;
    crash_row_from_record(crash->id, record, &row);
    return row.time_us == crash->row.time_us && row.pid == crash->row.pid &&
                   row.tid == crash->row.tid && row.stored_size == crash->row.stored_size
               ? TAKEN_BY_ITSELF
               : TAKEN_BY_OTHER;
}

static int rename_crash(struct work *work, struct crash *crash, struct error *error)
{
    int r = take_next_id(work, crash->id);
    if (r < 0)
        return error_errno(error, -r, "no id is free");
    memcpy(crash->row.id, crash->id, sizeof crash->row.id);
    return 0;
}

static int put_crash(struct work *work, struct crash *crash, struct error *error)
{
    const struct access access = access_of_row(&crash->row);
    AUTO_FD int dirfd = open_directory(work->storefd, &access, error);
    if (dirfd < 0)
        return dirfd;
    int r = 0;
    if (is_taken(dirfd, crash) == TAKEN_BY_OTHER)
        r = rename_crash(work, crash, error);
    if (r == 0)
        r = access_apply_file(crash->fd, &access, error);
    if (r == 0)
        r = index_is_repeat(work->index, &crash->row,
                            config_keep(work->config, crash->row.text[CRASH_RULE]),
                            &crash->row.repeat, error);
    if (r == 0)
        r = index_put(work->index, &crash->row, NULL, error);
    if (r == -EEXIST) { /* a row without a file has that id */
        r = rename_crash(work, crash, error);
        if (r == 0)
            r = index_put(work->index, &crash->row, NULL, error);
    }
    crash->ready = r == 0;
    return r;
}

/* ---- step 5 ---- */

static int move_crash(struct work *work, const struct crash *crash, struct error *error)
{
    char name[LAYOUT_NAME_SIZE], path[LAYOUT_PATH_SIZE];
    layout_name(name, crash->id, LAYOUT_RECORD_SUFFIX);
    layout_crash_dir(path, crash->row.owner);
    AUTO_FD int dirfd =
        openat(work->storefd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dirfd < 0)
        return error_errno(error, errno, "%s", path);
    int r = io_rename_new(work->newfd, name, dirfd, name);
    if (r == -EEXIST && is_taken(dirfd, crash) == TAKEN_BY_ITSELF)
        r = unlinkat(work->newfd, name, 0) < 0 ? -errno : 0;
    if (r == 0 && fsync(dirfd) < 0)
        r = -errno;
    return r < 0 ? error_errno(error, -r, "cannot move it into %s", path) : 0;
}

/* ---- a batch ---- */

static int collect(void *context, const char *name)
{
    struct names *names = context;
    if (names->n == BATCH)
        return -ENOSPC; /* the next batch's */
    if (layout_id_from_name(name, names->suffix, names->id[names->n]))
        names->n++;
    return 0;
}

static int list_names(int newfd, const char *suffix, struct names *ret, struct error *error)
{
    ret->n = 0;
    ret->suffix = suffix;
    int r = scan_names(newfd, ".", collect, ret);
    return r < 0 && r != -ENOSPC ? error_errno(error, -r, "cannot list " LAYOUT_NEW) : 0;
}

static bool is_everybodys(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EIO || code == EROFS || code == EBUSY ||
           code == EUCLEAN || code == ENOMEM;
}

static int put_batch(struct work *work, const struct names *names, struct crash *crashes,
                     struct error *error)
{
    size_t stuck = 0;
    int r = index_begin(work->index, error);
    for (size_t i = 0; i < names->n && r == 0; i++) {
        struct error own = {0};
        if (open_crash(work, names->id[i], &crashes[i], &own) < 0 ||
            put_crash(work, &crashes[i], &own) < 0) {
            /* What the index cannot take for want of anything is everybody's failure. */
            if (is_everybodys(own.code))
                r = error_set(error, own.code, "%s: %s", names->id[i], own.text);
            else
                note_failure(work, names->id[i], &own);
            if (own.code == EBADMSG)
                set_aside(work, names->id[i]);
            else if (++stuck == BATCH)
                set_aside(work, names->id[i]); /* else they would hide all that come behind them */
        }
    }
    if (r == 0)
        return index_commit(work->index, error);
    index_rollback(work->index);
    return r;
}

static int move_batch(struct work *work, struct crash *crashes, size_t n, struct error *error)
{
    for (size_t i = 0; i < n; i++) {
        struct error own = {0};
        if (!crashes[i].ready)
            continue;
        if (move_crash(work, &crashes[i], &own) < 0)
            note_failure(work, crashes[i].id, &own);
        else
            work->result->adopted++;
    }
    return fsync(work->newfd) < 0 ? error_errno(error, errno, LAYOUT_NEW) : 0;
}

/* `ret_id`: the last one's id as it is now; may be NULL. */
static int adopt_batch(struct work *work, const struct names *names, char *ret_id,
                       struct error *error)
{
    struct crash crashes[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        crashes[i] = (struct crash){.fd = -1};
    int r = store_lock(work->store, error);
    if (r < 0)
        return r;
    work->index = store_writable_index(work->store);
    r = put_batch(work, names, crashes, error);
    if (r == 0)
        r = move_batch(work, crashes, names->n, error);
    store_unlock(work->store);
    if (r == 0 && ret_id && names->n > 0)
        memcpy(ret_id, crashes[names->n - 1].id, LAYOUT_ID_SIZE);
    for (size_t i = 0; i < BATCH; i++)
        crash_close(&crashes[i]);
    return r;
}

/* ---- all of new/ ---- */

static int clear_hidden(void *context, const char *name)
{
    struct work *work = context;
    char id[LAYOUT_ID_SIZE];
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    if (name[0] == '.' && layout_id_from_name(name + 1, LAYOUT_PART_SUFFIX, id)) {
        bool is_known = index_find(store_writable_index(work->store), id, &row, NULL) == 0;
        (void)adopt_hidden(work->newfd, id, is_known); /* what fails is the next keeper's */
    }
    return 0;
}

/* Ends the records of hooks that died. */
static int salvage_parts(struct work *work, struct error *error)
{
    struct names names;
    (void)scan_names(work->newfd, ".", clear_hidden, work);
    int r = list_names(work->newfd, LAYOUT_PART_SUFFIX, &names, error);
    for (size_t i = 0; i < names.n && r == 0; i++) {
        struct error own = {0};
        int done = adopt_part(work->newfd, names.id[i], &own);
        if (done < 0)
            note_failure(work, names.id[i], &own);
        else
            work->result->salvaged += (unsigned)done;
    }
    return r;
}

/* Everything that is there; what fails stays and is not tried twice. */
static int drain(struct work *work, struct error *error)
{
    unsigned before;
    int r;
    do {
        struct names names;
        before = work->result->adopted;
        work->result->failed = 0;
        r = salvage_parts(work, error);
        if (r == 0)
            r = list_names(work->newfd, LAYOUT_RECORD_SUFFIX, &names, error);
        if (r == 0 && names.n > 0)
            r = adopt_batch(work, &names, NULL, error);
    } while (r == 0 && work->result->adopted > before);
    return r;
}

/* Whether somebody who found the lock taken left a crash meanwhile. */
static bool is_anything_left(struct work *work)
{
    struct names names;
    return list_names(work->newfd, LAYOUT_RECORD_SUFFIX, &names, NULL) == 0 &&
           names.n > work->result->failed;
}

int adopt_open_new(struct store *store, struct error *error)
{
    int storefd = store_writable_fd(store);
    if (storefd < 0)
        return error_set(error, EPERM, "%s is open to be read only", store_path(store));
    int fd = openat(storefd, LAYOUT_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? error_errno(error, errno, "%s/" LAYOUT_NEW, store_path(store)) : fd;
}

static void sync_views(struct store *store)
{
    if (store_lock(store, NULL) < 0)
        return;
    (void)store_sync_views(store, NULL); /* what failed is made good by the next one */
    store_unlock(store);
}

int adopt_lock(int newfd, struct error *error)
{
    while (flock(newfd, LOCK_EX) < 0)
        if (errno != EINTR)
            return error_errno(error, errno, LAYOUT_NEW);
    return 0;
}

int adopt_one(struct store *store, int newfd, const char *id, struct crash_row **ret,
              struct error *error)
{
    struct adopt_result result = {0};
    struct work work = {.store = store, .result = &result, .error = error};
    struct names names = {.n = 1};
    char final_id[LAYOUT_ID_SIZE] = "";
    work.newfd = newfd;
    work.storefd = store_writable_fd(store);
    snprintf(names.id[0], sizeof names.id[0], "%s", id);
    int r = adopt_batch(&work, &names, final_id, error);
    io_unlock(newfd);
    if (r < 0)
        return r;
    if (result.failed)
        return error && error->code ? -error->code : -EIO;
    sync_views(store);
    r = index_find(store_writable_index(store), final_id, ret, error);
    if (r == 0)
        (*ret)->source = store_writable_source(store);
    return r;
}

int adopt_all(struct store *store, const struct config *config, struct adopt_result *ret,
              struct error *error)
{
    struct adopt_result result = {0};
    struct work work = {.store = store, .config = config, .result = &result, .error = error};
    AUTO_FD int newfd = adopt_open_new(store, error);
    if (newfd < 0)
        return newfd;
    work.newfd = newfd;
    work.storefd = store_writable_fd(store);

    int r = 0;
    unsigned before;
    do {
        before = result.adopted;
        if (flock(newfd, LOCK_EX | LOCK_NB) < 0) {
            result.busy = errno == EWOULDBLOCK;
            r = result.busy ? 0 : error_errno(error, errno, LAYOUT_NEW);
            break;
        }
        r = drain(&work, error);
        io_unlock(newfd);
    } while (r == 0 && result.adopted > before && is_anything_left(&work));
    if (r < 0)
        return r;
    if (result.adopted > 0)
        sync_views(store);
    *ret = result;
    return 0;
}
