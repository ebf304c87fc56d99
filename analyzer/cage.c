/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cage.c - takes away everything the analyzer doesn't need. */
#include "config.h"

#include "analyzer/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/cleanup.h"

static int drop_user(const struct cage *cage, struct error *error)
{
    if (setgroups(0, NULL) < 0 || setresgid(cage->gid, cage->gid, cage->gid) < 0 ||
        setresuid(cage->uid, cage->uid, cage->uid) < 0)
        return error_errno(error, errno, "cannot become user %u", cage->uid);
    if (setuid(0) == 0)
        return error_set(error, EPERM, "could become root again");
    return 0;
}

#ifndef INQUEST_SANITIZED

static int limit(int resource, rlim_t value, struct error *error)
{
    struct rlimit limits = {.rlim_cur = value, .rlim_max = value};
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max < value)
        return 0; /* tighter already */
    return setrlimit(resource, &limits) < 0 ? error_errno(error, errno, "setrlimit") : 0;
}

static int set_limits(const struct cage *cage, struct error *error)
{
    /* Mapped files don't count as data: address space is bounded apart, debug files are large. */
    const rlim_t files_room = 64ull << 30;
    int r = limit(RLIMIT_DATA, cage->memory, error);
    if (r == 0)
        r = limit(RLIMIT_AS, cage->memory + files_room, error);
    if (r == 0)
        r = limit(RLIMIT_CPU, cage->cpu_seconds, error);
    if (r == 0)
        r = limit(RLIMIT_CORE, 0, error);
    return r == 0 ? limit(RLIMIT_FSIZE, 1ull << 30, error) : r; /* memfds, the report */
}

/* Nothing in the file system, where the kernel has Landlock (5.13). seccomp forbids it, too. */
static void forbid_files(void)
{
    struct landlock_ruleset_attr rules = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                             LANDLOCK_ACCESS_FS_MAKE_SYM,
    };
    AUTO_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
    if (ruleset >= 0)
        (void)syscall(SYS_landlock_restrict_self, ruleset, 0); /* a second wall, not the only one */
}

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(fcntl),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sysinfo),
};

/* Whatever is not listed fails with EPERM: libraries go on without it. */
static int filter_calls(struct error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return error_set(error, ENOMEM, "seccomp");
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    /* Threads, not processes; glibc falls back from clone3, whose flags cannot be looked at. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (r == 0)
        r = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
    /* fstat(), not stat(). */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                             SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
    /* New memory is never code. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* To itself alone: abort(). */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? error_errno(error, -r, "seccomp") : 0;
}

#endif

int cage_enter(const struct cage *cage, struct error *error)
{
    int r = cage->drop_user ? drop_user(cage, error) : 0;
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(error, errno, "no_new_privs");
    (void)prctl(PR_SET_DUMPABLE, 0); /* its memory holds somebody else's */
#ifndef INQUEST_SANITIZED
    r = set_limits(cage, error);
    if (r < 0)
        return r;
    forbid_files();
    r = filter_calls(error);
#endif
    return r;
}
