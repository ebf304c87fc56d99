/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usage.c - how many bytes lie under a store. */
#include "store/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/cache_files.h"
#include "store/layout.h"
#include "store/scan.h"
#include "store/when.h"

#define SECOND_US INT64_C(1000000)

/* How long what is remembered holds. */
static const int64_t modules_hold_us = 24 * 3600 * SECOND_US;
static const int64_t owners_hold_us = 300 * SECOND_US;

/* Times of files stand still for a tick of the kernel's clock: what came within one of the last
 * change would not be seen. */
static const int64_t settled_us = SECOND_US;

struct sum {
    int dirfd;
    uint64_t bytes;
    uint64_t parts;    /* of them, in files that a hook is writing, or died of */
    int64_t oldest_us; /* INT64_MAX without any */
};

/* A file's time is what somebody set it to. */
static int64_t in_us(time_t seconds)
{
    return seconds > INT64_MAX / SECOND_US - 1   ? INT64_MAX / SECOND_US * SECOND_US
           : seconds < INT64_MIN / SECOND_US + 1 ? INT64_MIN / SECOND_US * SECOND_US
                                                 : seconds * SECOND_US;
}

static int add_file(void *context, const char *name)
{
    struct sum *sum = context;
    char id[LAYOUT_ID_SIZE];
    struct stat st;
    if (fstatat(sum->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    sum->bytes += io_disk_size(&st);
    if (st.st_mtim.tv_sec < sum->oldest_us / SECOND_US)
        sum->oldest_us = in_us(st.st_mtim.tv_sec);
    if (layout_id_from_name(name, LAYOUT_PART_SUFFIX, id))
        sum->parts += io_disk_size(&st);
    return 0;
}

/* The files of a directory; nothing where it is missing or not ours to list. */
static struct sum sum_up(int dirfd, const char *path)
{
    AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct sum sum = {.dirfd = fd, .oldest_us = INT64_MAX};
    if (fd >= 0)
        (void)scan_names(fd, ".", add_file, &sum); /* what cannot be listed cannot be counted */
    return sum;
}

struct owners {
    int dirfd; /* crashes/ */
    uint64_t modules, index;
    int64_t oldest_us; /* of the modules */
};

static uint64_t index_bytes(int dirfd, const char *directory)
{
    static const char *const names[] = {LAYOUT_INDEX_FILES, LAYOUT_INDEX ".damaged"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[LAYOUT_PATH_SIZE];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            bytes += io_disk_size(&st);
    }
    return bytes;
}

/* crashes/<uid>/: the user's index, and the modules that only he vouches for. */
static int add_owner(void *context, const char *name)
{
    struct owners *owners = context;
    struct sum sum;
    char modules[LAYOUT_PATH_SIZE];
    if (name[0] < '0' || name[0] > '9' || strlen(name) > 10)
        return 0;
    snprintf(modules, sizeof modules, "%s/" LAYOUT_MODULES, name);
    owners->index += index_bytes(owners->dirfd, name);
    sum = sum_up(owners->dirfd, modules);
    owners->modules += sum.bytes;
    if (sum.oldest_us < owners->oldest_us)
        owners->oldest_us = sum.oldest_us;
    return 0;
}

static struct owners sum_up_owners(int storefd)
{
    AUTO_FD int fd =
        openat(storefd, LAYOUT_CRASHES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct owners owners = {.dirfd = fd, .oldest_us = INT64_MAX};
    if (fd >= 0)
        (void)scan_names(fd, ".", add_owner, &owners); /* as in sum_up() */
    return owners;
}

/* ---- what was there the last time ---- */

/* Numbers of the index, which knows 0 of what it has not been told. */
struct memory {
    int64_t modules, modules_us, changed_us; /* modules/: bytes, when, its last change then */
    int64_t owners_modules, owners_index, owners_us;
    int64_t modules_oldest_us, owners_oldest_us, oldest_us;
};

#define MODULES_US   "modules_us"
#define OWNERS_US    "owners_us"
#define OWNERS_INDEX "owners_index"

static const struct {
    const char *name;
    size_t offset;
} memories[] = {
    {"modules_bytes", offsetof(struct memory, modules)},
    {MODULES_US, offsetof(struct memory, modules_us)},
    {"modules_changed_us", offsetof(struct memory, changed_us)},
    {"modules_oldest_us", offsetof(struct memory, modules_oldest_us)},
    {"owners_modules", offsetof(struct memory, owners_modules)},
    {OWNERS_INDEX, offsetof(struct memory, owners_index)},
    {OWNERS_US, offsetof(struct memory, owners_us)},
    {"owners_oldest_us", offsetof(struct memory, owners_oldest_us)},
    {INDEX_OLDEST, offsetof(struct memory, oldest_us)},
};

static int64_t *memory_at(struct memory *memory, size_t i)
{
    return (int64_t *)((char *)memory + memories[i].offset);
}

static int load(struct index *index, struct memory *ret, struct error *error)
{
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(memories) && r == 0; i++)
        r = index_meta(index, memories[i].name, memory_at(ret, i), error);
    return r;
}

static int save(struct index *index, struct memory *memory, struct error *error)
{
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(memories) && r == 0; i++)
        r = index_set_meta(index, memories[i].name, *memory_at(memory, i), error);
    return r;
}

static bool holds(int64_t since_us, int64_t long_us, int64_t now_us)
{
    return since_us <= now_us && now_us - since_us < long_us;
}

/* When names came or went in modules/ last. */
static int64_t modules_changed(int storefd)
{
    struct stat st;
    if (fstatat(storefd, LAYOUT_MODULES, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return in_us(st.st_ctim.tv_sec) + st.st_ctim.tv_nsec / 1000;
}

static void look_at_modules(int storefd, int64_t now_us, struct memory *memory)
{
    int64_t changed = modules_changed(storefd);
    struct sum sum = sum_up(storefd, LAYOUT_MODULES);
    memory->modules = (int64_t)sum.bytes;
    memory->modules_oldest_us = sum.oldest_us;
    memory->changed_us = changed;
    memory->modules_us = changed < now_us - settled_us ? now_us : 0;
}

static void look_at_owners(int storefd, int64_t now_us, struct memory *memory)
{
    struct owners owners = sum_up_owners(storefd);
    memory->owners_modules = (int64_t)owners.modules;
    memory->owners_index = (int64_t)owners.index;
    memory->owners_oldest_us = owners.oldest_us;
    memory->owners_us = now_us;
}

static int remember(struct index *index, int storefd, struct memory *memory, struct error *error)
{
    int64_t now_us = when_now();
    bool modules_hold = holds(memory->modules_us, modules_hold_us, now_us) &&
                        memory->changed_us == modules_changed(storefd);
    bool owners_hold = holds(memory->owners_us, owners_hold_us, now_us);
    if (modules_hold && owners_hold)
        return 0;
    if (!modules_hold)
        look_at_modules(storefd, now_us, memory);
    if (!owners_hold)
        look_at_owners(storefd, now_us, memory);
    memory->oldest_us = memory->modules_oldest_us < memory->owners_oldest_us
                            ? memory->modules_oldest_us
                            : memory->owners_oldest_us;
    return save(index, memory, error);
}

int usage_forget(struct index *index, struct error *error)
{
    static const char *const names[] = {MODULES_US, OWNERS_US, INDEX_OLDEST};
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++)
        r = index_set_meta(index, names[i], 0, error);
    return r;
}

uint64_t usage_of_user_index(int storefd, uid_t uid)
{
    char path[LAYOUT_PATH_SIZE];
    layout_crash_dir(path, uid);
    return index_bytes(storefd, path);
}

int usage_add_user_index(struct index *index, int64_t bytes, struct error *error)
{
    return bytes == 0 ? 0 : index_add_meta(index, OWNERS_INDEX, bytes, error);
}

/* ---- all of it ---- */

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

static int usage_with(struct index *index, int storefd, const struct memory *memory,
                      struct usage *ret, struct error *error)
{
    struct sum unadopted;
    int r = crashes_usage(index, ret, error);
    if (r < 0)
        return r;
    ret->modules = (uint64_t)(memory->modules + memory->owners_modules);
    ret->index = index_bytes(storefd, ".") + cache_bytes(storefd) + (uint64_t)memory->owners_index;
    unadopted = sum_up(storefd, LAYOUT_NEW);
    ret->unadopted = unadopted.bytes;
    ret->being_written = unadopted.parts;
    return 0;
}

int usage_of(struct index *index, int storefd, struct usage *ret, struct error *error)
{
    struct memory memory = {0};
    look_at_modules(storefd, 0, &memory);
    look_at_owners(storefd, 0, &memory);
    return usage_with(index, storefd, &memory, ret, error);
}

int usage_recent(struct index *index, int storefd, struct usage *ret, struct error *error)
{
    struct memory memory = {0};
    int r = load(index, &memory, error);
    if (r == 0)
        r = remember(index, storefd, &memory, error);
    return r < 0 ? r : usage_with(index, storefd, &memory, ret, error);
}

int usage_of_view(struct index *own, int storefd, uid_t uid, struct usage *ret, struct error *error)
{
    char path[LAYOUT_PATH_SIZE];
    int r = crashes_usage(own, ret, error);
    if (r < 0)
        return r;
    layout_crash_dir(path, uid);
    ret->index = usage_of_user_index(storefd, uid);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/" LAYOUT_MODULES);
    ret->modules = sum_up(storefd, path).bytes;
    return 0;
}

uint64_t usage_sum(const struct usage *usage)
{
    return usage->records + usage->reports + usage->modules + usage->index + usage->unadopted;
}
