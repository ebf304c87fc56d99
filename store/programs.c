/* SPDX-License-Identifier: GPL-2.0-or-later */
/* programs.c - how Inquest's programs find each other. */
#include "store/programs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Replaces the last component of the running program's path by `name`. */
static int beside_this_program(const char *name, char ret[static PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX);
    if (n < 0 || n >= PATH_MAX)
        return -ENAMETOOLONG;
    ret[n] = '\0';

    char *slash = strrchr(ret, '/');
    size_t room = slash ? PATH_MAX - (size_t)(slash + 1 - ret) : 0;
    if (strlen(name) >= room)
        return -ENAMETOOLONG;
    memcpy(slash + 1, name, strlen(name) + 1);
    return access(ret, X_OK) == 0 ? 0 : -errno;
}

int program_path(const char *name, char ret[static PATH_MAX])
{
    if (beside_this_program(name, ret) == 0)
        return 0;
    int n = snprintf(ret, PATH_MAX, "%s/%s", LIBEXECDIR, name);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}
