/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads.c - what the victim's threads are called. */
#include "hook/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/parse.h"
#include "store/keys.h"

enum {
    THREADS_MAX = 4096,
    TIME_MAX_US = 10 * 1000, /* about 2,000 threads */
    STATUS_MAX = 16 * 1024,
};

/* The last number of "NSpid:": the id in the innermost namespace. */
static uint64_t read_inner_tid(int task, const char *tid, uint64_t fallback)
{
    char path[64];
    AUTO_BYTES struct bytes status = {0};
    uint64_t inner = fallback;

    snprintf(path, sizeof path, "%.20s/status", tid);
    if (io_read_file(task, path, STATUS_MAX, &status) < 0 || !status.data)
        return fallback;
    char *line = strstr(status.data, "\nNSpid:");
    if (!line)
        return fallback;
    line[1 + strcspn(line + 1, "\n")] = '\0';
    char *last = strrchr(line, '\t');
    return last && parse_u64(last, 10, UINT32_MAX, &inner) == 0 ? inner : fallback;
}

static int add_thread(int task, const char *tid, bool same_namespace, struct bytes *ret)
{
    char path[64];
    uint64_t number;
    AUTO_BYTES struct bytes name = {0};

    if (parse_u64(tid, 10, UINT32_MAX, &number) < 0)
        return 0; /* "." and ".." */
    snprintf(path, sizeof path, "%.20s/comm", tid);
    if (io_read_file(task, path, 64, &name) < 0 || name.size == 0)
        return 0;
    if (name.data[name.size - 1] == '\n')
        name.data[name.size - 1] = '\0';
    uint64_t inner = same_namespace ? number : read_inner_tid(task, tid, number);
    int r = bytes_printf(ret, "%" PRIu64 " %" PRIu64 " %s", number, inner, name.data);
    return r < 0 ? r : bytes_append(ret, "", 1);
}

void threads_gather(const struct victim *victim, const struct arguments *arguments,
                    struct metadata *ret)
{
    AUTO_BYTES struct bytes threads = {0};
    uint64_t deadline = clock_now_us() + TIME_MAX_US;

    int fd = openat(victim->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_DIR DIR *task = fd >= 0 ? fdopendir(fd) : NULL;
    if (!task && fd >= 0)
        close(fd);
    for (unsigned i = 0; task && i < THREADS_MAX && clock_now_us() < deadline; i++) {
        struct dirent *entry = readdir(task);
        if (!entry || add_thread(dirfd(task), entry->d_name, arguments->pid == arguments->ns_pid,
                                 &threads) < 0)
            break;
    }
    if (threads.size > 0)
        (void)metadata_set(ret, KEY_THREADS, threads.data, threads.size); /* too large: none */
}
