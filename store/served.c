/* SPDX-License-Identifier: GPL-2.0-or-later */
/* served.c - where another user serves files. */
#include "store/served.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"

enum { MAX_MOUNTINFO = 16 << 20, POINT_SIZE = 4096 };

/* proc_pid_mountinfo(5): what is no plain character in a path is an octal escape. In place. */
static void unescape(char *path)
{
    char *to = path;
    for (unsigned code; *path; path++) {
        if (path[0] == '\\' && sscanf(path + 1, "%3o", &code) == 1) {
            *to++ = (char)code;
            path += 3;
        } else {
            *to++ = *path;
        }
    }
    *to = '\0';
}

/* ID parent MAJ:MIN root mountpoint options [fields] - type source options. The source is the
 * user's to choose: options are behind the last blank. */
static bool parse_line(const char *line, uid_t own, char ret_point[static POINT_SIZE])
{
    unsigned user;
    const char *tail = strstr(line, " - fuse");
    const char *served = tail ? strstr(strrchr(tail, ' '), "user_id=") : NULL;
    if (!served || sscanf(served, "user_id=%u", &user) != 1 || user == 0 || user == own ||
        sscanf(line, "%*s %*s %*s %*s %4095s", ret_point) != 1)
        return false;
    unescape(ret_point);
    return true;
}

void served_parse(const char *mountinfo, uid_t own, struct bytes *ret)
{
    char point[POINT_SIZE];
    for (const char *line = mountinfo; line && *line;) {
        const char *end = strchr(line, '\n');
        AUTO_FREE char *one = strndup(line, end ? (size_t)(end - line) : strlen(line));
        if (one && parse_line(one, own, point))
            (void)bytes_append(ret, point, strlen(point) + 1);
        line = end ? end + 1 : NULL;
    }
}

void served_load(struct bytes *ret)
{
    AUTO_BYTES struct bytes mountinfo = {0};
    AUTO_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && io_read_all(fd, MAX_MOUNTINFO, &mountinfo) >= 0 && mountinfo.data)
        served_parse(mountinfo.data, getuid(), ret);
}

bool served_has(const struct bytes *served, const char *path)
{
    for (size_t i = 0; i < served->size; i += strlen(served->data + i) + 1) {
        const char *point = served->data + i;
        size_t size = strlen(point);
        if (strncmp(path, point, size) == 0 && (path[size] == '/' || path[size] == '\0'))
            return true;
    }
    return false;
}
