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
    char name[LAYOUT_NAME_SIZE];
    layout_name(name, row->id, LAYOUT_PIN_SUFFIX);
    if (!store_may_write(store, row))
        return error_set(error, EPERM, "%s is not ours to change: use sudo inquest …", row->id);
    AUTO_FD int dirfd = store_open_directory(store, row);
    if (dirfd < 0)
        return error_errno(error, -dirfd, "%s", name);
    int64_t seq;
    int r = store_begin_change(store, row, &seq, error);
    if (r < 0)
        return r;
    r = pinned ? make_pin(dirfd, name) : remove_pin(dirfd, name);
    if (r < 0)
        (void)error_errno(error, -r, "%s", name);
    else
        r = index_set_pinned(store_writable_index(store), seq, pinned, error);
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
