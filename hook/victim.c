/* SPDX-License-Identifier: GPL-2.0-or-later */
/* victim.c - the dying process: held descriptors of it, and whether it still is that process. */
#include "config.h"

#include "hook/victim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/base/parse.h"

enum {
    MAPS_MAX = 32 * 1024 * 1024, /* 70,000 mappings take about 6 MiB */
    AUXV_MAX = 4096,
    STATUS_MAX = 16 * 1024,
};

/* The number behind `name` at a line's start, as in "Pid:\t17". */
static int field_number(const struct bytes *text, const char *name, int64_t *ret)
{
    size_t length = strlen(name);

    for (const char *line = text->data; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0) {
            char *end;
            long long number = strtoll(line + length, &end, 10);
            *ret = number;
            return end > line + length ? 0 : -EINVAL;
        }
    }
    return -ENOENT;
}

/* The pid that a descriptor is a pidfd of; -1 once that process is reaped. -EBADF: it is none. */
static int pidfd_pid(int pidfd, int64_t *ret)
{
    AUTO_BYTES struct bytes info = {0};
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    if (io_read_file(AT_FDCWD, path, STATUS_MAX, &info) < 0)
        return -EBADF;
    return field_number(&info, "Pid:", ret) == 0 ? 0 : -EBADF;
}

static int open_in(int proc, const char *name)
{
    int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fd;
}

/* What a file of /proc says now. Where it is hidden from all but its user and root, opening it
 * would ask for a capability. */
static int read_now(int fd, struct bytes *ret)
{
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : io_read_all(fd, STATUS_MAX, ret);
}

/* "CoreDumping: 1" stands in status from the moment the kernel starts to write the core. */
static bool is_dumping(const struct victim *victim)
{
    AUTO_BYTES struct bytes status = {0};
    int64_t dumping = 0;

    return read_now(victim->status, &status) == 0 &&
           field_number(&status, "CoreDumping:", &dumping) == 0 && dumping == 1;
}

/* Whether the opened /proc/PID is the victim's: by the kernel's pidfd, else by what it says. */
static int confirm(const struct arguments *arguments, struct victim *victim, struct error *error)
{
    int64_t pid = 0;

    if (arguments->pidfd >= 0 && pidfd_pid(arguments->pidfd, &pid) == 0) {
        victim->pidfd = arguments->pidfd;
        (void)fcntl(victim->pidfd, F_SETFD, FD_CLOEXEC);
        if (pid != (int64_t)arguments->pid)
            return error_set(error, ESRCH, "process %u is gone", arguments->pid);
        return 0;
    }
    if (!is_dumping(victim))
        return error_set(error, ESRCH, "process %u is not the one that crashed", arguments->pid);
    victim->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)arguments->pid, 0);
    if (victim->pidfd >= 0 && !is_dumping(victim))
        return error_set(error, ESRCH, "process %u is gone", arguments->pid);
    return 0;
}

static void read_in(int proc, const char *name, size_t limit, struct bytes *ret)
{
    /* What is cut at the limit or missing is still of use: nobody relies on it being whole. */
    (void)io_read_file(proc, name, limit, ret);
}

int victim_find(const struct arguments *arguments, struct victim *ret, struct error *error)
{
    AUTO_VICTIM struct victim victim = VICTIM_NONE;
    char path[64];

    victim.pid = (pid_t)arguments->pid;
    victim.tid = (pid_t)arguments->tid;
    snprintf(path, sizeof path, "/proc/%u", arguments->pid);
    victim.proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (victim.proc < 0)
        return error_errno(error, errno, "cannot open %s", path);
    victim.status = open_in(victim.proc, "status");
    victim.stat = open_in(victim.proc, "stat");
    int r = confirm(arguments, &victim, error);
    if (r < 0)
        return r;
    *ret = victim;
    victim = VICTIM_NONE;
    return 0;
}

