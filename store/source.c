/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.c - one directory of crashes with the index that leads through it. */
#include "store/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/layout.h"
#include "store/scan.h"
#include "store/store.h"
#include "store/view.h"

void source_close(struct source *source)
{
    index_free(source->index);
    for (size_t i = 0; i < source->n_replaced; i++)
        index_free(source->replaced[i]);
    free(source->replaced);
    source_forget_directories(source);
    if (source->dirfd >= 0)
        close(source->dirfd);
    free(source->path);
    *source = (struct source){.dirfd = -1};
}

static int open_with(struct source *ret, const char *path, int fd, struct error *error)
{
    char *copy = fd < 0 ? NULL : strdup(path);
    if (fd < 0)
        return fd;
    if (!copy) {
        close(fd);
        return error_errno(error, ENOMEM, "store");
    }
    *ret = (struct source){.path = copy, .dirfd = fd};
    return 0;
}

int source_open_directory(struct source *ret, const char *path, struct error *error)
{
    return open_with(ret, path, layout_open(path, error), error);
}

void source_forget_directories(struct source *source)
{
    for (size_t i = 0; i < SOURCE_DIRECTORIES; i++)
        if (source->directories[i].open)
            close(source->directories[i].fd);
    memset(source->directories, 0, sizeof source->directories);
}

/* Only a user's own index is told. */
static bool is_own_view(const struct source *source, uid_t owner)
{
    return source->index && !source->sees_all && !source->in_memory && !source->unadopted &&
           owner == geteuid();
}

