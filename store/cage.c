/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cage.c - starts a program that is trusted with nothing. */
#include <config.h>

#include "store/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/cleanup.h"

/* Of merged /usr, all that a loader needs is in here, and nothing that is anybody's secret. */
#define OWN_ROOT "/usr"

/* Sanitizers and valgrind do not live with limits, filters and without /proc. */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define UNDER_VALGRIND RUNNING_ON_VALGRIND
#else
#define UNDER_VALGRIND 0
#endif
#ifdef INQUEST_SANITIZED
#define IS_COMPLETE false
#else
#define IS_COMPLETE (UNDER_VALGRIND == 0)
#endif

enum {
    NOBODY = 65534,
    EMPTY_PATH = 0xf0000, /* where exec finds its path, and nothing ever lies again */
    MEMORY_START = 0x100000,
};

/* ---- user and limits ---- */

static int drop_user(const struct cage *cage, struct error *error)
{
    if (setgroups(0, NULL) < 0 || setresgid(cage->gid, cage->gid, cage->gid) < 0 ||
        setresuid(cage->uid, cage->uid, cage->uid) < 0)
        return error_errno(error, errno, "cannot become user %u", cage->uid);
    if (setuid(0) == 0)
        return error_set(error, EPERM, "could become root again");
    return 0;
}

/* Also those over a user namespace of its own, and what a user's session handed down. */
static int drop_rights(struct error *error)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capset, &header, none) < 0)
        return error_errno(error, errno, "cannot give up capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_errno(error, errno, "no_new_privs");
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* best effort: the deadline ends it, too */
    return 0;
}

static int set_limit(int resource, rlim_t value, struct error *error)
{
    struct rlimit now;
    if (getrlimit(resource, &now) < 0)
        return error_errno(error, errno, "getrlimit");
    if (now.rlim_max < value)
        value = now.rlim_max;
    now = (struct rlimit){.rlim_cur = value, .rlim_max = value};
    return setrlimit(resource, &now) < 0 ? error_errno(error, errno, "setrlimit") : 0;
}

static int set_limits(const struct cage *cage, struct error *error)
{
    /* Mapped files don't count as data: address space is bounded apart, debug files are large. */
    const rlim_t files_room = 64ull << 30;
    const struct {
        int resource;
        rlim_t value;
    } limits[] = {
        {RLIMIT_DATA, cage->memory},
        {RLIMIT_AS, cage->memory + files_room},
        {RLIMIT_STACK, 8u << 20},
        {RLIMIT_CPU, cage->cpu_seconds},
        {RLIMIT_CORE, 1},         /* 0 would be no limit for a handler: us */
        {RLIMIT_FSIZE, 1u << 20}, /* what it says, where that goes to a file */
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(limits); i++)
        r = set_limit(limits[i].resource, limits[i].value, error);
    return r;
}

/* Whether a limit of threads is a user namespace's own, which cannot be seen but in the version. */
static bool counts_by_namespace(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 14));
}

/*
 * The kernel counts by user and, since Linux 5.14, by user namespace: this cage's own. Elsewhere
 * all of that user's count: his own processes, which would leave none, or all cages at once, in
 * which an analyzer that gets no more threads does with those it has.
 */
static int limit_threads(const struct cage *cage, const struct cage_walls *walls,
                         struct error *error)
{
    return cage->drop_user || walls->threads ? set_limit(RLIMIT_NPROC, cage->threads, error) : 0;
}

/* ---- what can be read and executed ---- */

static int take_interpreter(struct dl_phdr_info *program, size_t size, void *ret)
{
    (void)size;
    for (size_t i = 0; i < program->dlpi_phnum; i++)
        if (program->dlpi_phdr[i].p_type == PT_INTERP)
            *(const char **)ret =
                (const char *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr); // NOLINT
    return 1; /* the first is the program itself */
}

/* The loader of this program is that of the other: they come from one build. NULL: static. */
static const char *find_interpreter(void)
{
    const char *interpreter = NULL;
    dl_iterate_phdr(take_interpreter, &interpreter);
    return interpreter;
}

static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

