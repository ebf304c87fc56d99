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
#include <unistd.h>

#include "store/analysis_protocol.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/base/text.h"
#include "store/broker.h"
#include "store/cage.h"
#include "store/layout.h"
#include "store/programs.h"

enum {
    NOBODY = 65534,
    WORKERS = 8,        /* threads of an analyzer that work at once */
    THREADS = 32,       /* all of them: a worker may have a helper */
    GRACE_US = 2000000, /* behind its own deadline an analyzer still writes what it has */
    KILL_US = 1000000,  /* what was killed ends within, or hangs in the kernel */
};

/* What the analyzer may read, from everything to nothing but the core. */
static const char *const efforts[] = {"full", "symbols", "core"};
enum { CORE_ALONE = ARRAY_SIZE(efforts) - 1 };

static unsigned left_behind;

struct run {
    const struct analysis_options *options;
    int core;             /* read-only */
    const char *task[2];  /* options of the analyzer; the second may be NULL */
    uint64_t end_us;      /* CLOCK_MONOTONIC; the analyzer is killed then */
    int report, words;    /* read ends of the analyzer's output and of what it says of errors */
    int socket;           /* the broker's end */
    int analyzer_ends[3]; /* the other ends of these */
    pid_t analyzer, broker;
};

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

/* In the child. Moves the descriptors to where the protocol has them, the program behind them, and
 * closes all others. */
static int arrange_descriptors(const struct run *run, const char *program, struct error *error)
{
    int source[] = {
        [ANALYSIS_FD_CORE] = run->core,
        [ANALYSIS_FD_REPORT] = run->analyzer_ends[0],
        [STDERR_FILENO] = STDERR_FILENO,
        [ANALYSIS_FD_BROKER] = run->analyzer_ends[2],
        [CAGE_FD_PROGRAM] = open(program, O_PATH | O_CLOEXEC),
    };
    if (source[CAGE_FD_PROGRAM] < 0)
        return error_errno(error, errno, "open");
    for (size_t i = 0; i < ARRAY_SIZE(source); i++) {
        source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, 16); /* out of each other's way */
        if (source[i] < 0)
            return error_errno(error, errno, "descriptor %zu", i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(source); i++)
        if (dup3(source[i], (int)i, i == CAGE_FD_PROGRAM ? O_CLOEXEC : 0) < 0)
            return error_errno(error, errno, "descriptor %zu", i);
    if (close_range(CAGE_FD_PROGRAM + 1, ~0u, 0) < 0)
        return error_errno(error, errno, "close_range");
    return 0;
}

static void choose_cage(const struct run *run, uint64_t milliseconds, struct cage *ret)
{
    *ret = (struct cage){
        .drop_user = may_become_root(),
        .uid = NOBODY,
        .gid = NOBODY,
        .memory = run->options->memory,
        .cpu_seconds = milliseconds / 1000 * WORKERS + 2,
        .threads = THREADS,
    };
    if (layout_system_user(ANALYZER_USER, &ret->uid, &ret->gid) < 0)
        ret->uid = ret->gid = NOBODY;
}

/* Returns only where it fails. */
static int exec_analyzer(const struct run *run, const char *program, struct error *error)
{
    const struct analysis_options *options = run->options;
    uint64_t now = clock_now_us(), left = run->end_us > now ? (run->end_us - now) / 1000 : 0;
    char frames[32], threads[32], deadline[32];
    struct cage cage;
    snprintf(frames, sizeof(frames), "%u", options->max_frames);
    snprintf(threads, sizeof(threads), "%u", options->max_threads);
    snprintf(deadline, sizeof(deadline), "%llu", (unsigned long long)left);
    const char *arguments[] = {
        PROGRAM_ANALYZER, "--max-frames", frames,       "--max-threads", threads,
        "--deadline",     deadline,       run->task[0], run->task[1],    NULL,
    };
    /* A keeper works with the effective rights of the store's owner, and nobody but root can become
     * the analyzer's user. */
    if (may_become_root() && setresuid(0, 0, 0) < 0)
        return error_errno(error, errno, "cannot become root");
    if (nice(options->niceness) < 0)
        errno = 0; /* a courtesy: not needed */
    choose_cage(run, left, &cage);
    int r = arrange_descriptors(run, program, error);
    if (r < 0)
        return r;
    /* What /usr/local/lib is called in the cage: there, the loader does without its cache. */
    const char *const environment[] = {"LC_ALL=C.UTF-8", "LD_LIBRARY_PATH=/local/lib", NULL};
    return cage_exec(&cage, (char *const *)arguments, (char *const *)environment, error);
}

