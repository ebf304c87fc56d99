/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks_kernel.c - doctor's questions to the kernel: who gets a crash, and with what. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/boot_files.h"
#include "cli/checks.h"
#include "cli/machine.h"
#include "cli/system_files.h"
#include "store/base/parse.h"
#include "store/cage.h"

#define SETUP "sudo inquest setup"

/* Where it helps: in a container or chroot it refuses. */
static const char *setup_where_it_works(void)
{
    char inner[64];
    return machine_is_inner(inner, sizeof inner) ? "on the host: " SETUP : SETUP;
}

static void check_handler(struct diagnosis *d)
{
    if (d->ours) {
        checklist_add(&d->checklist, "handler", VERDICT_GOOD, "crashes go to %s", d->hook);
        return;
    }
    checklist_add(&d->checklist, "handler", VERDICT_BAD,
                  "crashes go to %s (core_pattern is \"%s\")", kernel_pattern_owner(d->pattern),
                  d->pattern);
    if (*d->pattern == '|')
        checklist_advise(&d->checklist, "%s takes over; inquest unsetup gives back",
                         setup_where_it_works());
    else
        checklist_advise(&d->checklist, "%s", setup_where_it_works());
}

static void check_pattern_is_whole(struct diagnosis *d)
{
    if (!d->ours)
        return;
    size_t n = strlen(d->pattern), tail = strlen(PROGRAM_HOOK_SPECIFIERS);
    if (n >= tail && strcmp(d->pattern + n - tail, PROGRAM_HOOK_SPECIFIERS) == 0)
        return;
    checklist_add(&d->checklist, "core_pattern", VERDICT_BAD,
                  "does not end in what the hook is to be told: \"%s\"", d->pattern);
    checklist_advise(&d->checklist, "%s", setup_where_it_works());
}

static void check_container(struct diagnosis *d)
{
    char inner[64];

    if (!machine_is_inner(inner, sizeof inner))
        return;
    checklist_add(&d->checklist, "machine", d->ours ? VERDICT_NEITHER : VERDICT_BAD,
                  "this is %s: crashes in here go to the host's handler", inner);
    checklist_advise(&d->checklist, "install and set up Inquest on the host: it knows containers");
}

static void check_settings_can_change(struct diagnosis *d)
{
    if (geteuid() != 0)
        return; /* only root's answer counts */
    if (access(kernel_settings[KERNEL_PATTERN].path, W_OK) == 0)
        return;
    checklist_add(&d->checklist, "settings", d->ours ? VERDICT_NEITHER : VERDICT_BAD,
                  "core_pattern cannot be changed here: %s",
                  errno == EROFS ? "/proc/sys is mounted read-only" : strerror(errno));
    checklist_advise(&d->checklist, "run `inquest setup` on the host, outside of any container");
}

/* True where nobody but root may change the file. `ret` names the one that others may change. */
static bool is_roots_alone(const char *path, char ret[static PATH_MAX])
{
    struct stat st;

    for (snprintf(ret, PATH_MAX, "%s", path);;) {
        if (stat(ret, &st) == 0 &&
            (st.st_uid != 0 || ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))))
            return false;
        char *slash = strrchr(ret, '/');
        if (!slash || slash == ret)
            return true;
        *slash = '\0';
    }
}

static void check_hook(struct diagnosis *d)
{
    char program[PATH_MAX], place[PATH_MAX];
    struct stat st;

    if (!d->ours)
        return;
    if (!realpath(d->hook, program) || stat(program, &st) < 0) {
        checklist_add(&d->checklist, "hook", VERDICT_BAD, "%s cannot be started: %s", d->hook,
                      strerror(errno));
        checklist_advise(&d->checklist,
                         "install Inquest again, or " SETUP " from where it lies now");
    } else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0100)) {
        checklist_add(&d->checklist, "hook", VERDICT_BAD, "%s is not executable", program);
        checklist_advise(&d->checklist, "chmod 755 %s", program);
    } else if (!is_roots_alone(program, place)) {
        checklist_add(&d->checklist, "hook", VERDICT_BAD,
                      "%s is run by the kernel as root, and others than root may change %s",
                      program, place);
        checklist_advise(&d->checklist, "install it where root alone may write");
    } else {
        checklist_add(&d->checklist, "hook", VERDICT_GOOD, "%s can be started", program);
    }
}

