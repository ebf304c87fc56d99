/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pager.c - long output on a terminal goes through a pager. */
#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"

enum { PAGER_MAX_WORDS = 16 };

static pid_t pager_pid;

/* The pager that the environment names, or NULL. Root takes no program from another user's. */
static const char *chosen_pager(void)
{
    const char *pager = getenv("INQUEST_PAGER") ?: getenv("PAGER");

    if (geteuid() == 0 && (getenv("SUDO_UID") || getenv("PKEXEC_UID")))
        return NULL;
    return pager;
}

/* Runs "less -R" and the like: words split at blanks, no shell. Returns where it cannot be run. */
static void exec_words(const char *command)
{
    char *words[PAGER_MAX_WORDS + 1] = {NULL}, *save = NULL;
    AUTO_FREE char *copy = strdup(command);
    size_t n = 0;

    if (!copy)
        return;
    for (char *word = strtok_r(copy, " \t", &save); word && n < PAGER_MAX_WORDS;
         word = strtok_r(NULL, " \t", &save))
        words[n++] = word;
    if (n > 0)
        execvp(words[0], words);
}

static void copy_through(void)
{
    char buffer[4096];
    ssize_t n;

    while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
        if (io_write(STDOUT_FILENO, buffer, (size_t)n) < 0)
            _exit(1);
    _exit(0);
}

static void __attribute__((noreturn)) run_pager(const char *chosen)
{
    setenv("LESS", "FRSXMK", geteuid() == 0);
    setenv("LESSCHARSET", "utf-8", 0);
    if (geteuid() == 0)
        setenv("LESSSECURE", "1", 1);
    if (chosen)
        exec_words(chosen);
    exec_words("less");
    exec_words("more");
    copy_through();
    _exit(1);
}

void pager_start(const struct call *call)
{
    int ends[2];
    const char *chosen = chosen_pager();

    if (call->globals.no_pager || !terminal_is_one() || pager_pid > 0)
        return;
    if (chosen && (!*chosen || strcmp(chosen, "cat") == 0))
        return;
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;

    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        run_pager(chosen);
    }
    close(ends[0]);
    if (pid > 0) {
        dup2(ends[1], STDOUT_FILENO);
        signal(SIGPIPE, SIG_IGN); /* the reader may leave early; that is no failure */
        pager_pid = pid;
    }
    close(ends[1]);
}

bool pager_finish(void)
{
    if (pager_pid <= 0)
        return false;
    fflush(stdout);
    close(STDOUT_FILENO);
    while (waitpid(pager_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    pager_pid = 0;
    return true;
}
