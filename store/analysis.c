/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analysis.c - runs inquest-analyzer with a broker beside it and collects its report. */
#include "store/analysis.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/analysis_protocol.h"
#include "store/base/cleanup.h"
#include "store/broker.h"
#include "store/layout.h"
#include "store/programs.h"

enum {
    NOBODY = 65534,
    MAX_ARGUMENTS = 20,
    GRACE_US = 2000000, /* behind its own deadline an analyzer still writes what it has */
};

/* What the analyzer may read, from everything to nothing but the core. */
static const char *const efforts[] = {"full", "symbols", "core"};

struct run {
    const struct analysis_options *options;
    int core;             /* read-only */
    const char *effort;   /* one of `efforts` */
    uint64_t end_us;      /* CLOCK_MONOTONIC; the analyzer is killed then */
    int report;           /* the pipe's read end */
    int socket;           /* the broker's end */
    int analyzer_ends[2]; /* pipe's write end, socket: the analyzer's */
    pid_t analyzer, broker;
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A descriptor that cannot be written through, whatever the caller opened. */
static int reopen_read_only(int fd)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    int copy = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return copy >= 0 ? copy : fcntl(fd, F_DUPFD_CLOEXEC, 3); /* a sealed memfd, no /proc */
}

static bool may_become_root(void)
{
    uid_t real = 0, effective = 0, saved = 0;
    return getresuid(&real, &effective, &saved) == 0 && (!real || !effective || !saved);
}

/* The analyzer drops to this user itself: as root it can be executed wherever it lies. */
static void format_user(char *text, size_t size)
{
    uid_t uid = NOBODY;
    gid_t gid = NOBODY;
    if (layout_system_user(ANALYZER_USER, &uid, &gid) < 0) {
        uid = NOBODY;
        gid = NOBODY;
    }
    snprintf(text, size, "%u:%u", uid, gid);
}

/* In the child. Moves the descriptors to where the protocol has them and closes all others. */
static int arrange_descriptors(const struct run *run)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    int source[] = {run->core, run->analyzer_ends[0], nothing, run->analyzer_ends[1]};
    for (size_t i = 0; i < ARRAY_SIZE(source); i++) {
        source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, 16); /* out of each other's way */
        if (source[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < ARRAY_SIZE(source); i++) {
        if (i == STDERR_FILENO && getenv("INQUEST_ANALYZER_STDERR"))
            continue;
        if (dup2(source[i], (int)i) < 0)
            return -errno;
    }
    return close_range(4, ~0u, 0) < 0 ? -errno : 0;
}

static _Noreturn void become_analyzer(const struct run *run)
{
    char path[PATH_MAX], frames[32], threads[32], deadline[32], memory[32], user[32];
    const struct analysis_options *options = run->options;
    uint64_t now = now_us(), left = run->end_us > now ? run->end_us - now : 0;
    snprintf(frames, sizeof(frames), "%u", options->max_frames);
    snprintf(threads, sizeof(threads), "%u", options->max_threads);
    snprintf(deadline, sizeof(deadline), "%llu", (unsigned long long)(left / 1000));
    snprintf(memory, sizeof(memory), "%llu", (unsigned long long)options->memory);
    format_user(user, sizeof(user));
    const char *arguments[MAX_ARGUMENTS] = {
        PROGRAM_ANALYZER, "--effort", run->effort, "--max-frames", frames,
        "--max-threads",  threads,    "--memory",  memory,         "--deadline",
        deadline,         "--user",   user,
    };
    if (!may_become_root())
        arguments[11] = NULL; /* --user */
    /* A keeper works with the effective rights of the store's owner, but exec would make them all
     * there is, and nobody but root can become the analyzer's user. */
    if (may_become_root() && setresuid(0, 0, 0) < 0)
        _exit(127);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* best effort: the deadline ends it too */
    if (nice(options->niceness) < 0)
        errno = 0; /* a courtesy: not needed */
    if (program_path(PROGRAM_ANALYZER, path) == 0 && arrange_descriptors(run) == 0)
        execve(path, (char *const *)arguments, (char *[]){(char[]){"LC_ALL=C.UTF-8"}, NULL});
    _exit(127);
}

/*
 * Root's broker is the store's user, with the right to read everything. For a crash that a user may
 * read, it is that user where files are opened, and takes its right for the store's own copies only
 * (broker.c). Not as uid 0, which even without capabilities may write to all that root owns.
 */
static bool become_reader(const struct analysis_options *options)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    bool is_for_user = options->reader_uid >= 0;
    uid_t uid;
    gid_t gid;
    if (layout_system_user(INQUEST_USER, &uid, &gid) < 0 || uid == 0) {
        uid = NOBODY;
        gid = NOBODY;
    }
    uid_t reader = is_for_user ? (uid_t)options->reader_uid : uid;
    gid_t group = is_for_user ? options->reader_gid : gid;
    data[0].permitted = 1u << CAP_DAC_READ_SEARCH;
    data[0].effective = is_for_user ? 0 : data[0].permitted;
    return setresuid(0, 0, 0) == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 &&
           setgroups(0, NULL) == 0 && setresgid(gid, group, gid) == 0 &&
           setresuid(uid, reader, uid) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &header, data) == 0;
}

