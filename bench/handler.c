/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handler - stands in core_pattern before the handler that is measured, and says what it took.
 *
 *   |DIR/handler NAME PID [ARGUMENT…]
 *
 * Runs DIR/NAME ARGUMENT… with the kernel's descriptors as they are ("drain" is this program again:
 * it reads to nowhere), in real time where DIR/realtime exists, waits for it and all that it waits
 * for, and appends to DIR/handler.log:
 *
 *   NAME PID ENDED-AT-S STATUS USER-S SYSTEM-S MAXRSS-KIB BLOCKS-WRITTEN
 */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int drain(void)
{
    static char buffer[64 * 1024];
    while (read(STDIN_FILENO, buffer, sizeof buffer) > 0)
        ;
    return 0;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void say(const char *dir, char **argv, int status, const struct rusage *usage)
{
    char path[PATH_MAX + 64], line[512];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(path, sizeof path, "%s/handler.log", dir);
    int length =
        snprintf(line, sizeof line, "%s %s %.6f %d %.4f %.4f %ld %ld\n", argv[1], argv[2],
                 (double)now.tv_sec + (double)now.tv_nsec / 1e9, status, seconds(usage->ru_utime),
                 seconds(usage->ru_stime), usage->ru_maxrss, usage->ru_oublock);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        _exit(1);
}

int main(int argc, char **argv)
{
    char dir[PATH_MAX], path[PATH_MAX + 64], realtime[PATH_MAX + 16];
    struct rusage usage;
    int status;

    if (strcmp(argv[0], "drain") == 0)
        return drain();
    char *slash = strrchr(argv[0], '/');
    if (argc < 3 || !slash)
        return 64;
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - argv[0]), argv[0]);
    snprintf(path, sizeof path, "%s/%s", dir, argv[1]);
    snprintf(realtime, sizeof realtime, "%s/realtime", dir);
    if (access(realtime, F_OK) == 0) /* other load on the machine must not count */
        sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 10});
    pid_t child = fork();
    if (child == 0) {
        if (strcmp(argv[1], "drain") == 0) /* a program of its own, as the others are */
            execl(argv[0], "drain", (char *)NULL);
        if (getenv("LISTEN_FDS")) { /* sd_listen_fds(3) checks whom they are for */
            char pid[16];
            snprintf(pid, sizeof pid, "%d", getpid());
            setenv("LISTEN_PID", pid, 1);
        }
        execv(path, argv + 2);
        _exit(127);
    }
    close(STDIN_FILENO); /* the victim goes when the child lets go */
    close(3);            /* the pidfd, or the connection of a socket-activated one */
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return 1;
    for (int fd; (fd = open("/dev/null", O_RDWR)) >= 0 && fd < 3;)
        ;
    say(dir, argv, status, &usage);
    return 0;
}
