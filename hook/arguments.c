/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arguments.c - checks what the kernel said on the command line. */
#include "hook/arguments.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/keys.h"

/* One numeric specifier: where it goes, its bound, and the fact it is. */
struct specifier {
    const char *name;
    size_t offset;
    size_t size; /* of the member: 4 or 8 */
    uint64_t max;
    const char *key;
};

#define MEMBER(m) offsetof(struct arguments, m), sizeof(((struct arguments *)0)->m)

static const struct specifier specifiers[] = {
    {"%P", MEMBER(pid), INT_MAX, KEY_PID},
    {"%I", MEMBER(tid), INT_MAX, KEY_TID},
    {"%p", MEMBER(ns_pid), INT_MAX, KEY_NS_PID},
    {"%i", MEMBER(ns_tid), INT_MAX, KEY_NS_TID},
    {"%u", MEMBER(uid), UINT32_MAX - 1, KEY_UID},
    {"%g", MEMBER(gid), UINT32_MAX - 1, KEY_GID},
    {"%s", MEMBER(signal), 128, KEY_SIGNAL},
    {"%t", MEMBER(time_us), INT64_MAX / 1000000, KEY_TIME},
    {"%c", MEMBER(rlimit_core), UINT64_MAX, KEY_RLIMIT_CORE},
    {"%d", MEMBER(dumpable), 2, KEY_DUMPABLE},
    {"%F", MEMBER(pidfd), INT_MAX, NULL},
};

static void number_store(struct arguments *arguments, const struct specifier *specifier,
                         uint64_t value)
{
    char *member = (char *)arguments + specifier->offset;
    if (specifier->size == sizeof value) {
        memcpy(member, &value, sizeof value);
    } else {
        uint32_t narrow = (uint32_t)value; /* at most `max`, which fits */
        memcpy(member, &narrow, sizeof narrow);
    }
}

static uint64_t number_load(const struct arguments *arguments, const struct specifier *specifier)
{
    const char *member = (const char *)arguments + specifier->offset;
    uint64_t value;
    uint32_t narrow;

    if (specifier->size == sizeof value) {
        memcpy(&value, member, sizeof value);
        return value;
    }
    memcpy(&narrow, member, sizeof narrow);
    return narrow;
}

static void complain(struct arguments *arguments, const char *name)
{
    size_t n = strlen(arguments->bad);
    snprintf(arguments->bad + n, sizeof arguments->bad - n, "%s%s", n > 0 ? " " : "", name);
}

/* %t is whole seconds. The clock says when within them, if the crash was only just now. */
static int64_t refine_time(int64_t seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (seconds <= 0)
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (now.tv_sec == seconds)
        return seconds * 1000000 + now.tv_nsec / 1000;
    return seconds * 1000000 + (now.tv_sec > seconds ? 999999 : 0);
}

/* The kernel lays them one behind the other. */
static bool are_in_line(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++)
        if (argv[i + 1] != argv[i] + strlen(argv[i]) + 1)
            return false;
    return argc > 1;
}

void arguments_hide(int argc, char **argv)
{
    if (!are_in_line(argc, argv))
        return;
    char *start = argv[1];
    size_t size = (size_t)(argv[argc - 1] - start) + strlen(argv[argc - 1]) + 1;
    char *copy = malloc(size); /* until the process ends */
    if (!copy)
        return;
    memcpy(copy, start, size);
    for (int i = 1; i < argc; i++)
        argv[i] = copy + (argv[i] - start);
    explicit_bzero(start, size);
    /* Nor how long they were. */
    (void)prctl(PR_SET_MM, PR_SET_MM_ARG_END, (unsigned long)(uintptr_t)start, 0, 0);
}

int arguments_parse(int argc, char **argv, struct arguments *ret, struct error *error)
{
    struct arguments parsed = {
        .uid = 65534, .gid = 65534, .dumpable = 2, .pidfd = -1, .hostname = "", .exe_name = ""};
    int next = 1;

    if (next + 1 < argc && strcmp(argv[next], "-C") == 0) {
        parsed.config = argv[next + 1];
        next += 2;
    }
    for (size_t i = 0; i < ARRAY_SIZE(specifiers); i++, next++) {
        uint64_t value;
        if (next < argc && parse_u64(argv[next], 10, specifiers[i].max, &value) == 0)
            number_store(&parsed, &specifiers[i], value);
        else if (next >= argc || argv[next][0]) /* an empty one is unknown to this kernel */
            complain(&parsed, specifiers[i].name);
    }
    if (next < argc)
        parsed.hostname = argv[next++];
    if (next < argc)
        parsed.exe_name = argv[next++];
    if (parsed.pid == 0)
        return error_set(error, EINVAL, "no process id among the arguments");
    if (parsed.tid == 0)
        parsed.tid = parsed.pid;
    parsed.time_us = refine_time(parsed.time_us);
    *ret = parsed;
    return 0;
}

int arguments_facts(const struct arguments *arguments, struct metadata *ret)
{
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(specifiers) && r == 0; i++) {
        uint64_t value = number_load(arguments, &specifiers[i]);
        if (specifiers[i].key)
            r = metadata_set_u64(ret, specifiers[i].key, value);
    }
    if (r == 0 && arguments->hostname[0])
        r = metadata_set_text(ret, KEY_HOSTNAME, arguments->hostname);
    return r;
}
