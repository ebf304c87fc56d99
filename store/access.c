/* SPDX-License-Identifier: GPL-2.0-or-later */
/* access.c - who may read a crash. */
#include "store/access.h"

#include <acl/libacl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/acl.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/keys.h"
#include "store/layout.h"

static void free_acl(acl_t *acl)
{
    if (*acl)
        acl_free(*acl);
}
#define AUTO_ACL CLEANUP(free_acl)

/* Mode and ACL of what is open as a place only (O_PATH) can be had by its path in /proc alone. */
enum { PLACE_SIZE = 32 };
static const char *place_of(int fd, char ret[static PLACE_SIZE])
{
    snprintf(ret, PLACE_SIZE, "/proc/self/fd/%d", fd);
    return ret;
}

static acl_t get_acl(int fd)
{
    char place[PLACE_SIZE];
    acl_t acl = acl_get_fd(fd);
    return acl || errno != EBADF ? acl : acl_get_file(place_of(fd, place), ACL_TYPE_ACCESS);
}

static int set_acl(int fd, acl_t acl)
{
    char place[PLACE_SIZE];
    if (acl_set_fd(fd, acl) == 0)
        return 0;
    return errno != EBADF ? -1 : acl_set_file(place_of(fd, place), ACL_TYPE_ACCESS, acl);
}

static int set_mode(int fd, mode_t mode)
{
    char place[PLACE_SIZE];
    if (fchmod(fd, mode) == 0)
        return 0;
    return errno != EBADF ? -1 : chmod(place_of(fd, place), mode);
}

static bool is_uid(uint64_t value)
{
    return value < (uid_t)-1; /* -1 is nobody's */
}

void access_of(const struct metadata *facts, struct access *ret)
{
    const char *mark = metadata_text(facts, KEY_PRIVATE);
    uint64_t uid, dumpable, reader;
    struct access access = {.is_private = true};

    if (metadata_u64(facts, KEY_UID, &uid) == 0 && is_uid(uid) &&
        metadata_u64(facts, KEY_DUMPABLE, &dumpable) == 0 && dumpable == 1 &&
        (!mark || (mark[0] == '0' && !mark[1]))) {
        access.is_private = false;
        access.owner = layout_owner((uid_t)uid, (unsigned)dumpable);
        access.has_reader = metadata_u64(facts, KEY_ACCESS_UID, &reader) == 0 && is_uid(reader);
        access.reader = access.has_reader ? (uid_t)reader : 0;
    }
    *ret = access;
}

struct access access_of_row(const struct crash_row *row)
{
    return (struct access){.owner = row->owner,
                           .is_private = row->is_private,
                           .has_reader = row->access_uid != CRASH_ABSENT,
                           .reader = row->access_uid == CRASH_ABSENT ? 0 : (uid_t)row->access_uid};
}

/* The user's entry, where there is one. */
static bool find_entry(acl_t acl, uid_t user, acl_entry_t *ret)
{
    for (int which = ACL_FIRST_ENTRY; acl_get_entry(acl, which, ret) == 1; which = ACL_NEXT_ENTRY) {
        acl_tag_t tag;
        if (acl_get_tag_type(*ret, &tag) < 0 || tag != ACL_USER)
            continue;
        uid_t *uid = acl_get_qualifier(*ret);
        bool found = uid && *uid == user;
        acl_free(uid);
        if (found)
            return true;
    }
    return false;
}

/* Finds or makes the user's entry and gives it `permissions`. */
static int add_reader(acl_t *acl, uid_t reader, bool may_search)
{
    acl_entry_t entry;
    acl_permset_t permissions;
    if (!find_entry(*acl, reader, &entry) &&
        (acl_create_entry(acl, &entry) < 0 || acl_set_tag_type(entry, ACL_USER) < 0 ||
         acl_set_qualifier(entry, &reader) < 0))
        return -errno;
    if (acl_get_permset(entry, &permissions) < 0 || acl_clear_perms(permissions) < 0 ||
        acl_add_perm(permissions, ACL_READ) < 0 ||
        (may_search && acl_add_perm(permissions, ACL_EXECUTE) < 0) ||
        acl_set_permset(entry, permissions) < 0 || acl_calc_mask(acl) < 0)
        return -errno;
    return 0;
}

