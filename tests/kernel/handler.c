/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handler - stands in core_pattern before the hook, to see or to disturb what goes on.
 *
 * It is called as DIR/bin/NAME with the hook's own arguments (%P first among them, after -C FILE),
 * and starts DIR/bin/inquest-hook with them, or DIR/bin/valgrind-inquest-hook if that is there and
 * no moment counts. NAME says what it does besides:
 *
 *   log   Appends a line "PID HOOK-PID" to DIR/handed, then is the hook.
 *   tee   As log, and writes every byte the kernel sends to DIR/sent.PID, while the hook gets the
 *         same bytes through a pipe. The victim is held until the hook has ended.
 *   kill  As log, and has somebody kill the hook as DIR/kill says: "TARGET MICROSECONDS", where
 *         TARGET is parent, child or both. Appends "PID TARGET STATE" to DIR/killed: STATE is what
 *         the store named in DIR/kill's second line had of PID at that moment, while everybody was
 *         stopped: nothing, part, new or adopted. With the TARGET pause nobody is killed: a keeper
 *         does its work while everybody is stopped.
 *   first As log, but before that runs DIR/first PID TIME UID, a script of the test's, to its end:
 * it can do to the victim and to the store what somebody with bad luck or bad intentions does in
 * that moment.
 *   usage As log, and appends "PID KIB BYTES" to DIR/usage: the most memory that the hook, its
 *         worker and the keeper that it became had in use, whichever had most, and what all of them
 *         wrote to disk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

struct crash {
    char dir[PATH_MAX / 2];
    char hook[PATH_MAX];
    const char *pid; /* of the victim */
    char **argv;
};

/* The kernel closes 1 and 2: without this the next file opened would be somebody's stdout. */
static int open_high(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    close(fd);
    return high;
}

static void append_line(const struct crash *crash, const char *name, const char *line)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", crash->dir, name);
    int fd = open_high(path, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        _exit(1);
    close(fd);
}

static void say_handed(const struct crash *crash, pid_t hook)
{
    char line[64];
    snprintf(line, sizeof line, "%s %d\n", crash->pid, hook);
    append_line(crash, "handed", line);
}

static _Noreturn void be_hook(const struct crash *crash)
{
    crash->argv[0] = (char *)crash->hook;
    execv(crash->hook, crash->argv);
    _exit(127);
}

static _Noreturn void handle_log(const struct crash *crash)
{
    say_handed(crash, getpid());
    be_hook(crash);
}

static void write_all(int fd, const char *buffer, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, buffer + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            _exit(1);
        done += (size_t)n;
    }
}

/* Copies fd 0 to both until it ends. A hook that wants no more is left alone. */
static void copy_stream(int copy, int to_hook)
{
    static char buffer[BUFFER];
    bool wanted = true;
    signal(SIGPIPE, SIG_IGN);
    for (ssize_t n; (n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0;) {
        write_all(copy, buffer, (size_t)n);
        for (ssize_t done = 0; wanted && done < n;) {
            ssize_t m = write(to_hook, buffer + done, (size_t)(n - done));
            wanted = m >= 0;
            done += m;
        }
    }
}

static _Noreturn void handle_tee(const struct crash *crash)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/sent.%s", crash->dir, crash->pid);
    int copy = open_high(path, O_WRONLY | O_CREAT | O_EXCL);
    int ends[2];
    if (copy < 0 || pipe2(ends, O_CLOEXEC) < 0)
        _exit(1);
    int from_us = fcntl(ends[0], F_DUPFD_CLOEXEC, 10);
    int to_hook = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
    close(ends[0]);
    close(ends[1]);

    pid_t hook = fork();
    if (hook < 0)
        _exit(1);
    if (hook == 0) {
        dup2(from_us, STDIN_FILENO);
        be_hook(crash);
    }
    say_handed(crash, hook);
    close(from_us);
    copy_stream(copy, to_hook);
    close(to_hook);
    waitpid(hook, NULL, 0); /* fd 0 still holds the victim for it */
    _exit(0);
}

struct killing {
    char target[16];
    unsigned delay_us;
    char store[PATH_MAX / 2];
};

static bool read_killing(const struct crash *crash, struct killing *ret)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/kill", crash->dir);
    FILE *file = fopen(path, "re");
    bool whole =
        file && fscanf(file, "%15s %u %2047s", ret->target, &ret->delay_us, ret->store) == 3;
    if (file)
        fclose(file);
    return whole;
}

/* True where a file PATH below the store has `middle` in its name. */
static bool store_has(const struct killing *killing, const char *path, const char *middle)
{
    char whole[PATH_MAX];
    snprintf(whole, sizeof whole, "%s/%s", killing->store, path);
    DIR *dir = opendir(whole);
    bool found = false;
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
        found = strstr(entry->d_name, middle) != NULL;
    if (dir)
        closedir(dir);
    return found;
}

