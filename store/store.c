/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store.c - an open store. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/index.h"
#include "store/scan.h"
#include "store/source.h"
#include "store/view.h"

#define LOCK_FILE      LAYOUT_NEW "/.lock"
#define DAMAGED_SUFFIX ".damaged"

enum {
    ALONE_WAIT_MS = 5000,
    WRITER_WAIT_MS = 10 * 1000,
    KEEP_WHILE_SCANNING = 5, /* of a signature, when the index is made anew; the config's default */
    GROUPS_MAX = 65536,
};

struct store {
    struct source sources[STORE_SOURCES_MAX];
    unsigned n_sources;
    int writable; /* which source, or -1 */
    bool sees_all;

    /* who we are while at it */
    bool switches;
    bool entered;
    uid_t owner;
    gid_t owner_group, saved_group;
    gid_t *saved_groups;
    int n_saved_groups;

    int lockfd;
    unsigned lock_depth;
};

/* ---- who works ---- */

static int set_groups(size_t n, const gid_t *groups)
{
    return setgroups(n, groups) < 0 ? -errno : 0;
}

int store_enter(struct store *store, struct error *error)
{
    if (!store->switches || store->entered)
        return 0;
    int r = set_groups(0, NULL);
    if (r < 0)
        return error_errno(error, -r, "cannot give up root's groups");
    if (setegid(store->owner_group) < 0 || seteuid(store->owner) < 0)
        return error_errno(error, errno, "cannot become the store's owner, uid %u", store->owner);
    store->entered = true;
    return 0;
}

int store_leave(struct store *store, struct error *error)
{
    if (!store->entered)
        return 0;
    if (seteuid(0) < 0 || setegid(store->saved_group) < 0)
        return error_errno(error, errno, "cannot become root again");
    int r = set_groups((size_t)store->n_saved_groups, store->saved_groups);
    if (r < 0)
        return error_errno(error, -r, "cannot take root's groups again");
    store->entered = false;
    return 0;
}

/* Remembers whom to be and to become again. */
static int prepare_switch(struct store *store, uid_t owner, gid_t group)
{
    int n = getgroups(0, NULL);
    gid_t *groups = n >= 0 && n <= GROUPS_MAX ? calloc((size_t)n + 1, sizeof *groups) : NULL;
    if (!groups || (n = getgroups(n, groups)) < 0) {
        free(groups);
        return -ENOMEM;
    }
    store->saved_groups = groups;
    store->n_saved_groups = n;
    store->saved_group = getegid();
    store->owner = owner;
    store->owner_group = group;
    store->switches = true;
    return 0;
}

/* Makes sure that what is written belongs to the owner of the directory. */
static int become_owner(struct store *store, const char *path, int fd, struct error *error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_errno(error, errno, "%s", path);
    if (st.st_uid == geteuid())
        return 0;
    if (geteuid() != 0)
        return error_set(error, EPERM, "%s belongs to another user: use sudo inquest …", path);
    int r = prepare_switch(store, st.st_uid, st.st_gid);
    return r < 0 ? error_errno(error, -r, "%s", path) : store_enter(store, error);
}

/* ---- opening ---- */

static int store_new(struct store **ret, struct error *error)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return error_errno(error, ENOMEM, "store");
    store->writable = -1;
    store->lockfd = -1;
    *ret = store;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    for (unsigned i = 0; i < store->n_sources; i++)
        source_close(&store->sources[i]);
    if (store->lockfd >= 0)
        close(store->lockfd);
    (void)store_leave(store, NULL); /* a program that ends does not need it */
    free(store->saved_groups);
    free(store);
}

static int add_read(struct store *store, const char *path, struct error *error)
{
    struct source *source = &store->sources[store->n_sources];
    int r = source_open_read(source, path, error);
    if (r < 0)
        return r;
    store->n_sources++;
    store->sees_all |= source->sees_all;
    return 0;
}

/* Fills a new or a half-made index from the files. Users' own ones are made anew with it. */
static int fill_index(struct source *source, scan_progress_function *progress, void *context,
                      uint64_t *ret_crashes, struct error *error)
{
    struct scan scan = {.index = source->index,
                        .keep = KEEP_WHILE_SCANNING,
                        .progress = progress,
                        .context = context};
    int r = scan_store(&scan, source->dirfd, error);
    if (r == 0)
        r = view_forget_all(source->index, error);
    if (r == 0)
        r = index_set_meta(source->index, INDEX_COMPLETE, 1, error);
    if (r == 0 && ret_crashes)
        *ret_crashes = scan.done;
    return r;
}

