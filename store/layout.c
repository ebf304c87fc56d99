/* SPDX-License-Identifier: GPL-2.0-or-later */
/* layout.c - where things lie in a store. */
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"

void layout_id_format(char ret[static LAYOUT_ID_SIZE], int64_t time_us, uint32_t pid,
                      unsigned attempt)
{
    static const int64_t last = 253402300799; /* 9999-12-31 23:59:59 */
    int64_t seconds = time_us / 1000000;
    time_t when = (time_t)(seconds < 0 ? 0 : seconds > last ? last : seconds);
    struct tm utc;

    gmtime_r(&when, &utc);
    size_t n = strftime(ret, LAYOUT_ID_SIZE, "%Y%m%d-%H%M%S", &utc);
    if (attempt == 0)
        snprintf(ret + n, LAYOUT_ID_SIZE - n, "-%u", pid);
    else
        snprintf(ret + n, LAYOUT_ID_SIZE - n, "-%u.%u", pid, attempt + 1);
}

/* The length of the valid id that `text` starts with, 0 where there is none. */
static size_t id_length(const char *text)
{
    static const char form[] = "dddddddd-dddddd-"; /* d: a digit */
    size_t i, start;

    for (i = 0; form[i]; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return 0;
    for (start = i; text[i] >= '0' && text[i] <= '9'; i++)
        ;
    if (i == start || i - start > 10)
        return 0;
    if (text[i] == '.' && text[i + 1] >= '1' && text[i + 1] <= '9') {
        for (start = ++i; text[i] >= '0' && text[i] <= '9'; i++)
            ;
        if (i - start > 9)
            return 0;
    }
    return i;
}

bool layout_id_is_valid(const char *id)
{
    size_t n = id_length(id);
    return n > 0 && id[n] == '\0';
}

bool layout_id_from_name(const char *name, const char *suffix, char ret[static LAYOUT_ID_SIZE])
{
    size_t n = id_length(name);
    if (n == 0 || n >= LAYOUT_ID_SIZE || strcmp(name + n, suffix) != 0)
        return false;
    memcpy(ret, name, n);
    ret[n] = '\0';
    return true;
}

void layout_name(char ret[static LAYOUT_NAME_SIZE], const char *id, const char *suffix)
{
    /* Not printf(3): lists do this for every line. Both are ours, and shorter than this. */
    size_t size = strnlen(id, LAYOUT_ID_SIZE - 1), rest = strlen(suffix);
    if (rest >= LAYOUT_NAME_SIZE - size)
        rest = LAYOUT_NAME_SIZE - size - 1;
    memcpy(ret, id, size);
    memcpy(ret + size, suffix, rest);
    ret[size + rest] = '\0';
}

void layout_crash_dir(char ret[static LAYOUT_PATH_SIZE], uid_t uid)
{
    snprintf(ret, LAYOUT_PATH_SIZE, LAYOUT_CRASHES "/%u", uid);
}

void layout_crash_path(char ret[static LAYOUT_PATH_SIZE], uid_t uid, const char *id,
                       const char *suffix)
{
    snprintf(ret, LAYOUT_PATH_SIZE, LAYOUT_CRASHES "/%u/%s%s", uid, id, suffix);
}

void layout_kept_modules(char ret[static LAYOUT_PATH_SIZE], uid_t uid, const char *id)
{
    snprintf(ret, LAYOUT_PATH_SIZE, LAYOUT_CRASHES "/%u/" LAYOUT_MODULES "/%s.", uid, id);
}

void layout_new_path(char ret[static LAYOUT_PATH_SIZE], const char *id, const char *suffix)
{
    snprintf(ret, LAYOUT_PATH_SIZE, LAYOUT_NEW "/%s%s", id, suffix);
}

uid_t layout_owner(uid_t uid, unsigned dumpable)
{
    return dumpable == 1 ? uid : 0;
}

const char *layout_store_path(const char *option, const char *configured)
{
    const char *variable = secure_getenv("INQUEST_STORE");

    if (option)
        return option;
    if (variable && *variable)
        return variable;
    return configured && *configured ? configured : LAYOUT_STORE;
}

/*
 * Makes the directory `name` beneath `dirfd` with that mode and owner unless it is there. The mode
 * is set after the owner: between the two the directory is open to its maker alone.
 */
static int make_directory(int dirfd, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    if (mkdirat(dirfd, name, 0700) < 0) {
        if (errno != EEXIST)
            return -errno;
        struct stat st;
        if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    }

    AUTO_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fchown(fd, uid, gid) < 0 && errno != EPERM)
        return -errno;
    return fchmod(fd, mode) < 0 ? -errno : 0;
}

const struct layout_directory layout_directories[LAYOUT_DIRECTORIES] = {
    {".", LAYOUT_STORE_MODE, false},
    {LAYOUT_NEW, LAYOUT_NEW_MODE, false},
    {LAYOUT_CRASHES, LAYOUT_CRASHES_MODE, false},
    {LAYOUT_MODULES, LAYOUT_MODULES_MODE, false},
    {LAYOUT_CACHE, LAYOUT_CACHE_MODE, true},
};

int layout_create(const char *path, uid_t uid, gid_t gid, struct error *error)
{
    int r = make_directory(AT_FDCWD, path, LAYOUT_STORE_MODE, uid, gid);
    if (r < 0)
        return error_errno(error, -r, "cannot make the store %s", path);

    int store = layout_open(path, error);
    if (store < 0)
        return store;
    AUTO_FD int fd = store;
    for (size_t i = 1; i < LAYOUT_DIRECTORIES; i++) {
        const struct layout_directory *directory = &layout_directories[i];
        if (directory->is_late)
            continue;
        r = make_directory(fd, directory->name, directory->mode, uid, gid);
        if (r < 0)
            return error_errno(error, -r, "cannot make %s/%s", path, directory->name);
    }
    return 0;
}

int layout_open(const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) /* a user may pass through a store that he may not list */
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "cannot open the store %s", path);
    return fd;
}

/* Reads "name:x:uid:gid:..." into its numbers. */
static int passwd_line_ids(char *line, const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    char *fields[4];
    uint64_t uid, gid;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        fields[i] = strsep(&line, ":");
        if (!fields[i])
            return -ENOENT;
    }
    if (strcmp(fields[0], name) != 0 || parse_u64(fields[2], 10, UINT32_MAX - 1, &uid) < 0 ||
        parse_u64(fields[3], 10, UINT32_MAX - 1, &gid) < 0)
        return -ENOENT;
    *ret_uid = (uid_t)uid;
    *ret_gid = (gid_t)gid;
    return 0;
}

int layout_system_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
    AUTO_FILE FILE *passwd = fopen("/etc/passwd", "re");
    if (!passwd)
        return -errno;

    AUTO_FREE char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, passwd) >= 0)
        if (passwd_line_ids(line, name, ret_uid, ret_gid) == 0)
            return 0;
    return -ENOENT;
}
