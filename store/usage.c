/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usage.c - how many bytes lie under a store. */
#include "store/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/cache_files.h"
#include "store/layout.h"
#include "store/scan.h"

enum { BLOCK = 512 }; /* of st_blocks, stat(2) */

struct sum {
    int dirfd;
    uint64_t bytes;
    uint64_t parts; /* of them, in files that a hook is writing, or died of */
};

static int add_file(void *context, const char *name)
{
    struct sum *sum = context;
    char id[LAYOUT_ID_SIZE];
    struct stat st;
    if (fstatat(sum->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    sum->bytes += (uint64_t)st.st_blocks * BLOCK;
    if (layout_id_from_name(name, LAYOUT_PART_SUFFIX, id))
        sum->parts += (uint64_t)st.st_blocks * BLOCK;
    return 0;
}

/* The files of a directory; nothing where it is missing or not ours to list. */
static struct sum sum_up(int dirfd, const char *path)
{
    AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct sum sum = {.dirfd = fd};
    if (fd >= 0)
        (void)scan_names(fd, ".", add_file, &sum); /* what cannot be listed cannot be counted */
    return sum;
}

static uint64_t directory_bytes(int dirfd, const char *path)
{
    return sum_up(dirfd, path).bytes;
}

struct owners {
    int dirfd; /* crashes/ */
    struct usage *usage;
};

static uint64_t index_bytes(int dirfd, const char *directory)
{
    static const char *const names[] = {LAYOUT_INDEX, LAYOUT_INDEX "-wal", LAYOUT_INDEX "-shm",
                                        LAYOUT_INDEX ".damaged"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[LAYOUT_PATH_SIZE];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_blocks * BLOCK;
    }
    return bytes;
}

/* crashes/<uid>/: the user's index, and the modules that only he vouches for. */
static int add_owner(void *context, const char *name)
{
    struct owners *owners = context;
    char modules[LAYOUT_PATH_SIZE];
    if (name[0] < '0' || name[0] > '9' || strlen(name) > 10)
        return 0;
    snprintf(modules, sizeof modules, "%s/" LAYOUT_MODULES, name);
    owners->usage->index += index_bytes(owners->dirfd, name);
    owners->usage->modules += directory_bytes(owners->dirfd, modules);
    return 0;
}

static void add_owners(int storefd, struct usage *usage)
{
    AUTO_FD int fd =
        openat(storefd, LAYOUT_CRASHES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct owners owners = {.dirfd = fd, .usage = usage};
    if (fd >= 0)
        (void)scan_names(fd, ".", add_owner, &owners); /* as in directory_bytes() */
}

/* Records and reports, by the index's totals. */
static int crashes_usage(struct index *index, struct usage *ret, struct error *error)
{
    struct database *database = index_database(index);
    int64_t bytes, reports;
    int r = database_get(database, error, &bytes, "SELECT ifnull(sum(bytes), 0) FROM usage", "");
    if (r == 0)
        r = database_get(database, error, &reports, "SELECT ifnull(sum(reports), 0) FROM usage",
                         "");
    if (r == 0)
        *ret = (struct usage){.records = (uint64_t)(bytes - reports), .reports = (uint64_t)reports};
    return r;
}

int usage_of(struct index *index, int storefd, struct usage *ret, struct error *error)
{
    int r = crashes_usage(index, ret, error);
    if (r < 0)
        return r;
    ret->modules = directory_bytes(storefd, LAYOUT_MODULES);
    ret->index = index_bytes(storefd, ".") + cache_bytes(storefd);
    struct sum unadopted = sum_up(storefd, LAYOUT_NEW);
    ret->unadopted = unadopted.bytes;
    ret->being_written = unadopted.parts;
    add_owners(storefd, ret);
    return 0;
}

int usage_of_view(struct index *own, int storefd, uid_t uid, struct usage *ret, struct error *error)
{
    char path[LAYOUT_PATH_SIZE];
    int r = crashes_usage(own, ret, error);
    if (r < 0)
        return r;
    layout_crash_dir(path, uid);
    ret->index = index_bytes(storefd, path);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/" LAYOUT_MODULES);
    ret->modules = directory_bytes(storefd, path);
    return 0;
}

uint64_t usage_sum(const struct usage *usage)
{
    return usage->records + usage->reports + usage->modules + usage->index + usage->unadopted;
}