/* Also an empty directory that is in its place. */
static int remove_index_file(int dirfd, const char *name)
{
    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno == EISDIR && unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
        return 0;
    return -errno;
}

static int set_aside(int dirfd, struct error *error)
{
    /* One is enough to look into; a directory in its place would not be renamed over. */
    (void)remove_index_file(dirfd, LAYOUT_INDEX DAMAGED_SUFFIX);
    if (renameat(dirfd, LAYOUT_INDEX, dirfd, LAYOUT_INDEX DAMAGED_SUFFIX) < 0 && errno != ENOENT)
        return error_errno(error, errno, "cannot set " LAYOUT_INDEX " aside");
    static const char *const logs[] = {LAYOUT_INDEX "-wal", LAYOUT_INDEX "-shm"};
    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        int r = remove_index_file(dirfd, logs[i]);
        if (r < 0)
            return error_errno(error, -r, "cannot remove %s", logs[i]);
    }
    return 0;
}

static int open_index(struct source *source, struct error *error)
{
    int r =
        index_open_write(source->dirfd, LAYOUT_FILE_MODE, WRITER_WAIT_MS, &source->index, error);
    if (r == 0)
        database_hide_growth(index_database(source->index), LAYOUT_INDEX);
    return r;
}

static int replace_index(struct store *store, struct error *error)
{
    struct source *source = &store->sources[store->writable];
    int r = source_put_index_away(source, error);
    if (r == 0)
        r = set_aside(source->dirfd, error);
    if (r == 0)
        r = open_index(source, error);
    return r < 0 ? r : source_remember_index(source, error);
}

/* The index as it should be: ours, sound and complete. Needs the exclusive lock. */
static int repair_index(struct store *store, struct error *error)
{
    struct source *source = &store->sources[store->writable];
    int r = source_put_index_away(source, error);
    if (r == 0)
        r = open_index(source, error);
    if (r == -EUCLEAN)
        r = replace_index(store, error);
    else if (r == 0)
        r = source_remember_index(source, error);
    if (r == 0 && !index_is_complete(source->index))
        r = fill_index(source, NULL, NULL, NULL, error);
    return r;
}

static int add_write(struct store *store, const char *path, struct error *error)
{
    struct source *source = &store->sources[store->n_sources];
    int r = source_open_directory(source, path, error);
    if (r < 0)
        return r;
    store->writable = (int)store->n_sources++;
    r = become_owner(store, path, source->dirfd, error);
    if (r < 0)
        return r;
    source->sees_all = store->sees_all = true;
    store->lockfd = openat(source->dirfd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                           LAYOUT_PRIVATE_MODE);
    if (store->lockfd < 0)
        return error_errno(error, errno, "%s/" LOCK_FILE, path);
    r = store_lock(store, error); /* opens the index, and repairs it where it must be */
    if (r == 0)
        store_unlock(store);
    return r;
}

static int create(const char *path, struct error *error)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    struct stat st;
    if (uid == 0 && stat(path, &st) == 0) {
        uid = st.st_uid; /* what is missing of somebody's store is his */
        gid = st.st_gid;
    } else if (uid == 0) {
        (void)layout_system_user(INQUEST_USER, &uid, &gid); /* without that user: root's */
    }
    return layout_create(path, uid, gid, error);
}

int store_open(const char *path, enum store_rights rights, struct store **ret, struct error *error)
{
    AUTO_STORE struct store *store = NULL;
    int r = store_new(&store, error);
    if (r == 0 && rights == STORE_CREATE)
        r = create(path, error);
    if (r == 0)
        r = rights == STORE_READ ? add_read(store, path, error) : add_write(store, path, error);
    if (r < 0)
        return r;
    *ret = steal_pointer(&store);
    return 0;
}

/* $XDG_DATA_HOME/inquest or ~/.local/share/inquest; NULL where the caller has no home. */
static char *personal_path(void)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (data && data[0] == '/')
        return asprintf(&path, "%s/inquest", data) < 0 ? NULL : path;
    if (home && home[0] == '/')
        return asprintf(&path, "%s/.local/share/inquest", home) < 0 ? NULL : path;
    return NULL;
}

