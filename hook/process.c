/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process.c - the hook among the machine's processes. */
#include "hook/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "hook/log.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/programs.h"

void process_protect(const char *score)
{
    AUTO_FD int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)io_write(fd, score, strlen(score));
}

static int execute_keeper(const char *config, bool explain)
{
    char path[PATH_MAX];
    char option[] = "-C", modest[] = "--no-analysis";
    char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *argv[5] = {path}, *environment[] = {search, NULL};
    size_t n = 1;

    if (!explain)
        argv[n++] = modest;
    if (config) {
        argv[n++] = option;
        argv[n++] = (char *)(uintptr_t)config; /* only read */
    }
    int r = program_path(PROGRAM_KEEPER, path);
    process_protect("0");
    if (r < 0)
        return r;
    execve(path, argv, environment);
    return -errno;
}

void process_become_keeper(const char *config)
{
    int r = execute_keeper(config, true);
    log_line("cannot start the keeper: %s", strerror(-r));
}

void process_call_keeper(const char *config)
{
    if (fork() == 0) { /* nobody waits for it: who asked looks for what it does */
        (void)execute_keeper(config, false);
        _exit(1);
    }
}