int source_owner_directory(struct source *source, uid_t owner, bool *ret_whole)
{
    struct owner_directory *known = &source->directories[owner % SOURCE_DIRECTORIES];
    char path[LAYOUT_PATH_SIZE];

    if (!known->open || known->owner != owner) {
        if (known->open)
            close(known->fd);
        layout_crash_dir(path, owner);
        int fd = openat(source->dirfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        *known = (struct owner_directory){.owner = owner, .fd = fd, .open = fd >= 0};
        if (fd < 0)
            return -errno;
        known->whole = is_own_view(source, owner) && view_is_whole(source->index, fd);
    }
    *ret_whole = known->whole;
    return known->fd;
}

/* ---- without an index ---- */

static int scan_in_memory(struct source *source, bool everybody, struct error *error)
{
    struct scan scan = {.keep = UINT32_MAX};
    int r = index_open_memory(false, &scan.index, error);
    if (r < 0)
        return r;
    r = everybody ? scan_store(&scan, source->dirfd, error)
                  : scan_user(&scan, source->dirfd, geteuid(), error);
    if (r < 0) {
        index_free(scan.index);
        return r;
    }
    source->index = scan.index;
    source->in_memory = true;
    source->sees_all = everybody;
    return 0;
}

static bool may_list_all(const struct source *source)
{
    return faccessat(source->dirfd, LAYOUT_CRASHES, R_OK | X_OK, AT_EACCESS) == 0;
}

/* ---- with one ---- */

static int open_complete(int dirfd, struct index **ret)
{
    AUTO_INDEX struct index *index = NULL;
    int r = index_open_read(dirfd, &index, NULL);
    if (r == 0 && !index_is_complete(index))
        r = -EUCLEAN;
    if (r == 0)
        *ret = steal_pointer(&index);
    return r;
}

/* Its file is remembered before it is opened, so that what replaces it then is seen later. */
static int open_whole(struct source *source)
{
    source->sees_all = true;
    (void)source_remember_index(source, NULL); /* without one, none is opened either */
    return open_complete(source->dirfd, &source->index);
}

static int open_own(struct source *source)
{
    char path[LAYOUT_PATH_SIZE];
    source->sees_all = false;
    (void)source_remember_index(source, NULL); /* likewise */
    layout_crash_dir(path, geteuid());
    AUTO_FD int dirfd = openat(source->dirfd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return dirfd < 0 ? -errno : open_complete(dirfd, &source->index);
}

int source_open_read(struct source *ret, const char *path, struct error *error)
{
    struct source source = {.dirfd = -1};
    int r = open_with(&source, path, layout_open(path, error), error);
    if (r < 0)
        return r;
    r = open_whole(&source);
    if (r < 0 && may_list_all(&source))
        r = scan_in_memory(&source, true, error);
    else if (r < 0 && open_own(&source) < 0)
        r = scan_in_memory(&source, false, error);
    else
        r = 0;
    if (r < 0) {
        source_close(&source);
        return r;
    }
    *ret = source;
    return 0;
}

/* ---- what nobody has adopted ---- */

static int find_unadopted(const struct source *of, struct source *ret, struct error *error)
{
    struct scan scan = {.keep = UINT32_MAX};
    if (!scan_has_new(of->dirfd))
        return 0;
    int r = index_open_memory(true, &scan.index, error);
    if (r < 0)
        return r;
    r = scan_new(&scan, of->dirfd, of->index, error);
    if (r < 0 || scan.done == 0) {
        index_free(scan.index);
        return r;
    }
    *ret = (struct source){
        .path = strdup(of->path),
        .dirfd = fcntl(of->dirfd, F_DUPFD_CLOEXEC, 3),
        .index = scan.index,
        .sees_all = of->sees_all,
        .unadopted = true,
    };
    if (!ret->path || ret->dirfd < 0) {
        source_close(ret);
        return error_errno(error, ENOMEM, "store");
    }
    return 1;
}

int source_find_unadopted(struct source *sources, unsigned *n_sources, struct error *error)
{
    unsigned n = 0, found;
    while (n < *n_sources && !sources[n].unadopted)
        n++;
    for (unsigned i = n; i < *n_sources; i++)
        source_close(&sources[i]);
    *n_sources = found = n;
    for (unsigned i = 0; i < n && found < STORE_SOURCES_MAX; i++) {
        int r = find_unadopted(&sources[i], &sources[found], error);
        if (r < 0)
            return r;
        found += (unsigned)r;
        *n_sources = found;
    }
    return 0;
}

/* ---- changes from outside ---- */

bool source_renew(struct source *source)
{
    if (source->unadopted || (!source->in_memory && source_index_is_current(source)))
        return false;
    struct source now = {.dirfd = source->dirfd};
    int r = source->sees_all ? open_whole(&now) : open_own(&now);
    if (r == 0)
        r = source_put_index_away(source, NULL);
    if (r < 0) {
        index_free(now.index);
        return false; /* it may be being made, and the one before is the best there is */
    }
    source->index = now.index;
    source->index_device = now.index_device;
    source->index_inode = now.index_inode;
    source->in_memory = false;
    source_forget_directories(source);
    return true;
}

int source_put_index_away(struct source *source, struct error *error)
{
    if (!source->index)
        return 0;
    struct index **replaced =
        reallocarray(source->replaced, source->n_replaced + 1, sizeof *replaced);
    if (!replaced)
        return error_errno(error, ENOMEM, "index");
    source->replaced = replaced;
    replaced[source->n_replaced++] = steal_pointer(&source->index);
    return 0;
}

static int stat_index(const struct source *source, struct stat *ret)
{
    char path[LAYOUT_PATH_SIZE + sizeof "/" LAYOUT_INDEX] = LAYOUT_INDEX,
                                            directory[LAYOUT_PATH_SIZE];
    layout_crash_dir(directory, geteuid());
    if (!source->sees_all)
        snprintf(path, sizeof path, "%s/" LAYOUT_INDEX, directory);
    return fstatat(source->dirfd, path, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int source_remember_index(struct source *source, struct error *error)
{
    struct stat st;
    int r = stat_index(source, &st);
    if (r < 0)
        return error_errno(error, -r, LAYOUT_INDEX);
    source->index_device = st.st_dev;
    source->index_inode = st.st_ino;
    return 0;
}

bool source_index_is_current(const struct source *source)
{
    struct stat st;
    return stat_index(source, &st) == 0 && st.st_dev == source->index_device &&
           st.st_ino == source->index_inode;
}

bool source_changed(struct source *source)
{
    int64_t version;
    if (source->unadopted ||
        database_get(index_database(source->index), NULL, &version, "PRAGMA data_version", "") < 0)
        return false;
    bool changed = source->data_version != version;
    source->data_version = version;
    return changed;
}