/* Directories above the personal store, as the XDG base directory specification wants them. */
static void make_parents(const char *path)
{
    AUTO_FREE char *copy = strdup(path);
    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0700); /* what fails here fails again, and is told, in layout_create() */
        *slash = '/';
    }
}

/* The system's store to read, and the caller's own for what is asked. */
static int open_both(struct store *store, const char *path, enum store_rights rights,
                     struct error *error)
{
    AUTO_FREE char *personal = personal_path();
    int system = add_read(store, path, error), own = -ENOENT;
    if (personal && rights == STORE_CREATE) {
        make_parents(personal);
        own = create(personal, error);
        if (own < 0)
            return own;
    }
    if (personal && access(personal, F_OK) == 0) {
        own = rights == STORE_READ ? add_read(store, personal, error)
                                   : add_write(store, personal, error);
        if (own < 0)
            return own;
    }
    if (own < 0 && rights == STORE_CREATE)
        return error_set(error, ENOENT, "no home directory to keep crashes in");
    return own == 0 ? 0 : system;
}

int store_open_view(const char *option, const char *configured, enum store_rights rights,
                    struct store **ret, struct error *error)
{
    const char *path = layout_store_path(option, configured);
    const char *variable = getenv("INQUEST_STORE");
    if (option || (variable && *variable) || geteuid() == 0)
        return store_open(path, rights, ret, error);

    /* The owner of the store, in tests or by choice, writes to it and needs no other. */
    struct stat st;
    if (rights != STORE_READ && stat(path, &st) == 0 && st.st_uid == geteuid())
        return store_open(path, rights, ret, error);

    AUTO_STORE struct store *store = NULL;
    int r = store_new(&store, error);
    if (r == 0)
        r = open_both(store, path, rights, error);
    if (r < 0)
        return r;
    *ret = steal_pointer(&store);
    return 0;
}

/* ---- what it has ---- */

const char *store_path(const struct store *store)
{
    return store->sources[store->writable < 0 ? 0 : store->writable].path;
}

const char *store_source_path(const struct store *store, unsigned source)
{
    return store->sources[source].path;
}

bool store_source_is_unadopted(const struct store *store, unsigned source)
{
    return store->sources[source].unadopted;
}

bool store_source_in_memory(const struct store *store, unsigned source)
{
    return store->sources[source].in_memory;
}

bool store_source_is_own_view(const struct store *store, unsigned source)
{
    return !store->sources[source].sees_all;
}

bool store_sees_all(const struct store *store)
{
    return store->sees_all;
}

unsigned store_source_count(const struct store *store)
{
    return store->n_sources;
}

int store_fd(const struct store *store, unsigned source)
{
    return store->sources[source].dirfd;
}

int store_directory(struct store *store, const struct crash_row *row, bool *ret_whole)
{
    return source_owner_directory(&store->sources[row->source], row->owner, ret_whole);
}

struct index *store_index(const struct store *store, unsigned source)
{
    return store->sources[source].index;
}

int store_writable_fd(const struct store *store)
{
    return store->writable < 0 ? -EPERM : store->sources[store->writable].dirfd;
}

struct index *store_writable_index(const struct store *store)
{
    return store->writable < 0 ? NULL : store->sources[store->writable].index;
}

unsigned store_writable_source(const struct store *store)
{
    return (unsigned)store->writable;
}

bool store_may_write(const struct store *store, const struct crash_row *row)
{
    return store->writable >= 0 && row->source == (unsigned)store->writable;
}

/* That of the source that is written to is renewed under the lock. */
static bool renew(struct store *store, unsigned source)
{
    return (int)source != store->writable && source_renew(&store->sources[source]);
}

bool store_changed(struct store *store)
{
    bool changed = false;
    for (unsigned i = 0; i < store->n_sources; i++) {
        changed |= renew(store, i);
        changed |= source_changed(&store->sources[i]);
    }
    return changed;
}

int store_refresh(struct store *store, struct error *error)
{
    for (unsigned i = 0; i < store->n_sources; i++) {
        (void)renew(store, i); /* it is no matter here whether it was */
        source_forget_directories(&store->sources[i]);
    }
    return source_find_unadopted(store->sources, &store->n_sources, error);
}

/* ---- the lock ---- */

