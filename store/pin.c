/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin.c - crashes that are to be kept. */
#include "store/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/index.h"

static int make_pin(int dirfd, const char *name)
{
    AUTO_FD int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                            LAYOUT_FILE_MODE);
    if (fd < 0 || fsync(fd) < 0 || fsync(dirfd) < 0)
        return -errno;
    return 0;
}

static int remove_pin(int dirfd, const char *name)
{
    if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    return fsync(dirfd) < 0 ? -errno : 0;
}

/* The file first: it is what survives the index. */
static int change(struct store *store, const struct crash_row *row, bool pinned,
                  struct error *error)
{
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    char name[LAYOUT_NAME_SIZE];
    int r = store_begin_change(store, row, &now, error);
    if (r < 0)
        return r;
    layout_name(name, now->id, LAYOUT_PIN_SUFFIX);
    AUTO_FD int dirfd = store_open_directory(store, now);
    r = dirfd < 0 ? dirfd : pinned ? make_pin(dirfd, name) : remove_pin(dirfd, name);
    if (r < 0)
        (void)error_errno(error, -r, "%s", name);
    else
        r = index_set_pinned(store_writable_index(store), now->seq, pinned, error);
    return store_end_change(store, r, error);
}

int pin_set(struct store *store, const struct crash_row *row, struct error *error)
{
    return change(store, row, true, error);
}

int pin_clear(struct store *store, const struct crash_row *row, struct error *error)
{
    return change(store, row, false, error);
}