/* The keeper and the analyzer lie beside the hook, or where they were installed. */
static void check_programs(struct diagnosis *d)
{
    static const char *const names[] = {PROGRAM_KEEPER, PROGRAM_ANALYZER};
    char hook[PATH_MAX] = "", beside[PATH_MAX], installed[PATH_MAX];

    if (d->ours && !realpath(d->hook, hook))
        *hook = '\0';
    char *slash = strrchr(hook, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        bool here = *hook && snprintf(beside, sizeof beside, "%s/%s", hook, names[i]) < PATH_MAX &&
                    access(beside, X_OK) == 0;
        if (here || (program_path(names[i], installed) == 0 && access(installed, X_OK) == 0))
            continue;
        checklist_add(&d->checklist, "programs", VERDICT_BAD, "%s is missing or not executable",
                      names[i]);
        checklist_advise(&d->checklist, "install Inquest again");
    }
}

static void check_pipe_limit(struct diagnosis *d)
{
    char text[KERNEL_VALUE_SIZE];
    uint64_t limit;

    if (kernel_setting_read("", KERNEL_PIPE_LIMIT, text) < 0 ||
        parse_u64(text, 10, UINT64_MAX, &limit) < 0)
        return;
    if (limit == 0) {
        checklist_add(&d->checklist, "core_pipe_limit", VERDICT_BAD,
                      "is 0: a process may be gone before its facts are read");
        checklist_advise(&d->checklist, "%s", setup_where_it_works());
    } else if (limit < 64) {
        checklist_add(&d->checklist, "core_pipe_limit", VERDICT_BAD,
                      "is %s: of more crashes at once the kernel skips the rest", text);
        checklist_advise(&d->checklist, "%s sets %s", setup_where_it_works(),
                         kernel_settings[KERNEL_PIPE_LIMIT].wanted);
    } else {
        checklist_add(&d->checklist, "core_pipe_limit", VERDICT_GOOD,
                      "%s processes at a time are held until they are taken", text);
    }
}

static void check_suid_dumpable(struct diagnosis *d)
{
    char text[KERNEL_VALUE_SIZE];

    if (kernel_setting_read("", KERNEL_SUID_DUMPABLE, text) < 0)
        return;
    if (strcmp(text, "2") == 0) {
        checklist_add(&d->checklist, "suid_dumpable", VERDICT_GOOD,
                      "programs with more rights than their user are collected, for root alone");
        return;
    }
    checklist_add(&d->checklist, "suid_dumpable", VERDICT_BAD, "is %s: %s", text,
                  strcmp(text, "1") == 0
                      ? "the cores of programs with more rights than their user go to that user"
                      : "programs with more rights than their user die without a trace");
    checklist_advise(&d->checklist, "%s", setup_where_it_works());
}

/* core(5): with a pipe the limit is ignored, but for 1. */
static void check_core_limit(struct diagnosis *d)
{
    AUTO_BYTES struct bytes limits = {0};
    struct rlimit own;
    unsigned long long first;
    const char *line;

    if (getrlimit(RLIMIT_CORE, &own) == 0 && own.rlim_cur == 1) {
        checklist_add(&d->checklist, "core limit", VERDICT_BAD,
                      "RLIMIT_CORE is 1 here: the kernel drops the cores of what you start");
        checklist_advise(&d->checklist,
                         "ulimit -c unlimited; look in limits.conf and your profile");
    }
    if (system_read("", "/proc/1/limits", &limits) == 0 &&
        (line = strstr(limits.data ?: "", "Max core file size")) &&
        sscanf(line, "Max core file size %llu", &first) == 1 && first == 1) {
        checklist_add(&d->checklist, "core limit", VERDICT_BAD,
                      "RLIMIT_CORE of process 1 is 1: services inherit it and are not collected");
        checklist_advise(&d->checklist, "DefaultLimitCORE= in systemd's system.conf");
    }
}

static void check_filter(struct diagnosis *d)
{
    char text[32];
    uint64_t bits;

    if (system_read_line("", "/proc/self/coredump_filter", text, sizeof text) < 0 ||
        parse_u64(text, 16, UINT32_MAX, &bits) < 0 || (bits & 1))
        return;
    checklist_add(&d->checklist, "filter", VERDICT_BAD,
                  "coredump_filter is %s: private memory is left out of what you start", text);
    checklist_advise(&d->checklist, "echo 0x33 > /proc/self/coredump_filter; see core(5)");
}

