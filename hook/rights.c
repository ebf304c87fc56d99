/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rights.c - what the watcher keeps of root's rights. */
#include "hook/rights.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/cleanup.h"

#define BIT(capability) (UINT32_C(1) << (capability))

enum { CAPABILITIES_MAX = 64 }; /* that the kernel's interface has room for */

static const uint32_t kept = BIT(CAP_KILL) /* a worker that hangs, a victim that is held */
                             | BIT(CAP_SETUID) | BIT(CAP_SETGID) /* cages, owners, keeper */
                             | BIT(CAP_SETPCAP)                  /* a cage's bounding set */
                             | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHOWN) /* the keeper */;

static void reduce_bounds(void)
{
    for (unsigned i = 0; i < CAPABILITIES_MAX; i++)
        if (i >= 32 || !(kept & BIT(i)))
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0); /* fails where there is none of that number */
}

/* Not with libcap-ng, whose state the cages' processes would inherit. */
static void reduce_own(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, data) < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
        data[i].permitted &= i == 0 ? kept : 0;
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    (void)syscall(SYS_capset, &header, data);
}

void rights_reduce(void)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    reduce_bounds();
    reduce_own();
}

void rights_act_on_files_as(uid_t uid, gid_t gid)
{
    (void)setfsgid(gid);
    (void)setfsuid(uid);
}
