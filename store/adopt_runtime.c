/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt_runtime.c - brings home what hooks left in /run/inquest/new while the store was away. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/adopt.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/index.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/scan.h"

#define RUNTIME_NEW LAYOUT_RUNTIME "/" LAYOUT_NEW

struct runtime {
    struct store *store;
    int from, to;        /* the two new/ */
    struct error *error; /* NULL once a failure has been told */
    int failure;         /* the first one's errno, negative */
};

/* Copied before, by somebody who died before he could remove the original. */
static bool is_home(const struct runtime *runtime, const struct record *record, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *known = NULL;
    struct crash_row row;
    crash_row_from_record(id, record, &row);
    return index_find(store_writable_index(runtime->store), id, &known, NULL) == 0 &&
           known->time_us == row.time_us && known->pid == row.pid && known->tid == row.tid;
}

/* Hooks of another store, of a test say, leave theirs in the same place. */
static bool is_of(const char *store, const struct record *record)
{
    const char *meant = metadata_text(record_metadata(record), KEY_STORE);
    return !meant || strcmp(meant, store) == 0;
}

/* As the store's owner: a file of his own, with the bytes of root's. 1: done, 0: not ours. */
static int copy_record(struct runtime *runtime, int from, const char *of)
{
    char id[LAYOUT_ID_SIZE];
    AUTO_RECORD struct record *record = NULL;
    int r = record_open(from, &record, runtime->error);
    if (r < 0 || !is_of(store_path(runtime->store), record))
        return r;
    if (is_home(runtime, record, of))
        return 1;
    AUTO_FD int fd = adopt_make_file(runtime->to, runtime->error);
    if (fd < 0)
        return fd;
    if (lseek(from, 0, SEEK_SET) < 0)
        return error_errno(runtime->error, errno, RUNTIME_NEW);
    r = io_copy(from, fd);
    if (r < 0)
        return error_errno(runtime->error, -r, "cannot copy a record of " RUNTIME_NEW);
    r = adopt_name_file(runtime->store, runtime->to, fd, record_metadata(record), id,
                        runtime->error);
    return r < 0 ? r : 1;
}

static int open_source(const struct runtime *runtime, const char *name)
{
    struct stat st;
    AUTO_FD int fd = openat(runtime->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) && st.st_uid == 0 ? steal_fd(&fd) : -EBADMSG;
}

/* Called as root, and returns as root. */
static int bring_one_home(struct runtime *runtime, const char *name)
{
    char id[LAYOUT_ID_SIZE];
    if (!layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id))
        return 0;
    AUTO_FD int fd = open_source(runtime, name);
    if (fd < 0)
        return fd == -ENOENT ? 0 : error_errno(runtime->error, -fd, RUNTIME_NEW "/%s", name);
    int r = store_enter(runtime->store, runtime->error);
    if (r < 0)
        return r;
    r = copy_record(runtime, fd, id);
    int left = store_leave(runtime->store, r < 0 ? NULL : runtime->error);
    if (r <= 0 || left < 0)
        return r < 0 ? r : left;
    if (unlinkat(runtime->from, name, 0) < 0)
        return error_errno(runtime->error, errno, RUNTIME_NEW "/%s", name);
    return 0;
}

/* One that cannot be taken keeps none of the others: the first failure is told in the end. */
static int go_on(struct runtime *runtime, int r)
{
    if (r < 0 && runtime->failure == 0)
        runtime->failure = r;
    runtime->error = runtime->failure < 0 ? NULL : runtime->error;
    return 0;
}

static int bring_home(void *context, const char *name)
{
    struct runtime *runtime = context;
    return go_on(runtime, bring_one_home(runtime, name));
}

static int salvage(void *context, const char *name)
{
    struct runtime *runtime = context;
    char id[LAYOUT_ID_SIZE];
    if (name[0] == '.' && layout_id_from_name(name + 1, LAYOUT_PART_SUFFIX, id))
        return go_on(runtime, adopt_hidden(runtime->from, id, false));
    if (!layout_id_from_name(name, LAYOUT_PART_SUFFIX, id))
        return 0;
    return go_on(runtime, adopt_part(runtime->from, id, runtime->error));
}

static int bring_all_home(struct runtime *runtime)
{
    AUTO_FD int from = open(RUNTIME_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT ? 0 : error_errno(runtime->error, errno, RUNTIME_NEW);
    runtime->from = from;
    int r = scan_names(from, ".", salvage, runtime);
    if (r == 0)
        r = scan_names(from, ".", bring_home, runtime);
    return r < 0 ? r : runtime->failure;
}

int adopt_runtime(struct store *store, struct error *error)
{
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) < 0 || real != 0)
        return 0; /* root's alone */
    struct runtime runtime = {.store = store, .error = error};
    AUTO_FD int to = adopt_open_new(store, error);
    if (to < 0)
        return to;
    runtime.to = to;
    int r = store_leave(store, error);
    if (r < 0)
        return r;
    r = bring_all_home(&runtime);
    int entered = store_enter(store, r < 0 ? NULL : error);
    return r < 0 ? r : entered;
}

/* ---- what waits ---- */

struct waiting {
    const char *store;
    bool with_live;
    int dirfd;
    unsigned n;
};

static bool is_anothers(const struct waiting *waiting, const char *name)
{
    AUTO_FD int fd = openat(waiting->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    AUTO_RECORD struct record *record = NULL;
    return fd >= 0 && record_open(fd, &record, NULL) == 0 && !is_of(waiting->store, record);
}

static int count_waiting(void *context, const char *name)
{
    struct waiting *waiting = context;
    char id[LAYOUT_ID_SIZE];
    if ((layout_id_from_name(name, LAYOUT_PART_SUFFIX, id) &&
         (waiting->with_live || adopt_is_dead(waiting->dirfd, name))) ||
        (layout_id_from_name(name, LAYOUT_RECORD_SUFFIX, id) && !is_anothers(waiting, name)))
        waiting->n++;
    return 0;
}

unsigned adopt_waiting(const char *store, bool with_live)
{
    struct waiting waiting = {.store = store, .with_live = with_live};
    AUTO_FD int fd = open(RUNTIME_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    waiting.dirfd = fd;
    if (fd >= 0)
        scan_names(fd, ".", count_waiting, &waiting);
    return waiting.n;
}