static void check_boot(struct diagnosis *d)
{
    char rival[PATH_MAX];

    if (!d->ours)
        return;
    if (boot_files_hold("", d->pattern, rival, sizeof rival)) {
        checklist_add(&d->checklist, "boot", VERDICT_GOOD, "the settings come back after a boot");
    } else if (*rival) {
        checklist_add(&d->checklist, "boot", VERDICT_BAD, "%s sets core_pattern after a boot",
                      rival);
        checklist_advise(&d->checklist, "remove its line, or the package that it belongs to");
    } else {
        checklist_add(&d->checklist, "boot", VERDICT_BAD,
                      "%s does not set core_pattern as it is: a boot ends the collecting",
                      BOOT_SYSCTL_LINK);
        checklist_advise(&d->checklist, SETUP);
    }
}

/* ---- what the kernel can do: Inquest uses what is there ---- */

/* ENOTTY where the ioctl is not known; with an empty argument it is an error, too, but another. */
static bool has_pagemap_scan(char *ret, size_t size)
{
    char argument[96] = {0}; /* struct pm_scan_arg of linux/fs.h, since 6.7 */
    AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    *ret = '\0';
    (void)size;
    return fd >= 0 && (ioctl(fd, _IOWR('f', 16, char[96]), argument) >= 0 || errno != ENOTTY);
}

/* Goes by the version: a pattern cannot be tried without a crash. */
static bool has_pidfd(char *ret, size_t size)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
        return false;
    snprintf(ret, size, "Linux %u.%u", major, minor);
    return major > 6 || (major == 6 && minor >= 16);
}

static bool has_landlock(char *ret, size_t size)
{
    struct cage_walls walls;
    cage_probe(&walls);
    if (walls.landlock)
        snprintf(ret, size, "ABI %d", walls.landlock);
    return walls.landlock > 0;
}

static bool has_namespaces(char *ret, size_t size)
{
    struct cage_walls walls;
    cage_probe(&walls);
    if (walls.root && !walls.network)
        snprintf(ret, size, "without a network of its own");
    return walls.root;
}

static bool has_thread_limit(char *ret, size_t size)
{
    struct cage_walls walls;
    (void)size;
    *ret = '\0';
    cage_probe(&walls);
    return walls.threads;
}

static bool has_seccomp(char *ret, size_t size)
{
    (void)size;
    *ret = '\0';
    return system_exists("", "/proc/sys/kernel/seccomp/actions_avail");
}

static void check_features(struct diagnosis *d)
{
    static const struct {
        const char *name;
        bool (*probe)(char *ret, size_t size);
        const char *with, *without;
    } features[] = {
        {"pidfd (%F)", has_pidfd, "a process cannot be mistaken for another",
         "before Linux 6.16: the hook checks by other means that a process is still the same"},
        {"PAGEMAP_SCAN", has_pagemap_scan, "memory never touched costs nothing",
         "before Linux 6.7: memory never touched is found by reading pagemap"},
        {"Landlock", has_landlock, "the analyzer's start can read programs and libraries, no more",
         "the analyzer's start is kept from files by its user and its root"},
        {"namespaces", has_namespaces, "the analyzer has a root and a network of its own",
         "no user namespaces or no merged /usr: the analyzer has the machine's root, and its "
         "walls"},
        {"threads", has_thread_limit, "the analyzer makes few of them, whoever starts it",
         "no user namespaces, or before Linux 5.14: one that a user starts makes any number"},
        {"seccomp", has_seccomp, "hook and analyzer may call what they need, no more",
         "the cages have no system call filter"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
        char detail[64] = "";
        bool there = features[i].probe(detail, sizeof detail);
        checklist_add(&d->checklist, features[i].name, there ? VERDICT_GOOD : VERDICT_NEITHER,
                      "%s%s%s%s", there ? features[i].with : features[i].without,
                      *detail ? " (" : "", detail, *detail ? ")" : "");
    }
}

diagnosis_check *const checks_of_kernel[] = {
    check_handler,
    check_pattern_is_whole,
    check_container,
    check_settings_can_change,
    check_hook,
    check_programs,
    check_pipe_limit,
    check_suid_dumpable,
    check_core_limit,
    check_filter,
    check_boot,
    check_features,
    NULL,
};
