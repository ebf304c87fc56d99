/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crash - runs programs that are to die, and says how each of them died.
 *
 *   crash [-u UID] [-n COUNT] [-t SECONDS] [-0 NAME] PROGRAM [ARGUMENT…]
 *
 * Starts COUNT (1) of PROGRAM as user and group UID, with NAME as argv[0], waits until each has
 * said a line on its stdout, then ends the stdin that all of them share: victims that wait for that
 * die together. Prints for each, as it is reaped, the line it said, with what only its parent knows
 * added to it:
 *
 *   {…what the victim said…,"died_of":11,"dumped":true,"exited":null}
 *
 * Who said nothing is {"pid":PID,…}. Whoever is not dead after SECONDS (60) is killed and is
 * "hung":true: the kernel holds a process for as long as its core dump handler likes. Exits with 1
 * if one hung, 2 if one did not die of a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAID_MAX = 128 * 1024, USAGE = 64, FAILED = 70 };

struct options {
    long uid; /* -1: as it is */
    unsigned count;
    unsigned seconds;
    const char *name;
    char **argv;
};

struct victim {
    pid_t pid;
    int out;    /* its stdout */
    char *said; /* the line, without its end */
    bool hung;
};

static void fail(const char *what)
{
    fprintf(stderr, "crash: %s: %s\n", what, strerror(errno));
    exit(FAILED);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void become_victim(const struct options *options, int in, int out)
{
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        fail("dup2");
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct rlimit core = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    (void)setrlimit(RLIMIT_CORE, &core); /* a pipe ignores it, unless it is 1 */
    if (options->uid >= 0) {
        uid_t uid = (uid_t)options->uid;
        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
            fail("cannot become the victim's user");
    }
    const char *program = options->argv[0];
    if (options->name)
        options->argv[0] = (char *)options->name;
    execv(program, options->argv);
    fail(program);
}

static void start(struct victim *victim, const struct options *options, int in)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        fail("pipe");
    victim->pid = fork();
    if (victim->pid < 0)
        fail("fork");
    if (victim->pid == 0)
        become_victim(options, in, out[1]);
    close(out[1]);
    victim->out = out[0];
}

/* Reads the line that the victim says; less where it dies, or time is up, before its end. */
static void listen_to(struct victim *victim, double until)
{
    size_t size = 0;
    victim->said = calloc(1, SAID_MAX);
    if (!victim->said)
        fail("memory");
    while (size < SAID_MAX - 1) {
        struct pollfd ready = {.fd = victim->out, .events = POLLIN};
        int left = (int)((until - seconds_now()) * 1000);
        if (left <= 0 || poll(&ready, 1, left) <= 0)
            break;
        ssize_t n = read(victim->out, victim->said + size, SAID_MAX - 1 - size);
        if (n <= 0)
            break;
        size += (size_t)n;
        if (victim->said[size - 1] == '\n')
            break;
    }
    victim->said[strcspn(victim->said, "\n")] = '\0';
}

/* Prints what was said with how it ended; true if it was a signal and not a hang. */
static bool report(const struct victim *victim, int status)
{
    size_t size = strlen(victim->said);
    if (size > 1 && victim->said[0] == '{')
        printf("%.*s", (int)size - 1, victim->said);
    else
        printf("{\"pid\":%d", victim->pid);
    if (WIFSIGNALED(status))
        printf(",\"died_of\":%d,\"dumped\":%s,\"exited\":null", WTERMSIG(status),
               WCOREDUMP(status) ? "true" : "false");
    else
        printf(",\"died_of\":null,\"dumped\":false,\"exited\":%d", WEXITSTATUS(status));
    puts(victim->hung ? ",\"hung\":true}" : "}");
    return WIFSIGNALED(status) && !victim->hung;
}

static void kill_late(struct victim *victims, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (victims[i].pid > 0) {
            victims[i].hung = true;
            kill(victims[i].pid, SIGKILL);
        }
}

/* Reaps everybody; returns the exit status. */
static int reap(struct victim *victims, unsigned count, double until)
{
    int result = 0;
    for (unsigned left = count; left > 0;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0)
            fail("waitpid");
        if (pid == 0) {
            if (seconds_now() > until) {
                kill_late(victims, count);
                until += 3600;
                result |= 1;
            }
            usleep(500);
            continue;
        }
        for (unsigned i = 0; i < count; i++)
            if (victims[i].pid == pid) {
                if (!report(&victims[i], status))
                    result |= victims[i].hung ? 1 : 2;
                victims[i].pid = 0;
                left--;
            }
    }
    return result;
}

/* How many times as long as it says: lib.sh's $PATIENCE, of hooks that run under valgrind. */
static unsigned patience(void)
{
    const char *text = getenv("PATIENCE");
    unsigned times = text ? (unsigned)strtoul(text, NULL, 10) : 1;
    return times > 0 ? times : 1;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.uid = -1, .count = 1, .seconds = 60};
    for (int c; (c = getopt(argc, argv, "+u:n:t:0:")) != -1;)
        switch (c) {
        case 'u':
            options.uid = strtol(optarg, NULL, 10);
            break;
        case 'n':
            options.count = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 't':
            options.seconds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case '0':
            options.name = optarg;
            break;
        default:
            exit(USAGE);
        }
    options.argv = argv + optind;
    if (!options.argv[0] || options.count == 0)
        exit(USAGE);
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody outlives the test */
    double until = seconds_now() + options.seconds * patience();
    struct victim *victims = calloc(options.count, sizeof *victims);
    int in[2];
    if (!victims || pipe2(in, O_CLOEXEC) < 0)
        fail("cannot start");

    for (unsigned i = 0; i < options.count; i++)
        start(&victims[i], &options, in[0]);
    close(in[0]);
    for (unsigned i = 0; i < options.count; i++)
        listen_to(&victims[i], until);
    close(in[1]);

    int result = reap(victims, options.count, until);
    return fflush(stdout) == 0 ? result : FAILED;
}
