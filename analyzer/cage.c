/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cage.c - closes the door behind the analyzer. */
#include "config.h"

#include "analyzer/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "store/base/cleanup.h"

#ifdef INQUEST_SANITIZED /* sanitizers look into /proc and more, whenever they like */
#define IS_COMPLETE false
#else
#define IS_COMPLETE true
#endif

/* What the wall around lets through for the sake of the loader, of libc's start, or of this file.
 */
static const int forbidden[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),          SCMP_SYS(execve),    SCMP_SYS(execveat),
    SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(prlimit64), SCMP_SYS(prctl),
    SCMP_SYS(getsockopt), SCMP_SYS(seccomp),
};

static int add_rules(scmp_filter_ctx filter)
{
    const uint32_t no = SCMP_ACT_ERRNO(EPERM);
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(forbidden); i++)
        r = seccomp_rule_add(filter, no, forbidden[i], 0);
    /* fstat(), not stat(). */
    if (r == 0)
        r = seccomp_rule_add(filter, no, SCMP_SYS(newfstatat), 1,
                             SCMP_A3(SCMP_CMP_NE, AT_EMPTY_PATH));
    /* New memory is never code. */
    if (r == 0)
        r = seccomp_rule_add(filter, no, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    if (r == 0)
        r = seccomp_rule_add(filter, no, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    return r;
}

int cage_close(struct error *error)
{
    (void)prctl(PR_SET_NAME, PACKAGE_TARNAME "-analyzer"); /* older kernels call it "4" */
    (void)prctl(PR_SET_DUMPABLE, 0);                       /* its memory holds somebody else's */
    scmp_filter_ctx filter = IS_COMPLETE ? seccomp_init(SCMP_ACT_ALLOW) : NULL;
    if (!IS_COMPLETE)
        return 0;
    int r = filter ? add_rules(filter) : -ENOMEM;
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? error_errno(error, -r, "cannot filter system calls") : 0;
}
