/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runtime.c - the directory that hooks share while the machine runs. */
#include "hook/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/layout.h"

int runtime_open(struct error *error)
{
    struct stat st;

    if (mkdir(LAYOUT_RUNTIME, 0700) < 0 && errno != EEXIST)
        return error_errno(error, errno, "cannot make %s", LAYOUT_RUNTIME);
    AUTO_FD int fd = open(LAYOUT_RUNTIME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(error, errno, "cannot open %s", LAYOUT_RUNTIME);
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return error_set(error, EPERM, "%s may be written to by others", LAYOUT_RUNTIME);
    return steal_fd(&fd);
}
