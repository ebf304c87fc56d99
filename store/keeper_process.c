/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper_process.c - what the keeper may do, and how much of the machine it takes. */
#include "store/keeper_process.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/cleanup.h"

#ifndef IOPRIO_WHO_PROCESS
#define IOPRIO_WHO_PROCESS 1
#endif

int keeper_make_fds_safe(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR); /* not O_CLOEXEC: programs that are started want 0 to 2 */
    while (fd >= 0 && fd < 3);
    if (fd < 0)
        return -errno;
    if (close_range(3, ~0u, 0) < 0)
        close(fd); /* before Linux 5.9 the hook's stay open until the keeper ends */
    (void)umask(0077);
    return 0;
}

/* Adds those of the capabilities that the process has: containers and kernels withhold some. */
static void keep_capabilities(bool effective)
{
    static const unsigned kept[] = {
        CAP_SETUID, CAP_SETGID,  CAP_DAC_READ_SEARCH, CAP_KILL,       CAP_CHOWN,
        CAP_FOWNER, CAP_SETPCAP, CAP_SYS_RESOURCE,    CAP_SYS_CHROOT,
    };
    bool had[ARRAY_SIZE(kept)];

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        had[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
    capng_clear(CAPNG_SELECT_BOTH);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (had[i]) /* known numbers: cannot fail */
            (void)capng_update(
                CAPNG_ADD, CAPNG_PERMITTED | CAPNG_BOUNDING_SET | (effective ? CAPNG_EFFECTIVE : 0),
                kept[i]);
}

int keeper_drop_privileges(struct error *error)
{
    uid_t real, effective, saved;

    if (getresuid(&real, &effective, &saved) < 0)
        return error_errno(error, errno, "uid");
    if (real != 0)
        return 0;
    if (capng_get_caps_process() != 0)
        return error_set(error, EPERM, "cannot tell which capabilities there are");
    keep_capabilities(effective == 0);
    /* The bounding set is given up with CAP_SETPCAP, which the store's owner has no more; for him
     * the permitted set is what counts when he becomes root again. */
    if (capng_apply(effective == 0 ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) != 0)
        return error_set(error, EPERM, "cannot give up root's capabilities");
    return 0;
}

void keeper_be_modest(int niceness)
{
    /* Each of these is a courtesy; the work is done without it, too. */
    (void)setpriority(PRIO_PROCESS, 0, niceness);
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
    AUTO_FD int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, "500", 3);
}