static void allow_beneath(int ruleset, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    if (fd >= 0) /* what isn't there needs no rule */
        (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* All that the kernel's version of Landlock knows, by its bits: headers may be older. */
static int forbid_all(int version)
{
    static const unsigned file_rights[] = {0, 13, 14, 15, 15, 16};
    const size_t last = ARRAY_SIZE(file_rights) - 1;
    const struct {
        uint64_t files, network, scopes;
    } rules = {
        .files = (1ull << file_rights[(size_t)version < last ? (size_t)version : last]) - 1,
        .network = version >= 4 ? 3 : 0, /* TCP: bind, connect */
        .scopes = version >= 6 ? 3 : 0,  /* abstract sockets, signals */
    };
    return (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
}

/* Programs and libraries can be read, and what can be executed is this program. -1: no Landlock. */
static int make_ruleset(void)
{
    static const char *const readable[] = {"/usr",   "/lib",    "/lib32",
                                           "/lib64", "/libx32", "/etc/ld.so.cache"};
    const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE;
    int version = landlock_version(), ruleset = version > 0 ? forbid_all(version) : -1;
    if (ruleset < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
        AUTO_FD int fd = open(readable[i], O_PATH | O_CLOEXEC);
        allow_beneath(ruleset, fd, read);
    }
    const char *interpreter = find_interpreter();
    AUTO_FD int loader = interpreter ? open(interpreter, O_PATH | O_CLOEXEC) : -1;
    allow_beneath(ruleset, loader, read | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_beneath(ruleset, CAGE_FD_PROGRAM, read | LANDLOCK_ACCESS_FS_EXECUTE);
    return ruleset;
}

static bool is_same(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Whether the loader finds itself and its libraries by the same names in there. */
static bool is_root_enough(void)
{
    const char *interpreter = find_interpreter();
    char inside[PATH_MAX];
    snprintf(inside, sizeof(inside), OWN_ROOT "%s", interpreter ? interpreter : "/");
    return is_same("/lib", OWN_ROOT "/lib") && is_same(interpreter ? interpreter : "/lib", inside);
}

/* A root and a network of its own, by a user namespace in which it is nobody: no id is mapped. */
static void enter_namespaces(struct cage_walls *ret)
{
    ret->network = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!ret->network && unshare(CLONE_NEWUSER) < 0)
        return;
    ret->threads = counts_by_namespace();
    ret->root = is_root_enough() && chroot(OWN_ROOT) == 0 && chdir("/") == 0;
}

/* Of programs, the filter can tell only by number which one is executed, not by path: with this
 * path, at this address, it is the one at CAGE_FD_PROGRAM. Exec unmaps it. */
static const char *map_empty_path(void)
{
    void *page = mmap((void *)EMPTY_PATH, 1, PROT_READ, // NOLINT(performance-no-int-to-ptr)
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return page != MAP_FAILED ? page : NULL;
}

/* ---- system calls ---- */

struct rule {
    int call;
    struct scmp_arg_cmp when[3]; /* all of them; one without an operation is none */
};

#define CALL(name)                .call = SCMP_SYS(name)
#define WHEN(...)                 .when = {__VA_ARGS__}
#define IS(number, value)         SCMP_CMP(number, SCMP_CMP_EQ, value)
#define AT_LEAST(number, value)   SCMP_CMP(number, SCMP_CMP_GE, value)
#define HAS(number, mask, value)  SCMP_CMP(number, SCMP_CMP_MASKED_EQ, mask, value)
#define NOTHING_BUT(number, bits) HAS(number, 0xffffffffu & ~(scmp_datum_t)(bits), 0)

#define READ_ONLY                 (O_RDONLY | O_CLOEXEC | O_LARGEFILE)
/* Shared memory is bounded by nothing, and what grows down may come to lie anywhere. */
#define IS_ORDINARY HAS(3, MAP_TYPE | MAP_GROWSDOWN, MAP_PRIVATE)
#define IS_ANYWHERE HAS(3, MAP_TYPE | MAP_GROWSDOWN | MAP_FIXED | MAP_FIXED_NOREPLACE, MAP_PRIVATE)

static const struct rule rules[] = {
    {CALL(read)},
    {CALL(pread64)},
    {CALL(write)},
    {CALL(writev)},
    {CALL(readv)},
    {CALL(lseek)},
    {CALL(close)},
    {CALL(fstat)},
    {CALL(newfstatat)},
    {CALL(munmap)},
    {CALL(mprotect)},
    {CALL(madvise)},
    {CALL(brk)},
    {CALL(recvmsg)},
    {CALL(futex)},
    {CALL(set_robust_list)},
    {CALL(set_tid_address)},
    {CALL(arch_prctl)},
    {CALL(rseq)},
    {CALL(sched_yield)},
    {CALL(sched_getaffinity)},
    {CALL(gettid)},
    {CALL(getpid)},
    {CALL(getrandom)},
    {CALL(clock_gettime)},
    {CALL(rt_sigaction)},
    {CALL(rt_sigprocmask)},
    {CALL(rt_sigreturn)},
    {CALL(sigaltstack)},
    {CALL(exit)},
    {CALL(exit_group)},
    {CALL(restart_syscall)},
    {CALL(sysinfo)},
    {CALL(seccomp)},                /* for more of the same */
    {CALL(sendto), WHEN(IS(4, 0))}, /* by the socket it has, and no descriptors */
    {CALL(getsockopt), WHEN(IS(1, SOL_SOCKET), IS(2, SO_TYPE))},
    {CALL(openat), WHEN(NOTHING_BUT(2, READ_ONLY))},
    {CALL(open), WHEN(NOTHING_BUT(1, READ_ONLY))},
    {CALL(mmap), WHEN(IS(0, 0), IS_ANYWHERE)},
    {CALL(mmap), WHEN(AT_LEAST(0, MEMORY_START), IS_ORDINARY)},
    {CALL(mremap), WHEN(NOTHING_BUT(3, MREMAP_MAYMOVE))},
    {CALL(clone), WHEN(HAS(0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM))},
    /* Not F_SETOWN and the like, which send signals, nor locks, which others wait for. */
    {CALL(fcntl), WHEN(IS(1, F_GETFD))},
    {CALL(fcntl), WHEN(IS(1, F_SETFD))},
    {CALL(fcntl), WHEN(IS(1, F_GETFL))},
    {CALL(fcntl), WHEN(IS(1, F_DUPFD_CLOEXEC))},
    {CALL(prctl), WHEN(IS(0, PR_SET_NO_NEW_PRIVS))},
    {CALL(prctl), WHEN(IS(0, PR_SET_DUMPABLE))},
    {CALL(prctl), WHEN(IS(0, PR_SET_NAME))},
    {CALL(prlimit64), WHEN(IS(0, 0), IS(2, 0))}, /* to read its own */
    /* Once: exec takes away what lies at that address, and mmap puts nothing there. */
    {CALL(execveat), WHEN(IS(0, CAGE_FD_PROGRAM), IS(1, EMPTY_PATH), IS(4, AT_EMPTY_PATH))},
};

static int add_rule(scmp_filter_ctx filter, const struct rule *rule)
{
    unsigned count = 0;
    while (count < ARRAY_SIZE(rule->when) && rule->when[count].op != 0)
        count++;
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule->call, count, rule->when);
}

/* What is not listed fails with EPERM: libraries go on without it. */
static int add_rules(scmp_filter_ctx filter)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rules); i++)
        r = add_rule(filter, &rules[i]);
    /* To itself alone: abort(). */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    /* glibc then makes threads by clone(), whose flags can be looked at. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return r;
}

static int filter_calls(struct error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r = filter ? add_rules(filter) : -ENOMEM;
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r < 0 ? error_errno(error, -r, "cannot filter system calls") : 0;
}

static int build_walls(const struct cage *cage, const struct cage_walls *walls, int ruleset,
                       struct error *error)
{
    int r = set_limits(cage, error);
    if (r == 0)
        r = limit_threads(cage, walls, error);
    if (r < 0)
        return r;
    if (ruleset >= 0)
        (void)syscall(SYS_landlock_restrict_self, ruleset, 0); /* it is not alone */
    return filter_calls(error);
}

int cage_exec(const struct cage *cage, char *const arguments[], char *const environment[],
              struct error *error)
{
    struct cage_walls walls = {0};
    AUTO_FD int ruleset = IS_COMPLETE ? make_ruleset() : -1; /* some paths are out of sight soon */
    int r = cage->drop_user ? drop_user(cage, error) : 0;
    if (r < 0)
        return r;
    if (IS_COMPLETE)
        enter_namespaces(&walls);
    const char *empty = map_empty_path();
    if (!empty)
        return error_errno(error, errno, "no memory at %#x", EMPTY_PATH);
    r = drop_rights(error);
    if (r == 0 && IS_COMPLETE)
        r = build_walls(cage, &walls, ruleset, error);
    if (r < 0)
        return r;
    syscall(SYS_execveat, CAGE_FD_PROGRAM, empty, arguments, environment, AT_EMPTY_PATH);
    return error_errno(error, errno, "exec");
}

void cage_probe(struct cage_walls *ret)
{
    enum { HAS_ROOT = 1, HAS_NETWORK = 2, HAS_THREADS = 4 };
    *ret = (struct cage_walls){.landlock = landlock_version()};
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
            _exit(0);
        enter_namespaces(ret);
        _exit((ret->root ? HAS_ROOT : 0) | (ret->network ? HAS_NETWORK : 0) |
              (ret->threads ? HAS_THREADS : 0));
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
        return;
    ret->root = WEXITSTATUS(status) & HAS_ROOT;
    ret->network = WEXITSTATUS(status) & HAS_NETWORK;
    ret->threads = WEXITSTATUS(status) & HAS_THREADS;
}
