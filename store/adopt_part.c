/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt_part.c - ends the record of a hook that died. */
#include "store/adopt_new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/keys.h"
#include "store/metadata.h"
#include "store/record.h"
#include "store/record_writer.h"
#include "store/salvage.h"

enum {
    ATTEMPTS_MAX = 999,
    UNLOCKED_S = 3600, /* that an empty file may be without a lock because it was just made */
};

bool adopt_is_dead(int newfd, const char *name)
{
    AUTO_FD int fd = openat(newfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Locks the file if nobody holds it and it still has its name. 1: ours. */
static int lock_dead(int newfd, const char *name, int *ret_fd)
{
    struct stat here, there;
    AUTO_FD int fd = openat(newfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? 0 : -errno;
    if (fstat(fd, &here) < 0 || fstatat(newfd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
        return 0;
    if (!S_ISREG(here.st_mode) || here.st_nlink != 1)
        return -EBADMSG;
    *ret_fd = steal_fd(&fd);
    return 1;
}

static int make_outcome(const char *state, const char *reason, struct metadata **ret)
{
    AUTO_METADATA struct metadata *outcome = metadata_new();
    if (!outcome)
        return -ENOMEM;
    int r = metadata_set_text(outcome, KEY_STATE, state);
    if (r == 0)
        r = metadata_set_text(outcome, KEY_REASON, reason);
    if (r == 0)
        *ret = steal_pointer(&outcome);
    return r;
}

/* What the id tells: YYYYMMDD-HHMMSS-PID[.N]. */
static int facts_of_id(const char *id, struct metadata **ret)
{
    AUTO_METADATA struct metadata *facts = metadata_new();
    struct tm tm = {0};
    const char *rest = strptime(id, "%Y%m%d-%H%M%S", &tm);
    if (!facts || !rest || *rest != '-')
        return facts ? -EINVAL : -ENOMEM;
    uint64_t pid = strtoull(rest + 1, NULL, 10); /* digits: layout_id_is_valid() has seen to it */
    int r = metadata_set_text(facts, KEY_ID, id);
    if (r == 0)
        r = metadata_set_i64(facts, KEY_TIME, (int64_t)timegm(&tm) * 1000000);
    if (r == 0)
        r = metadata_set_u64(facts, KEY_PID, pid);
    if (r == 0)
        r = metadata_set_text(facts, KEY_PRIVATE, "1");
    if (r == 0)
        *ret = steal_pointer(&facts);
    return r;
}

/* A record of what the name says, in place of a file that says nothing. */
static int write_facts_of_id(int fd, const char *id, struct error *error)
{
    AUTO_METADATA struct metadata *facts = NULL, *outcome = NULL;
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    int r = facts_of_id(id, &facts);
    if (r == 0)
        r = make_outcome(record_state_name(RECORD_FACTS),
                         "the hook died before it had written the facts", &outcome);
    if (r == 0 && (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0))
        r = -errno;
    if (r == 0)
        r = record_writer_new(fd, &writer);
    if (r == 0)
        r = record_writer_facts(writer, facts);
    if (r == 0)
        r = record_writer_finish(writer, outcome);
    return r < 0 ? error_errno(error, -r, "cannot write what the id says") : 0;
}

static int finish(int fd, const char *id, struct error *error)
{
    AUTO_METADATA struct metadata *outcome = NULL;
    int r =
        make_outcome(record_state_name(RECORD_TRUNCATED), "the hook died at its work", &outcome);
    if (r < 0)
        return error_errno(error, -r, "outcome");
    r = salvage_part(fd, outcome, error);
    if (r == -ENODATA)
        r = write_facts_of_id(fd, id, error);
    if (r == 0 && fsync(fd) < 0)
        r = error_errno(error, errno, "fsync");
    return r;
}

/* The rename that is the commit, to the first free of ID, ID.2, …. */
static int commit(int newfd, const char *part, const char *id)
{
    char free_id[LAYOUT_ID_SIZE + 16], to[LAYOUT_NAME_SIZE];
    size_t base = strcspn(id, ".");
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (attempt == 0)
            snprintf(free_id, sizeof free_id, "%s", id);
        else
            snprintf(free_id, sizeof free_id, "%.*s.%u", (int)base, id, attempt + 1);
        layout_name(to, free_id, LAYOUT_RECORD_SUFFIX);
        int r = io_rename_new(newfd, part, newfd, to);
        if (r != -EEXIST)
            return r == 0 && fsync(newfd) < 0 ? -errno : r;
    }
    return -EEXIST;
}

int adopt_part(int newfd, const char *id, struct error *error)
{
    char name[LAYOUT_NAME_SIZE];
    AUTO_FD int fd = -1;
    layout_name(name, id, LAYOUT_PART_SUFFIX);
    int r = lock_dead(newfd, name, &fd);
    if (r < 0)
        return error_errno(error, -r, "%s", name);
    if (r == 0)
        return 0;
    r = finish(fd, id, error);
    if (r < 0)
        return r;
    r = commit(newfd, name, id);
    return r < 0 ? error_errno(error, -r, "cannot commit %s", name) : 1;
}

static bool exists(int newfd, const char *id, const char *suffix)
{
    char name[LAYOUT_NAME_SIZE];
    struct stat st;
    layout_name(name, id, suffix);
    return fstatat(newfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int adopt_hidden(int newfd, const char *id, bool is_known)
{
    char hidden[LAYOUT_NAME_SIZE + 1] = ".", name[LAYOUT_NAME_SIZE];
    struct stat st;
    AUTO_FD int fd = -1;
    layout_name(name, id, LAYOUT_PART_SUFFIX);
    memcpy(hidden + 1, name, sizeof name);
    int r = lock_dead(newfd, hidden, &fd);
    if (r <= 0)
        return r;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size == 0 && st.st_mtime + UNLOCKED_S > time(NULL))
        return 0; /* facts are written under the lock only */
    if (is_known || st.st_size == 0 || exists(newfd, id, LAYOUT_PART_SUFFIX) ||
        exists(newfd, id, LAYOUT_RECORD_SUFFIX))
        return unlinkat(newfd, hidden, 0) < 0 ? -errno : 0;
    return io_rename_new(newfd, hidden, newfd, name);
}
