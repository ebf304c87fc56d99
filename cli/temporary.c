/* SPDX-License-Identifier: GPL-2.0-or-later */
/* temporary.c - files that are gone when the command is. */
#include "cli/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *temporary_place(void)
{
    const char *place = secure_getenv("TMPDIR");
    return place && place[0] == '/' ? place : "/var/tmp";
}

int temporary_file(struct error *error)
{
    const char *place = temporary_place();
    int fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;

    /* A filesystem without O_TMPFILE. */
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/inquest-XXXXXX", place) >= (int)sizeof path)
        return error_set(error, ENAMETOOLONG, "%s: the name is too long", place);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_errno(error, errno, "%s", place);
    unlink(path);
    return fd;
}

int temporary_directory_make(char ret[static PATH_MAX], struct error *error)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/inquest-XXXXXX", temporary_place()) >= (int)sizeof path)
        return error_set(error, ENAMETOOLONG, "%s: the name is too long", temporary_place());
    if (!mkdtemp(path))
        return error_errno(error, errno, "%s", temporary_place());
    snprintf(ret, PATH_MAX, "%s", path);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st, (void)kind, (void)walk;
    (void)remove(path); /* what cannot be removed is left: nobody could do more about it */
    return 0;
}

void temporary_directory_remove(const char *path)
{
    enum { DESCRIPTORS = 16 };
    if (path[0])
        (void)nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