static _Noreturn void become_broker(const struct run *run)
{
    if (may_become_root() && !become_reader(run->options))
        _exit(1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(run->analyzer_ends[0]);
    close(run->analyzer_ends[1]);
    close(run->report);
    broker_serve(run->socket, run->options);
    _exit(0);
}

static int start(struct run *run, struct error *error)
{
    int pipe_fds[2], sockets[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_errno(error, errno, "pipe");
    run->report = pipe_fds[0];
    run->analyzer_ends[0] = pipe_fds[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_errno(error, errno, "socketpair");
    run->socket = sockets[0];
    run->analyzer_ends[1] = sockets[1];

    run->analyzer = fork();
    if (run->analyzer == 0)
        become_analyzer(run);
    run->broker = run->analyzer > 0 ? fork() : -1;
    if (run->broker == 0)
        become_broker(run);
    if (run->broker < 0)
        return error_errno(error, errno, "fork");
    return 0;
}

static void close_ends(struct run *run)
{
    int *ends[] = {&run->analyzer_ends[0], &run->analyzer_ends[1], &run->socket};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        cleanup_fd(ends[i]);
        *ends[i] = -1;
    }
}

/* Reads until the analyzer closes its end. */
static int collect(const struct run *run, struct bytes *ret, struct error *error)
{
    size_t before = ret->size;
    for (;;) {
        uint64_t now = now_us();
        uint64_t end = run->end_us + GRACE_US;
        struct pollfd ready = {.fd = run->report, .events = POLLIN};
        int n = now < end ? poll(&ready, 1, (int)((end - now) / 1000) + 1) : 0;
        if (n < 0 && errno != EINTR)
            return error_errno(error, errno, "poll");
        if (n == 0)
            return error_set(error, ETIME, "the analyzer did not finish in time");
        if (n < 0)
            continue;
        if (bytes_reserve(ret, 65536) < 0)
            return error_set(error, ENOMEM, "no memory for the report");
        ssize_t got = read(run->report, ret->data + ret->size, 65536);
        if (got < 0 && errno != EINTR)
            return error_errno(error, errno, "read from the analyzer");
        if (got == 0)
            return 0;
        if (got < 0)
            continue;
        ret->size += (size_t)got;
        ret->data[ret->size] = '\0';
        if (ret->size - before > run->options->max_report)
            return error_set(error, EFBIG, "the report is larger than %zu bytes",
                             run->options->max_report);
    }
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

static int finish(struct run *run, int result, struct error *error)
{
    cleanup_fd(&run->report);
    close_ends(run);
    if (run->broker > 0) {
        (void)kill(run->broker, SIGKILL); /* it may hang in a file server */
        (void)wait_for(run->broker);
    }
    if (run->analyzer <= 0)
        return result;
    if (result < 0)
        (void)kill(run->analyzer, SIGKILL);
    int status = wait_for(run->analyzer);
    if (result < 0)
        return result;
    if (WIFSIGNALED(status))
        return error_set(error, EIO, "the analyzer was killed by signal %d", WTERMSIG(status));
    switch (WEXITSTATUS(status)) {
    case ANALYZER_DONE:
        return 0;
    case ANALYZER_NO_CORE:
        return error_set(error, EBADMSG, "this is no core file");
    default:
        return error_set(error, EIO, "the analyzer failed (status %d)", WEXITSTATUS(status));
    }
}

static int run_once(struct run *run, struct bytes *ret_report, struct error *error)
{
    size_t before = ret_report->size;
    int r = start(run, error);
    if (r == 0) {
        close_ends(run);
        r = collect(run, ret_report, error);
    }
    r = finish(run, r, error);
    if (r < 0 && ret_report->data) {
        ret_report->size = before;
        ret_report->data[before] = '\0';
    }
    return r;
}

int analysis_run(int core_fd, const struct analysis_options *options, struct bytes *ret_report,
                 struct error *error)
{
    AUTO_FD int core = reopen_read_only(core_fd);
    if (core < 0)
        return error_errno(error, errno, "cannot hand the core to the analyzer");
    uint64_t end_us = now_us() + options->deadline_us;
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(efforts); i++) {
        struct run run = {
            .options = options,
            .core = core,
            .effort = efforts[i],
            .end_us = end_us,
            .report = -1,
            .socket = -1,
            .analyzer_ends = {-1, -1},
        };
        r = run_once(&run, ret_report, error);
        /* Killed by its deadline, it gets a second one, short and without files. */
        if (r == -ETIME && i + 1 < ARRAY_SIZE(efforts)) {
            i = ARRAY_SIZE(efforts) - 2;
            end_us = now_us() + options->deadline_us / 4;
        } else if (r != -EIO) {
            break;
        }
    }
    return r;
}
