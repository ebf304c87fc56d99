/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cage.c - an ordinary user without capabilities, and few system calls. */
#include "hook/cage.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config.h"
#include "store/base/cleanup.h"

#ifndef PAGEMAP_SCAN /* linux/fs.h before 6.7 */
#define PAGEMAP_SCAN _IOC(_IOC_READ | _IOC_WRITE, 'f', 16, 96)
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* What reading, compressing, writing and threads need. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat64),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(ftruncate),
    SCMP_SYS(ftruncate64),
    SCMP_SYS(fallocate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(mmap),
    SCMP_SYS(mmap2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sysinfo),
    SCMP_SYS(membarrier),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(setpriority),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(flock),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static int allow_all(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Calls that are allowed for one purpose only. */
static int allow_some(scmp_filter_ctx filter)
{
    int r = seccomp_rule_add(
        filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
        SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_EQ, PAGEMAP_SCAN));
    if (r == 0) /* glibc names the stacks of threads */
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                             SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
    return r;
}

/* ENOSYS and not a kill for all else: libraries then try something older, which is never a way
 * out, and a core is not lost because of a new libc. clone3() goes that way, too. */
static int load_filter(void)
{
#ifdef INQUEST_SANITIZED /* the sanitizers' own threads and reports need more */
    return 0;
#endif
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return -ENOMEM;
    int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* set already */
    if (r == 0)
        r = allow_all(filter);
    if (r == 0)
        r = allow_some(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

/* Once, in this order: each step needs the rights that a later one gives up. */
static int drop_privileges(uid_t uid, gid_t gid)
{
    capng_clear(CAPNG_SELECT_ALL);
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
        return -EPERM;
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    if (capng_apply(CAPNG_SELECT_ALL) != 0)
        return -EPERM;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return -errno;
    return 0;
}

static int check_dropped(uid_t uid, gid_t gid)
{
    uid_t ids[3];
    gid_t groups[3];

    if (getresuid(&ids[0], &ids[1], &ids[2]) < 0 ||
        getresgid(&groups[0], &groups[1], &groups[2]) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        if (ids[i] != uid || groups[i] != gid)
            return -EPERM;
    capng_get_caps_process();
    return capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE ? 0 : -EPERM;
}

int cage_enter(uid_t uid, gid_t gid, struct error *error)
{
    int r = drop_privileges(uid, gid);
    if (r == 0)
        r = check_dropped(uid, gid);
    if (r < 0)
        return error_errno(error, -r, "cannot give up privileges");
    r = load_filter();
    return r < 0 ? error_errno(error, -r, "cannot filter system calls") : 0;
}