static const char *state_of(const struct killing *killing, const char *pid)
{
    char committed[64], part[64];
    snprintf(committed, sizeof committed, "-%s.core.zst", pid);
    snprintf(part, sizeof part, "-%s.core.zst.part", pid);
    if (store_has(killing, "crashes/0", committed))
        return "adopted";
    if (store_has(killing, "new", part))
        return "part";
    return store_has(killing, "new", committed) ? "new" : "nothing";
}

static pid_t first_child(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%d", &child) != 1)
        child = 0;
    if (file)
        fclose(file);
    return child;
}

static void run_keeper(const struct crash *crash)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/bin/inquest-keeper", crash->dir);
    pid_t keeper = fork();
    if (keeper == 0) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            dup2(open_high("/dev/null", O_RDWR), fd);
        execl(path, path, "-C", crash->argv[2], "--foreground", "--no-analysis", NULL);
        _exit(127);
    }
    waitpid(keeper, NULL, 0);
}

/* Stops everybody, looks, and kills whom it is told to: what was there then has to stay. */
static _Noreturn void kill_hook(const struct crash *crash, const struct killing *killing,
                                pid_t hook)
{
    usleep(killing->delay_us);
    kill(hook, SIGSTOP);
    pid_t child = first_child(hook);
    if (child > 0)
        kill(child, SIGSTOP);

    char line[128];
    snprintf(line, sizeof line, "%s %s %s %s\n", crash->pid, killing->target,
             state_of(killing, crash->pid), child > 0 ? "child" : "alone");
    append_line(crash, "killed", line);
    if (strcmp(killing->target, "pause") == 0) {
        run_keeper(crash);
        kill(child > 0 ? child : hook, SIGCONT);
        kill(hook, SIGCONT);
        _exit(0);
    }
    if (strcmp(killing->target, "child") != 0)
        kill(hook, SIGKILL);
    if (child > 0)
        kill(child, strcmp(killing->target, "parent") != 0 ? SIGKILL : SIGCONT);
    kill(hook, SIGCONT);
    _exit(0);
}

static _Noreturn void handle_kill(const struct crash *crash)
{
    struct killing killing;
    pid_t hook = getpid();
    say_handed(crash, hook);
    if (!read_killing(crash, &killing))
        _exit(1);
    pid_t between = fork();
    if (between == 0) {
        /* Once more, so that the hook has no child that it doesn't know. */
        if (fork() != 0)
            _exit(0);
        close(STDIN_FILENO);
        close(3); /* the pidfd */
        kill_hook(crash, &killing, hook);
    }
    waitpid(between, NULL, 0);
    /* LeakSanitizer's own child would be one to kill, and it waits for that one for ever. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    be_hook(crash);
}

static _Noreturn void handle_first(const struct crash *crash)
{
    enum { AFTER_CONF = 3, UID = AFTER_CONF + 4, TIME = AFTER_CONF + 7 };
    char script[PATH_MAX];
    snprintf(script, sizeof script, "%s/first", crash->dir);
    pid_t child = fork();
    if (child == 0) {
        close_range(0, ~0U, 0);
        open("/dev/null", O_RDWR);
        snprintf(script + strlen(script), 8, ".out");
        open(script, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(STDOUT_FILENO, STDERR_FILENO);
        script[strlen(script) - strlen(".out")] = '\0';
        setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
        execl("/bin/bash", "bash", script, crash->pid, crash->argv[TIME], crash->argv[UID], NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    handle_log(crash);
}

static _Noreturn void handle_usage(const struct crash *crash)
{
    struct rusage usage;
    char line[64];
    pid_t hook = fork();
    if (hook == 0)
        handle_log(crash);
    close(STDIN_FILENO);
    if (hook < 0 || wait4(hook, NULL, 0, &usage) != hook)
        _exit(1);
    snprintf(line, sizeof line, "%s %ld %ld\n", crash->pid, usage.ru_maxrss,
             usage.ru_oublock * 512);
    append_line(crash, "usage", line);
    _exit(0);
}

static const struct {
    const char *name;
    void (*handle)(const struct crash *crash);
    bool under_valgrind;
} handlers[] = {{"log", handle_log, true},
                {"tee", handle_tee, true},
                {"kill", handle_kill, false},
                {"first", handle_first, true},
                {"usage", handle_usage, false}};

static void choose_hook(struct crash *crash, bool under_valgrind)
{
    snprintf(crash->hook, sizeof crash->hook, "%s/bin/valgrind-inquest-hook", crash->dir);
    if (!under_valgrind || access(crash->hook, X_OK) < 0)
        snprintf(crash->hook, sizeof crash->hook, "%s/bin/inquest-hook", crash->dir);
}

int main(int argc, char **argv)
{
    struct crash crash = {.argv = argv};
    const char *slash = strrchr(argv[0], '/');
    if (argc < 16 || !slash || strcmp(argv[1], "-C") != 0)
        return 64;
    crash.pid = argv[3];
    int length = (int)(slash - argv[0]) - (int)strlen("/bin");
    snprintf(crash.dir, sizeof crash.dir, "%.*s", length, argv[0]);
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (strcmp(slash + 1, handlers[i].name) == 0) {
            choose_hook(&crash, handlers[i].under_valgrind);
            handlers[i].handle(&crash);
        }
    return 64;
}