static int lock(struct store *store, int operation, struct error *error)
{
    if (store->writable < 0)
        return error_set(error, EPERM, "%s is open to be read only", store_path(store));
    while (flock(store->lockfd, operation) < 0)
        if (errno != EINTR)
            return error_errno(error, errno, "%s/" LOCK_FILE, store_path(store));
    return 0;
}

/* Somebody may have replaced the index while we did not hold the lock. */
static int check_index(struct store *store, struct error *error)
{
    struct source *source = &store->sources[store->writable];
    if (source->index && source_index_is_current(source))
        return 0;
    int r = lock(store, LOCK_EX, error);
    return r < 0 ? r : repair_index(store, error);
}

/* The lock is held. */
static int begin_locked(struct store *store, struct error *error)
{
    int r = check_index(store, error);
    if (r < 0)
        io_unlock(store->lockfd);
    else
        store->lock_depth = 1;
    return r;
}

int store_lock(struct store *store, struct error *error)
{
    if (store->lock_depth > 0) {
        store->lock_depth++;
        return 0;
    }
    int r = lock(store, LOCK_SH, error);
    return r < 0 ? r : begin_locked(store, error);
}

int store_lock_alone(struct store *store, struct error *error)
{
    if (store->writable < 0 || store->lock_depth > 0)
        return error_set(error, EPERM, "%s cannot be locked now", store_path(store));
    int r = io_lock(store->lockfd, ALONE_WAIT_MS); /* in a crash loop there may always be someone */
    return r < 0 ? error_errno(error, -r, "%s/" LOCK_FILE, store_path(store))
                 : begin_locked(store, error);
}

static bool is_same(const struct crash_row *a, const struct crash_row *b)
{
    return a->time_us == b->time_us && a->pid == b->pid && a->uid == b->uid;
}

static int find_again(struct index *index, const struct crash_row *row, struct crash_row **ret,
                      struct error *error)
{
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    int r = index_find(index, row->id, &now, error);
    if (r == -ENOENT || (r == 0 && !is_same(now, row)))
        return error_set(error, ESTALE, "%s was removed meanwhile", row->id);
    if (r == 0)
        *ret = steal_pointer(&now);
    return r;
}

int store_begin_change(struct store *store, const struct crash_row *row, struct crash_row **ret_now,
                       struct error *error)
{
    if (!store_may_write(store, row))
        return error_set(error, EPERM, "%s is not ours to change: use sudo inquest …", row->id);
    int r = store_lock(store, error);
    if (r < 0)
        return r;
    struct index *index = store_writable_index(store);
    r = index_begin(index, error);
    if (r == 0) {
        r = find_again(index, row, ret_now, error);
        if (r < 0)
            index_rollback(index);
    }
    if (r < 0) {
        store_unlock(store);
        return r;
    }
    (*ret_now)->source = row->source;
    store_await_record(store, *ret_now);
    return 0;
}

int store_end_change(struct store *store, int result, struct error *error)
{
    struct index *index = store_writable_index(store);
    if (result < 0)
        index_rollback(index);
    else
        result = index_commit(index, error);
    if (result == 0)
        (void)store_sync_views(store, NULL); /* what failed is made good by the next one */
    store_unlock(store);
    return result;
}

int store_rebuild_index(struct store *store, store_progress_function *progress, void *context,
                        uint64_t *ret_crashes, struct error *error)
{
    if (store->lock_depth > 0)
        return error_set(error, EDEADLK, "store: locked already");
    int r = lock(store, LOCK_EX, error);
    if (r < 0)
        return r;
    store->lock_depth = 1;
    r = replace_index(store, error);
    if (r == 0)
        r = fill_index(&store->sources[store->writable], progress, context, ret_crashes, error);
    if (r == 0)
        (void)store_sync_views(store, NULL); /* what failed is made good by the next one */
    store_unlock(store);
    return r;
}

void store_unlock(struct store *store)
{
    if (store->lock_depth > 0 && --store->lock_depth == 0)
        io_unlock(store->lockfd);
}

int store_sync_views(struct store *store, struct error *error)
{
    const struct source *source = &store->sources[store->writable];
    return view_sync(source->index, source->dirfd, error);
}

int store_look_at_views(struct store *store, struct error *error)
{
    const struct source *source = &store->sources[store->writable];
    return view_look(source->index, source->dirfd, error);
}
