/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine.c - what kind of machine this is. */
#include "cli/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/system_files.h"
#include "store/base/bytes.h"

/* The first pid namespace's inode number: PROC_PID_INIT_INO of linux/proc_ns.h, fixed since 3.8. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

static bool in_other_pid_namespace(void)
{
    char target[64];
    ssize_t n = readlink("/proc/self/ns/pid", target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    return strcmp(target, FIRST_PID_NAMESPACE) != 0;
}

/* A root that no filesystem is mounted on is a directory of one; mountinfo begins where we stand.
 */
static bool is_root_mounted(void)
{
    AUTO_BYTES struct bytes mounts = {0};

    if (system_read("", "/proc/self/mountinfo", &mounts) < 0 || !mounts.data)
        return true; /* not known */
    for (char *rest = mounts.data, *line; (line = strsep(&rest, "\n"));) {
        char point[8]; /* behind id, parent, device, and root in the filesystem */
        if (sscanf(line, "%*s %*s %*s %*s %7s", point) == 1 && strcmp(point, "/") == 0)
            return true;
    }
    return false;
}

/* Process 1's root is not for everybody to see, and not always for root. Where it may not be known,
 * it is taken for none. */
static bool in_chroot(void)
{
    struct stat own, first;

    if (stat("/", &own) == 0 && stat("/proc/1/root/", &first) == 0)
        return own.st_dev != first.st_dev || own.st_ino != first.st_ino;
    return !is_root_mounted();
}

bool machine_is_inner(char *ret, size_t size)
{
    static const struct {
        const char *file, *kind;
    } marks[] = {{"/run/.containerenv", "a podman container"},
                 {"/.dockerenv", "a docker container"},
                 {"/run/systemd/container", "a container"}};

    if (in_other_pid_namespace()) {
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (system_exists("", marks[i].file)) {
                snprintf(ret, size, "%s", marks[i].kind);
                return true;
            }
        snprintf(ret, size, "a container");
        return true;
    }
    if (in_chroot()) {
        snprintf(ret, size, "a chroot");
        return true;
    }
    return false;
}

bool machine_has_systemd(const char *root)
{
    return system_exists(root, "/run/systemd/system");
}
