/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debuginfod.c - has debuginfod's own client fetch a file by its build-id. */
#include "store/debuginfod.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"

static const char *const clients[] = {"/usr/bin/debuginfod-find", "/usr/local/bin/debuginfod-find"};

/* Where the client keeps what it fetches, which it insists on: the caller's cache or, where that is
 * another user's, as for a service, a directory that is removed afterwards. */
struct cache {
    char path[64]; /* "": the caller's */
};

static bool may_use_callers(void)
{
    const char *path = getenv("DEBUGINFOD_CACHE_PATH");
    if (!path)
        path = getenv("XDG_CACHE_HOME");
    if (!path)
        path = getenv("HOME");
    return path && access(path, W_OK) == 0;
}

static int cache_open(struct cache *ret)
{
    *ret = (struct cache){0};
    if (may_use_callers())
        return 0;
    snprintf(ret->path, sizeof(ret->path), "/tmp/inquest-debuginfod.XXXXXX");
    return mkdtemp(ret->path) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    (void)remove(path); /* what stays is a file in /tmp */
    return 0;
}

static void cache_close(struct cache *cache)
{
    if (cache->path[0])
        (void)nftw(cache->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void set_variable(const char *name, const char *value, char ***next)
{
    char *variable = NULL;
    if (value && asprintf(&variable, "%s=%s", name, value) > 0)
        *(*next)++ = variable;
}

/* In the child. It prints the path of what it has fetched. */
static _Noreturn void become_client(int output, const char *urls, const char *build_id,
                                    bool executable, const struct cache *cache)
{
    char *environment[16] = {0}, **next = environment;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(nothing, 2) < 0 ||
        close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        _exit(127);
    set_variable("DEBUGINFOD_URLS", urls, &next);
    set_variable("DEBUGINFOD_TIMEOUT", "10", &next); /* seconds for the first 100 KiB */
    set_variable("DEBUGINFOD_MAXTIME", "60", &next); /* for all of it */
    set_variable("HOME", getenv("HOME"), &next);
    set_variable("XDG_CACHE_HOME", getenv("XDG_CACHE_HOME"), &next);
    set_variable("DEBUGINFOD_CACHE_PATH",
                 cache->path[0] ? cache->path : getenv("DEBUGINFOD_CACHE_PATH"), &next);
    const char *arguments[] = {"debuginfod-find", executable ? "executable" : "debuginfo", build_id,
                               NULL};
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        execve(clients[i], (char *const *)arguments, environment);
    _exit(127);
}

static int run_client(const char *urls, const char *build_id, bool executable,
                      const struct cache *cache)
{
    int pipe_fds[2];
    char path[PATH_MAX];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    AUTO_FD int output = pipe_fds[0];
    pid_t pid = fork();
    if (pid == 0)
        become_client(pipe_fds[1], urls, build_id, executable, cache);
    int failure = pid < 0 ? -errno : 0;
    close(pipe_fds[1]);
    if (failure < 0)
        return failure;
    ssize_t n = io_read(output, path, sizeof(path) - 1);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (n <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return -ENOENT;
    path[n] = '\0';
    path[strcspn(path, "\n")] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 ? fd : -errno;
}

int debuginfod_fetch(const char *urls, const char *build_id, bool executable)
{
    struct cache cache;
    int r = cache_open(&cache);
    if (r < 0)
        return r;
    int fd = run_client(urls, build_id, executable, &cache);
    cache_close(&cache);
    return fd;
}