static _Noreturn void become_analyzer(const struct run *run)
{
    char program[PATH_MAX];
    struct error error = {0};
    if (!getenv("INQUEST_ANALYZER_STDERR") && dup2(run->analyzer_ends[1], STDERR_FILENO) < 0)
        _exit(ANALYZER_NOT_STARTED);
    if (program_path(PROGRAM_ANALYZER, program) < 0)
        (void)error_set(&error, ENAMETOOLONG, "the path is too long");
    else if (exec_analyzer(run, program, &error) < 0)
        error_prefix(&error, "%s", program);
    dprintf(STDERR_FILENO, "%s\n", error.text);
    _exit(ANALYZER_NOT_STARTED);
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

/* The lowest descriptor from `from` on that a broker works with, -1: none. */
static int next_needed(const struct run *run, int from)
{
    const struct analysis_options *options = run->options;
    const int some[] = {run->socket, options->root_fd, options->store_fd};
    int next = -1;
    for (size_t i = 0; i < ARRAY_SIZE(some) + options->file_count; i++) {
        int fd = i < ARRAY_SIZE(some) ? some[i] : options->files[i - ARRAY_SIZE(some)].fd;
        if (fd >= from && (next < 0 || fd < next))
            next = fd;
    }
    return next;
}

/* A lock of the caller's is held for as long as anybody has its open file, and a broker may hang
 * for longer than its caller lives. */
static void close_others(const struct run *run)
{
    int from = STDERR_FILENO + 1;
    for (int next; (next = next_needed(run, from)) >= 0; from = next + 1)
        if (next > from)
            (void)close_range((unsigned)from, (unsigned)next - 1, 0);
    (void)close_range((unsigned)from, ~0u, 0); /* there was one for the analyzer, too */
}

static _Noreturn void become_broker(const struct run *run)
{
    close_others(run);
    if (may_become_root() && !become_reader(run->options))
        _exit(1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    broker_serve(run->socket, run->options);
    _exit(0);
}

static int make_channels(struct run *run, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(error, errno, "pipe");
    run->report = ends[0];
    run->analyzer_ends[0] = ends[1];
    /* Who says too much loses the rest of it, and nobody waits. */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_errno(error, errno, "pipe");
    run->words = ends[0];
    run->analyzer_ends[1] = ends[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return error_errno(error, errno, "socketpair");
    run->socket = ends[0];
    run->analyzer_ends[2] = ends[1];
    return 0;
}

/* Who is started with it ignored cannot be told how a child ended. */
static void heed_children(void)
{
    struct sigaction now;
    if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
        (void)signal(SIGCHLD, SIG_DFL);
}

static int start(struct run *run, struct error *error)
{
    heed_children();
    int r = make_channels(run, error);
    if (r < 0)
        return r;
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
    int *ends[] = {&run->analyzer_ends[0], &run->analyzer_ends[1], &run->analyzer_ends[2],
                   &run->socket};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        cleanup_fd(ends[i]);
        *ends[i] = -1;
    }
}

/* When the analyzer is killed. */
static uint64_t analyzer_end(const struct run *run)
{
    return run->end_us + GRACE_US;
}

static uint64_t time_until(uint64_t end_us)
{
    uint64_t now = clock_now_us();
    return now < end_us ? end_us - now : 0;
}

/* Reads until the analyzer closes its end. */
static int collect(const struct run *run, struct bytes *ret, struct error *error)
{
    size_t before = ret->size;
    for (;;) {
        uint64_t left = time_until(analyzer_end(run));
        struct pollfd ready = {.fd = run->report, .events = POLLIN};
        int n = left > 0 ? poll(&ready, 1, (int)(left / 1000) + 1) : 0;
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

/* Puts what the analyzer said of its failure, its first line, behind ours. Anybody may have said
 * it. */
static int quote(const struct run *run, int code, struct error *error, const char *ours)
{
    char said[256];
    ssize_t n = read(run->words, said, sizeof(said));
    const char *end = n > 0 ? memchr(said, '\n', (size_t)n) : NULL;
    AUTO_FREE char *words =
        n > 0 ? text_printable(said, end ? (size_t)(end - said) : (size_t)n) : NULL;
    return words ? error_set(error, code, "%s: %s", ours, words)
                 : error_set(error, code, "%s", ours);
}

static int judge(const struct run *run, int status, struct error *error)
{
    char failed[64];
    if (WIFSIGNALED(status)) {
        snprintf(failed, sizeof(failed), "the analyzer was killed by signal %d", WTERMSIG(status));
        return quote(run, EIO, error, failed);
    }
    switch (WEXITSTATUS(status)) {
    case ANALYZER_DONE:
        return 0;
    case ANALYZER_NO_CORE:
        return error_set(error, EBADMSG, "this is no core file");
    case ANALYZER_NOT_STARTED:
        return quote(run, ENOEXEC, error, "the analyzer cannot be started");
    default:
        snprintf(failed, sizeof(failed), "the analyzer failed (status %d)", WEXITSTATUS(status));
        return quote(run, EIO, error, failed);
    }
}

static bool has_ended(pid_t pid)
{
    siginfo_t state = {0};
    return waitid(P_PID, (id_t)pid, &state, WEXITED | WNOHANG | WNOWAIT) == 0 && state.si_pid != 0;
}

/* False where it has not ended by then. */
static bool await_end(pid_t pid, uint64_t end_us)
{
    AUTO_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    for (uint64_t left; (left = time_until(end_us)) > 0;)
        if (poll(&ended, 1, pidfd >= 0 ? (int)(left / 1000) + 1 : 1) > 0 || has_ended(pid))
            return true;
    return has_ended(pid);
}

/* Who waits for a file server that does not answer cannot be killed, and is left to init, which
 * gets it from us: false. */
static bool end_process(pid_t pid, int *ret_status)
{
    (void)kill(pid, SIGKILL);
    if (!await_end(pid, clock_now_us() + KILL_US))
        return false;
    (void)waitpid(pid, ret_status, 0);
    return true;
}

static int finish(struct run *run, int result, struct error *error)
{
    int status = 0, brokers = 0;
    close_ends(run);
    if (run->analyzer <= 0)
        return result; /* nor is there a broker */
    bool hangs = run->broker > 0 && !end_process(run->broker, &brokers);
    /* Who has closed its report has nothing left to do, but may be none of ours. */
    if (result == 0 && !await_end(run->analyzer, analyzer_end(run)))
        result = error_set(error, ETIME, "the analyzer did not end in time");
    hangs |= !end_process(run->analyzer, &status);
    left_behind += hangs;
    if (result < 0 && hangs)
        error_prefix(error, "a file server does not answer");
    return result < 0 ? result : judge(run, status, error);
}

static void close_outputs(struct run *run)
{
    cleanup_fd(&run->report);
    cleanup_fd(&run->words);
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
    close_outputs(run);
    if (r < 0 && ret_report->data) {
        ret_report->size = before;
        ret_report->data[before] = '\0';
    }
    return r;
}

static void prepare(struct run *run, const struct analysis_options *options, int core,
                    uint64_t end_us)
{
    *run = (struct run){
        .options = options,
        .core = core,
        .end_us = end_us,
        .report = -1,
        .words = -1,
        .socket = -1,
        .analyzer_ends = {-1, -1, -1},
    };
}

int analysis_inflate(int debug_fd, const struct analysis_options *options, struct bytes *ret,
                     struct error *error)
{
    struct run run;
    AUTO_FD int input = reopen_read_only(debug_fd);
    if (input < 0)
        return error_errno(error, errno, "cannot hand the file to the analyzer");
    prepare(&run, options, input, clock_now_us() + options->deadline_us);
    run.task[0] = "--inflate";
    return run_once(&run, ret, error);
}

int analysis_run(int core_fd, const struct analysis_options *options, struct bytes *ret_report,
                 struct error *error)
{
    AUTO_FD int core = reopen_read_only(core_fd);
    if (core < 0)
        return error_errno(error, errno, "cannot hand the core to the analyzer");
    uint64_t end_us = clock_now_us() + options->deadline_us;
    unsigned before = left_behind;
    int r = 0;
    for (size_t i = options->core_only ? CORE_ALONE : 0; i < ARRAY_SIZE(efforts); i++) {
        struct run run;
        prepare(&run, options, core, end_us);
        run.task[0] = "--effort";
        run.task[1] = efforts[i];
        r = run_once(&run, ret_report, error);
        if (i == CORE_ALONE || (r != -ETIME && r != -EIO))
            break;
        /* Killed by its deadline, it gets a second one, short. */
        if (r == -ETIME)
            end_us = clock_now_us() + options->deadline_us / 4;
        /* Without files then, as where one hung, which would again. */
        if (r == -ETIME || left_behind > before)
            i = CORE_ALONE - 1;
    }
    return r;
}

unsigned analysis_left_behind(void)
{
    return left_behind;
}