/* The ACL that a file of this access has. NULL with errno set. */
static acl_t file_acl(const struct access *access)
{
    AUTO_ACL acl_t acl = acl_from_mode(access->is_private ? LAYOUT_PRIVATE_MODE : LAYOUT_FILE_MODE);
    if (!acl)
        return NULL;
    if (access->has_reader) {
        int r = add_reader(&acl, access->reader, false);
        if (r < 0) {
            errno = -r;
            return NULL;
        }
    }
    return steal_pointer(&acl);
}

int access_apply_file(int fd, const struct access *access, struct error *error)
{
    mode_t mode = access->is_private ? LAYOUT_PRIVATE_MODE : LAYOUT_FILE_MODE;
    AUTO_ACL acl_t acl = file_acl(access);
    if (!acl)
        return error_errno(error, errno, "access rights");
    /* The mode first: with an ACL in place, its group bits would mean the mask. */
    if (set_mode(fd, mode) < 0)
        return error_errno(error, errno, "mode");
    if (set_acl(fd, acl) < 0 && errno != EOPNOTSUPP)
        return error_errno(error, errno, "access rights");
    return 0;
}

int access_apply_directory(int fd, const struct access *access, struct error *error)
{
    if (!access->has_reader)
        return 0;
    AUTO_ACL acl_t acl = get_acl(fd);
    if (!acl)
        return errno == EOPNOTSUPP ? 0 : error_errno(error, errno, "access rights");
    int r = add_reader(&acl, access->reader, true);
    if (r < 0)
        return error_errno(error, -r, "access rights");
    if (set_acl(fd, acl) < 0 && errno != EOPNOTSUPP)
        return error_errno(error, errno, "access rights");
    return 0;
}

int access_is_applied(int fd, const struct access *access)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    mode_t mode = access->is_private ? LAYOUT_PRIVATE_MODE : LAYOUT_FILE_MODE;
    if ((st.st_mode & 07777) != mode)
        return 0;
    AUTO_ACL acl_t is = get_acl(fd);
    if (!is)
        return errno == EOPNOTSUPP ? 1 : -errno;
    AUTO_ACL acl_t due = file_acl(access);
    if (!due)
        return -errno;
    return acl_cmp(is, due) == 0;
}

/* The ACL that a directory of crashes has for these readers, where it has that one now. NULL with
 * errno set. */
static acl_t directory_acl(acl_t now, const uid_t *readers, size_t count, uid_t may)
{
    AUTO_ACL acl_t acl = acl_from_mode(LAYOUT_CRASH_DIR_MODE);
    if (!acl)
        return NULL;
    acl_entry_t entry;
    int r = find_entry(now, may, &entry) ? add_reader(&acl, may, true) : 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_reader(&acl, readers[i], true);
    if (r < 0) {
        errno = -r;
        return NULL;
    }
    return steal_pointer(&acl);
}

int access_directory_is_due(int fd, const uid_t *readers, size_t count, uid_t may)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if ((st.st_mode & 07777) != LAYOUT_CRASH_DIR_MODE)
        return 0;
    AUTO_ACL acl_t is = get_acl(fd);
    if (!is)
        return errno == EOPNOTSUPP ? 1 : -errno;
    AUTO_ACL acl_t due = directory_acl(is, readers, count, may);
    return due ? acl_cmp(is, due) == 0 : -errno;
}

int access_apply_directory_exactly(int fd, const uid_t *readers, size_t count, uid_t may,
                                   struct error *error)
{
    AUTO_ACL acl_t is = get_acl(fd);
    if (!is && errno != EOPNOTSUPP)
        return error_errno(error, errno, "access rights");
    AUTO_ACL acl_t due = is ? directory_acl(is, readers, count, may) : NULL;
    if (is && !due)
        return error_errno(error, errno, "access rights");
    if (set_mode(fd, LAYOUT_CRASH_DIR_MODE) < 0)
        return error_errno(error, errno, "mode");
    if (is && set_acl(fd, due) < 0)
        return error_errno(error, errno, "access rights");
    return 0;
}

bool access_is_supported(int fd)
{
    AUTO_ACL acl_t acl = get_acl(fd);
    return acl || errno != EOPNOTSUPP;
}
