/* SPDX-License-Identifier: GPL-2.0-or-later */
/* module_store.c - the ELF files that hooks kept. */
#include "store/module_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/layout.h"
#include "store/scan.h"
#include "store/usage.h"
#include "store/when.h"

#define DAY_US (24 * 3600 * INT64_C(1000000))

struct expiry {
    int dirfd;
    const char *path; /* of dirfd, below the store */
    int64_t before_us;
    bool dry_run;
    module_store_function *function;
    void *context;
};

/* A day's grace: the core that a file was kept for may still be on its way. */
static int find_limit(struct index *index, int64_t *ret, struct error *error)
{
    int64_t oldest, pinned, now = when_now();
    struct database *database = index_database(index);
    int r = database_get(database, error, &oldest,
                         "SELECT min(time) FROM crash INDEXED BY crash_core_age"
                         " WHERE content = 1 AND pinned = 0",
                         "");
    if (r == 0)
        r = database_get(database, error, &pinned,
                         "SELECT min(time) FROM crash INDEXED BY crash_pinned WHERE pinned = 1",
                         "");
    if (r != 0)
        return r;
    int64_t limit = now;
    if (oldest != CRASH_ABSENT && oldest < limit)
        limit = oldest;
    if (pinned != CRASH_ABSENT && pinned < limit)
        limit = pinned;
    /* A time is what a record from elsewhere says it is. */
    *ret = limit < INT64_MIN + DAY_US ? INT64_MIN : limit - DAY_US;
    return 0;
}

static int expire_file(void *context, const char *name)
{
    const struct expiry *expiry = context;
    char path[LAYOUT_PATH_SIZE + NAME_MAX + 2];
    struct stat st;
    if (fstatat(expiry->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        st.st_mtim.tv_sec >= expiry->before_us / 1000000) /* which no time overflows */
        return 0;
    if (!expiry->dry_run && unlinkat(expiry->dirfd, name, 0) < 0)
        return 0; /* the next run tries again */
    snprintf(path, sizeof path, "%s/%s", expiry->path, name);
    expiry->function(expiry->context, path, io_disk_size(&st));
    return 0;
}

static int open_directory(int dirfd, const char *name)
{
    return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* modules/ of a directory, which is `path` below the store; none of both is ever a link. */
static void expire_directory(const struct expiry *expiry, int parentfd, const char *path)
{
    AUTO_FD int fd = open_directory(parentfd, LAYOUT_MODULES);
    struct expiry inside = *expiry;
    inside.dirfd = fd;
    inside.path = path;
    if (fd >= 0)
        (void)scan_names(fd, ".", expire_file, &inside); /* what cannot be listed stays */
}

static int expire_owner(void *context, const char *name)
{
    const struct expiry *expiry = context;
    char path[LAYOUT_PATH_SIZE];
    if (name[0] < '0' || name[0] > '9' || strlen(name) > 10)
        return 0;
    snprintf(path, sizeof path, LAYOUT_CRASHES "/%s/" LAYOUT_MODULES, name);
    AUTO_FD int fd = open_directory(expiry->dirfd, name);
    if (fd >= 0)
        expire_directory(expiry, fd, path);
    return 0;
}

int module_store_expire(struct index *index, int storefd, bool dry_run,
                        module_store_function *function, void *context, struct error *error)
{
    AUTO_FD int crashes = open_directory(storefd, LAYOUT_CRASHES);
    struct expiry expiry = {
        .dirfd = crashes, .dry_run = dry_run, .function = function, .context = context};
    int64_t oldest_us = 0;
    int r = find_limit(index, &expiry.before_us, error);
    if (r == 0)
        r = index_meta(index, INDEX_OLDEST, &oldest_us, error);
    if (r < 0 || oldest_us >= expiry.before_us)
        return r; /* times only grow: there is nothing older since */
    expire_directory(&expiry, storefd, LAYOUT_MODULES);
    if (crashes >= 0)
        (void)scan_names(crashes, ".", expire_owner, &expiry); /* what cannot be listed stays */
    return dry_run ? 0 : usage_forget(index, error);
}
