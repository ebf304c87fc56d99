/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper_process.c - what the keeper may do, and how much of the machine it takes. */
#include "store/keeper_process.h"

#include <cap-ng.h>
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
#include "store/base/io.h"

#ifndef IOPRIO_WHO_PROCESS
#define IOPRIO_WHO_PROCESS 1
#endif

int keeper_make_fds_safe(void)
{
    int r = io_hold_standard();
    if (r < 0)
        return r;
    (void)close_range(3, ~0u, 0); /* before Linux 5.9 the hook's stay open until the keeper ends */
    (void)umask(0077);
    return 0;
}

/* Those of them that there are: a container's root may lack some. */
static void choose_capabilities(void)
{
    static const unsigned kept[] = {
        CAP_SETUID,
        CAP_SETGID,          /* the store's owner, the analyzer's user, and back */
        CAP_DAC_READ_SEARCH, /* ELF files, and what hooks have left in new/ */
        CAP_KILL,            /* an analyzer that does not end */
        CAP_CHOWN,           /* what a hook without the store's user wrote as root */
    };
    bool had[ARRAY_SIZE(kept)];

    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        had[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
    capng_clear(CAPNG_SELECT_BOTH);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (had[i]) /* known numbers: cannot fail */
            (void)capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_EFFECTIVE | CAPNG_BOUNDING_SET,
                               kept[i]);
}

int keeper_drop_privileges(struct error *error)
{
    if (geteuid() != 0)
        return 0;
    if (capng_get_caps_process() != 0)
        return error_set(error, EPERM, "cannot tell which capabilities there are");
    choose_capabilities();
    /* Where root may not narrow its bounding set, in a container, the rest must do. */
    (void)capng_apply(CAPNG_SELECT_BOUNDS);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
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