/* What cannot be told is a user's. */
static bool are_mounts_of_user(const struct victim *victim)
{
    struct stat theirs, ours;
    AUTO_FD int mounts = openat(victim->task, "ns/mnt", O_RDONLY | O_CLOEXEC);
    AUTO_FD int owner = mounts < 0 ? -1 : ioctl(mounts, NS_GET_USERNS);

    return owner < 0 || fstat(owner, &theirs) < 0 || stat("/proc/self/ns/user", &ours) < 0 ||
           theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino;
}

void victim_open(struct victim *victim)
{
    char path[64];

    if (victim->proc < 0)
        return;
    snprintf(path, sizeof path, "task/%d", victim->tid);
    victim->task = openat(victim->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (victim->task < 0)
        return;
    victim->mounts_of_user = are_mounts_of_user(victim);
    victim->mem = open_in(victim->task, "mem");
    victim->pagemap = open_in(victim->task, "pagemap");
    victim->smaps = open_in(victim->task, "smaps");
    read_in(victim->task, "maps", MAPS_MAX, &victim->maps);
    read_in(victim->task, "mountinfo", MAPPINGS_MOUNTINFO_MAX, &victim->mountinfo);
    read_in(victim->task, "auxv", AUXV_MAX, &victim->auxv);
}

void victim_own_mounts(struct bytes *ret)
{
    (void)io_read_file(AT_FDCWD, "/proc/self/mountinfo", MAPPINGS_MOUNTINFO_MAX, ret);
}

static int parse_mappings(struct victim *victim, const struct bytes *ours)
{
    return mappings_parse(&victim->maps, &victim->mountinfo, victim->mounts_of_user, ours,
                          &victim->mappings);
}

void victim_find_mappings(struct victim *victim)
{
    AUTO_BYTES struct bytes ours = {0};

    if (parse_mappings(victim, NULL) < 0 || !victim->mappings.lacks_mounts)
        return;
    victim_own_mounts(&ours);
    (void)parse_mappings(victim, &ours); /* else the first ones stay */
}

void victim_close(struct victim *victim)
{
    int *fds[] = {&victim->proc, &victim->status,  &victim->stat,  &victim->task,
                  &victim->mem,  &victim->pagemap, &victim->smaps, &victim->pidfd};

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (*fds[i] >= 0)
            close(steal_fd(fds[i]));
    bytes_free(&victim->maps);
    bytes_free(&victim->mountinfo);
    bytes_free(&victim->auxv);
    mappings_free(&victim->mappings);
}

bool victim_is_held(const struct victim *victim)
{
    return is_dumping(victim);
}

uint64_t victim_footprint(const struct victim *victim)
{
    static const char *const fields[] = {"VmRSS:", "VmSwap:"};
    AUTO_BYTES struct bytes status = {0};
    uint64_t sum = 0;

    if (victim->task < 0 || io_read_file(victim->task, "status", STATUS_MAX, &status) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        int64_t kib = 0;
        if (field_number(&status, fields[i], &kib) == 0 && kib > 0)
            sum += (uint64_t)kib * 1024;
    }
    return sum;
}

uint64_t victim_cpu_us(const struct victim *victim)
{
    AUTO_BYTES struct bytes stat = {0};
    unsigned long long user, system;

    if (read_now(victim->stat, &stat) < 0)
        return 0;
    /* Fields 14 and 15; the name, field 2, may have anything in it but ends at the last ')'. */
    const char *rest = stat.data ? strrchr(stat.data, ')') : NULL;
    if (!rest || sscanf(rest, ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user,
                        &system) != 2)
        return 0;
    return (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

int victim_kill(const struct victim *victim)
{
    if (victim->pidfd < 0)
        return -ESRCH;
    int r = (int)syscall(SYS_pidfd_send_signal, victim->pidfd, SIGKILL, NULL, 0);
#ifdef INQUEST_SANITIZED /* older versions of memcheck don't know the call */
    if (r < 0 && errno == ENOSYS)
        r = kill(victim->pid, SIGKILL);
#endif
    return r < 0 ? -errno : 0;
}
