/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arguments.h - what the kernel said on the command line: core(5)'s specifiers, checked one by one.
 *
 * The order is PROGRAM_HOOK_SPECIFIERS of store/programs.h. The kernel splits the pattern before it
 * expands it (since 5.3), so names are single arguments whatever is in them. A specifier that the
 * kernel doesn't know is an empty argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"
#include "store/metadata.h"

struct arguments {
    const char *config;   /* -C FILE, or NULL */
    pid_t pid, tid;       /* %P %I: global */
    pid_t ns_pid, ns_tid; /* %p %i; 0 unknown */
    uid_t uid;            /* %u */
    gid_t gid;            /* %g */
    int signal;           /* %s */
    int64_t time;         /* %t: seconds */
    uint64_t rlimit_core; /* %c */
    unsigned dumpable;    /* %d; 2 (not an ordinary process) where it is unknown */
    int pidfd;            /* %F; -1 where the kernel gives none */
    const char *hostname; /* %h */
    const char *exe_name; /* %E */
    char bad[128];        /* names of arguments that made no sense, for the log; "" none */
};

/* Fails (-EINVAL) only without a pid: everything else has a stand-in, and is named in `bad`. */
int arguments_parse(int argc, char **argv, struct arguments *ret, struct error *error);

/* Sets the facts that the arguments are. */
int arguments_facts(const struct arguments *arguments, struct metadata *ret);
