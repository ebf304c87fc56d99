/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runtime_fixture.c - a directory for what hooks share. */
#include "tests/unit/runtime_fixture.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/budget.h"
#include "hook/storm.h"

int make_directory(void **state)
{
    char path[] = "/tmp/test-runtime.XXXXXX";
    if (!mkdtemp(path))
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = (void *)(intptr_t)fd;
    return fd < 0 ? -1 : 0;
}

int remove_directory(void **state)
{
    int fd = (int)(intptr_t)*state;
    char link[64], path[64] = "";

    unlinkat(fd, STORM_FILE, 0);
    unlinkat(fd, BUDGET_FILE, 0);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0)
        return -1;
    close(fd);
    return rmdir(path);
}
