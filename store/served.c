/* SPDX-License-Identifier: GPL-2.0-or-later */
/* served.c - where another user serves files. */
#include "store/served.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"

/* fusermount(1) gives each user a thousand mounts; point and source may take 16 KiB each. */
enum { MAX_MOUNTINFO = 64 << 20 };

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Three digits, and no fewer: behind a backslash the text may end. */
static bool is_escape(const char *text)
{
    return text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3]);
}

/* proc_pid_mountinfo(5): what is no plain character in a path is an octal escape. In place. */
static void unescape(char *path)
{
    char *to = path;
    while (*path) {
        bool escape = is_escape(path);
        *to = *path;
        if (escape)
            *to = (char)((path[1] - '0') << 6 | (path[2] - '0') << 3 | (path[3] - '0'));
        to++;
        path += escape ? 4 : 1;
    }
    *to = '\0';
}

/* ID parent MAJ:MIN root mountpoint options [fields] - type source options. The source is the
 * user's to choose: options are behind the last blank. */
static bool is_others(const char *line, uid_t own)
{
    unsigned user;
    const char *tail = strstr(line, " - fuse");
    const char *served = tail ? strstr(strrchr(tail, ' '), "user_id=") : NULL;
    return served && sscanf(served, "user_id=%u", &user) == 1 && user != 0 && user != own;
}

/* However long it is: four bytes may stand for one. Cuts the line. NULL where it has none. */
static char *mount_point(char *line)
{
    enum { FIELDS_BEFORE = 4 };
    for (unsigned i = 0; line && i < FIELDS_BEFORE; i++) {
        line = strchr(line, ' ');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return NULL;
    line[strcspn(line, " ")] = '\0';
    unescape(line);
    return line;
}

void served_parse(const char *mountinfo, uid_t own, struct bytes *ret)
{
    for (const char *line = mountinfo; line && *line;) {
        const char *end = strchr(line, '\n');
        AUTO_FREE char *one = strndup(line, end ? (size_t)(end - line) : strlen(line));
        const char *point = one && is_others(one, own) ? mount_point(one) : NULL;
        if (point)
            (void)bytes_append(ret, point, strlen(point) + 1);
        line = end ? end + 1 : NULL;
    }
}

void served_load(struct bytes *ret)
{
    AUTO_BYTES struct bytes mountinfo = {0};
    AUTO_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)io_read_all(fd, MAX_MOUNTINFO, &mountinfo); /* what was read is better than nothing */
    if (mountinfo.data)
        served_parse(mountinfo.data, getuid(), ret);
}

static bool is_point(const struct bytes *served, const char *path)
{
    for (size_t i = 0; i < served->size; i += strlen(served->data + i) + 1)
        if (strcmp(served->data + i, path) == 0)
            return true;
    return false;
}

/* Takes the next component off `*path` and goes there from `place`. False where that has no room.
 */
static bool step(const char **path, char place[static PATH_MAX])
{
    const char *name = *path + strspn(*path, "/");
    size_t size = strcspn(name, "/"), used = strlen(place);
    *path = name + size;
    if (size == 0 || (size == 1 && name[0] == '.'))
        return true;
    if (size == 2 && memcmp(name, "..", 2) == 0) {
        char *last = strrchr(place, '/');
        if (last)
            *last = '\0';
        return true;
    }
    if (size >= PATH_MAX - 1 - used)
        return false;
    place[used] = '/';
    memcpy(place + used + 1, name, size);
    place[used + 1 + size] = '\0';
    return true;
}

bool served_has(const struct bytes *served, const char *path)
{
    char place[PATH_MAX] = "";
    if (served->size == 0)
        return false;
    while (*path)
        if (!step(&path, place) || is_point(served, place))
            return true;
    return false;
}
