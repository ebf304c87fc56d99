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
#include "store/layout.h"
#include "store/scan.h"

enum { BLOCK = 512 }; /* of st_blocks, stat(2) */

struct sum {
    int dirfd;
    uint64_t bytes;
};

static int add_file(void *context, const char *name)
{
    struct sum *sum = context;
    struct stat st;
    if (fstatat(sum->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
        sum->bytes += (uint64_t)st.st_blocks * BLOCK;
    return 0;
}

/* A file of new/ that a hook is writing, or died of. */
static int add_part(void *context, const char *name)
{
    char id[LAYOUT_ID_SIZE];
    return layout_id_from_name(name, LAYOUT_PART_SUFFIX, id) ? add_file(context, name) : 0;
}

/* The files of a directory; 0 where it is missing or not ours to list. */
static uint64_t bytes_of(int dirfd, const char *path, scan_name_function *add)
{
    AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct sum sum = {.dirfd = fd};
    (void)scan_names(fd, ".", add, &sum); /* what cannot be listed cannot be counted */
    return sum.bytes;
}

static uint64_t directory_bytes(int dirfd, const char *path)
{
    return bytes_of(dirfd, path, add_file);
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
    ret->index = index_bytes(storefd, ".");
    ret->being_written = bytes_of(storefd, LAYOUT_NEW, add_part);
    ret->unadopted = directory_bytes(storefd, LAYOUT_NEW);
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
