/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugger.c - starts a debugger and waits for it, by itself or as a user of its own. */
#include "cli/debugger.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/command.h"
#include "store/base/cleanup.h"
#include "store/layout.h"

/* Above what directories and containers are commonly given, below what is negative to some. */
enum { OWN_IDS_START = 2100000000, OWN_IDS_COUNT = 1 << 25 };

/* In a user namespace, few ids may be there. */
static bool is_mapped(const struct debugger_user *user)
{
    bool mapped = setegid(user->gid) == 0;
    mapped = setegid(0) == 0 && mapped && seteuid(user->uid) == 0;
    return seteuid(0) == 0 && mapped;
}

int debugger_choose_user(struct debugger_user *ret)
{
    unsigned number;
    if (getrandom(&number, sizeof number, 0) == sizeof number) {
        uid_t id = OWN_IDS_START + number % OWN_IDS_COUNT;
        *ret = (struct debugger_user){.uid = id, .gid = id, .is_alone = true};
        if (!getpwuid(id) && is_mapped(ret))
            return 0;
    }
    ret->is_alone = false;
    int r = layout_system_user(ANALYZER_USER, &ret->uid, &ret->gid);
    return r == 0 && !is_mapped(ret) ? -ENOENT : r;
}

/* What it put into the input of root's terminal (tty_ioctl(4)), root's shell would run. */
static int keep_from_typing(void)
{
    static const unsigned typing[] = {TIOCSTI, TIOCLINUX};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter ? 0 : -ENOMEM;
#ifdef __x86_64__
    if (r == 0)
        r = seccomp_arch_add(filter, SCMP_ARCH_X86);
    if (r == 0)
        r = seccomp_arch_add(filter, SCMP_ARCH_X32);
#endif
    /* The kernel looks at the lower half. */
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(typing); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, typing[i]));
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

/* For good: groups, group, user. */
static int become(const struct debugger_user *user)
{
    if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* Root's is not his to read. */
    return setenv("HOME", "/nonexistent", 1) < 0 ? -errno : keep_from_typing();
}

static void become_debugger(const char *const *arguments, const char *directory,
                            const struct debugger_user *user)
{
    int r = user ? become(user) : 0;
    if (r == 0 && directory && chdir(directory) < 0)
        r = -errno;
    if (r == 0) {
        execvp(arguments[0], (char *const *)arguments);
        r = -errno;
    }
    /* PATH may have directories that this user may not search: it is not there for him. */
    bool missing = r == -ENOENT || (r == -EACCES && !strchr(arguments[0], '/'));
    command_warn("%s: %s", arguments[0],
                 missing ? "there is no such program: install it, or name another with --debugger"
                         : strerror(-r));
    _exit(missing ? 127 : 126);
}

static int wait_for(pid_t pid, struct error *error)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_errno(error, errno, "waiting for the debugger");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What the debugger left behind could go on at root's terminal, and read what is typed there. */
static void end_rest(const struct debugger_user *user)
{
    enum { TRIES = 100 }; /* who forks faster than that */
    pid_t pid = fork();
    if (pid == 0) {
        if (setresgid(user->gid, user->gid, user->gid) < 0 ||
            setresuid(user->uid, user->uid, user->uid) < 0)
            _exit(1);
        for (int i = 0; i < TRIES && kill(-1, SIGKILL) == 0; i++)
            (void)usleep(1000);
        _exit(0);
    }
    if (pid > 0)
        (void)wait_for(pid, NULL);
}

/* Standard input, where that is a terminal and root's to use. */
struct terminal {
    bool is_there;
    struct termios settings;
};

static struct terminal remember_terminal(void)
{
    struct terminal terminal = {.is_there = tcgetpgrp(STDIN_FILENO) == getpgrp()};
    if (terminal.is_there && tcgetattr(STDIN_FILENO, &terminal.settings) < 0)
        terminal.is_there = false;
    return terminal;
}

/* In the background, SIGTTOU would stop who takes it back. */
static void restore_terminal(const struct terminal *terminal)
{
    struct sigaction before, ignore = {.sa_handler = SIG_IGN};
    if (!terminal->is_there)
        return;
    sigaction(SIGTTOU, &ignore, &before);
    (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->settings);
    sigaction(SIGTTOU, &before, NULL);
}

int debugger_run(const char *const *arguments, const char *directory,
                 const struct debugger_user *user, struct error *error)
{
    /* The terminal's signals are the debugger's to answer: who died of one would leave the core. */
    static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    struct sigaction before[ARRAY_SIZE(ignored)], ignore = {.sa_handler = SIG_IGN};

    struct terminal terminal = remember_terminal();

    fflush(stdout);
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        sigaction(ignored[i], &ignore, &before[i]);
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
            sigaction(ignored[i], &before[i], NULL);
        become_debugger(arguments, directory, user);
    }
    int r = pid < 0 ? error_errno(error, errno, "fork") : wait_for(pid, error);
    if (user && user->is_alone)
        end_rest(user);
    restore_terminal(&terminal);
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        sigaction(ignored[i], &before[i], NULL);
    return r;
}
