/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks_store.c - doctor's questions to the store: is it there, whose is it, is there room. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/checks.h"
#include "cli/system_files.h"
#include "cli/system_users.h"
#include "cli/terminal.h"
#include "store/adopt.h"
#include "store/layout.h"

#define SETUP "sudo inquest setup"

static void check_users(struct diagnosis *d)
{
    static const struct {
        const char *name, *without;
    } users[] = {
        {INQUEST_USER, "the store belongs to root, and hooks work as user 65534"},
        {ANALYZER_USER, "the analyzer works as user 65534"},
    };
    unsigned missing = 0;
    uid_t uid;
    gid_t gid;

    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        if (system_user_find("", users[i].name, &uid, &gid) == 0)
            continue;
        missing++;
        checklist_add(&d->checklist, "users", VERDICT_BAD, "%s is missing: %s", users[i].name,
                      users[i].without);
        checklist_advise(&d->checklist, SETUP);
    }
    if (missing == 0)
        checklist_add(&d->checklist, "users", VERDICT_GOOD, "%s and %s are there", INQUEST_USER,
                      ANALYZER_USER);
}

/* Compares one directory of the store with what it should be. */
static bool check_directory(struct diagnosis *d, const struct layout_directory *directory,
                            uid_t owner)
{
    bool is_inside = directory != layout_directories;
    mode_t mode = directory->mode;
    char path[PATH_MAX];
    struct stat st;

    if (snprintf(path, sizeof path, "%s%s%s", d->store, is_inside ? "/" : "",
                 is_inside ? directory->name : "") >= PATH_MAX)
        return false;
    if (lstat(path, &st) < 0) {
        int code = errno;
        if (code == ENOENT && directory->is_late)
            return true;
        checklist_add(&d->checklist, "store", VERDICT_BAD, "%s: %s", path, strerror(code));
        checklist_advise(&d->checklist, code == ENOENT ? SETUP : "look at its parents' modes");
    } else if (!S_ISDIR(st.st_mode)) {
        checklist_add(&d->checklist, "store", VERDICT_BAD, "%s is no directory", path);
        checklist_advise(&d->checklist, "move it away, then " SETUP);
    } else if (st.st_uid != owner) {
        checklist_add(&d->checklist, "store", VERDICT_BAD, "%s belongs to user %u, not %u", path,
                      st.st_uid, owner);
        checklist_advise(&d->checklist, SETUP " gives it to its owner");
    } else if ((st.st_mode & 07777) != mode) {
        checklist_add(&d->checklist, "store", VERDICT_BAD, "%s has mode %04o, not %04o", path,
                      st.st_mode & 07777, mode);
        checklist_advise(&d->checklist, "sudo chmod %04o %s", mode, path);
    } else {
        return true;
    }
    return false;
}

static void check_directories(struct diagnosis *d)
{
    uid_t owner = 0;
    gid_t group;

    (void)system_user_find("", INQUEST_USER, &owner, &group); /* else it should be root's */
    for (size_t i = 0; i < LAYOUT_DIRECTORIES; i++)
        if (!check_directory(d, &layout_directories[i], owner))
            return; /* one is enough to know what to do */
    checklist_add(&d->checklist, "store", VERDICT_GOOD, "%s", d->store);
}

static void check_space(struct diagnosis *d)
{
    const struct config_settings *settings = config_settings(d->config);
    struct statvfs fs;
    char free_text[16], keep_text[16], use_text[16];

    if (statvfs(d->store, &fs) < 0)
        return; /* told by check_directories() */
    uint64_t whole = fs.f_frsize * fs.f_blocks, available = fs.f_frsize * fs.f_bavail;
    uint64_t keep = config_budget_of(settings->store.keep_free, whole);
    uint64_t use = config_budget_of(settings->store.max_use, whole);
    human_size(free_text, available);
    human_size(keep_text, keep);
    human_size(use_text, use);

    if (fs.f_flag & ST_RDONLY) {
        checklist_add(&d->checklist, "space", VERDICT_BAD, "the store's filesystem is read-only");
        checklist_advise(&d->checklist,
                         "crashes wait in " LAYOUT_RUNTIME "/new as stacks until then");
    } else if (available < 1024 * 1024 || fs.f_favail == 0) {
        checklist_add(&d->checklist, "space", VERDICT_BAD, "the store's filesystem is full");
        checklist_advise(&d->checklist, "make room; `inquest prune` and `inquest rm` give some");
    } else if (available < keep) {
        checklist_add(&d->checklist, "space", VERDICT_BAD,
                      "%s are free, %s are to stay free: cores are kept as stacks only", free_text,
                      keep_text);
        checklist_advise(&d->checklist, "make room, or set keep_free in [store] of inquest.conf");
    } else {
        checklist_add(&d->checklist, "space", VERDICT_GOOD,
                      "%s are free; the store may use %s and leaves %s free", free_text, use_text,
                      keep_text);
    }
}

/* ENODATA, for a directory without an ACL, is support. */
static void check_access_lists(struct diagnosis *d)
{
    if (access(d->store, F_OK) < 0)
        return;
    ssize_t n = getxattr(d->store, "system.posix_acl_access", NULL, 0);
    if (n >= 0 || errno != EOPNOTSUPP) {
        checklist_add(&d->checklist, "access lists", VERDICT_GOOD,
                      "users can be given their own crashes");
        return;
    }
    checklist_add(&d->checklist, "access lists", VERDICT_BAD,
                  "the store's filesystem has no ACLs: only root and group %s can read crashes",
                  INQUEST_USER);
    checklist_advise(&d->checklist, "mount it with acl, or put the store on another filesystem");
}

static unsigned count_records(const char *path)
{
    unsigned count = 0;
    char id[LAYOUT_ID_SIZE];

    AUTO_DIR DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (layout_id_from_name(entry->d_name, LAYOUT_RECORD_SUFFIX, id) ||
            layout_id_from_name(entry->d_name, LAYOUT_PART_SUFFIX, id))
            count++;
    return count;
}

static void check_waiting(struct diagnosis *d)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", d->store, LAYOUT_NEW) >= PATH_MAX)
        return;
    unsigned count = count_records(path) + adopt_waiting(d->store, true);
    if (count == 0)
        return;
    checklist_add(&d->checklist, "waiting", VERDICT_NEITHER, "%u crash%s not in the index yet",
                  count, count == 1 ? " is" : "es are");
    checklist_advise(&d->checklist, "they are on their way, or `sudo inquest check` fetches them");
}

diagnosis_check *const checks_of_store[] = {
    check_users, check_directories, check_space, check_access_lists, check_waiting, NULL,
};
