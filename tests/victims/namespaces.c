/* SPDX-License-Identifier: GPL-2.0-or-later */
/* namespaces - dies in a new pid, user and mount namespace, as process 2 and as its root. */
#include "tests/victims/victim.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    victim_needs(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(fd);
}

static void become_root_inside(uid_t uid, gid_t gid)
{
    char map[64];
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_text("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_text("/proc/self/gid_map", map);
}

/* The first process of the namespaces reaps the second, which is the one that dies. */
static int be_first(void)
{
    if (fork() == 0) {
        char byte;
        victim_needs(read(STDIN_FILENO, &byte, 1) >= 0, "standard input");
        victim_faults(SIGSEGV);
    }
    int status;
    wait(&status);
    return WIFSIGNALED(status) ? 0 : 1;
}

/* Enters the namespaces; its child is the first process there. */
static int enter(void)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    victim_needs(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) == 0, "unshare");
    become_root_inside(uid, gid);

    pid_t first = fork();
    victim_needs(first >= 0, "fork");
    if (first == 0)
        _exit(be_first());
    int status;
    waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The only child of the process `pid`, as soon as it has one. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    for (int i = 0; child == 0 && i < 1000; i++, usleep(1000)) {
        FILE *file = fopen(path, "re");
        victim_needs(file != NULL, path);
        if (fscanf(file, "%d", &child) != 1)
            child = 0;
        fclose(file);
    }
    victim_needs(child != 0, "a child");
    return child;
}

/* Stays outside, where the others have the names that the rest of the machine knows them by. */
int main(void)
{
    int until_it_is_said[2];
    victim_needs(pipe(until_it_is_said) == 0, "pipe");
    pid_t entering = fork();
    victim_needs(entering >= 0, "fork");
    if (entering == 0) {
        dup2(until_it_is_said[0], STDIN_FILENO);
        close(until_it_is_said[1]);
        _exit(enter());
    }
    victim_says(SIGSEGV, child_of(child_of(entering)));
    close(until_it_is_said[1]);

    int status;
    waitpid(entering, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
