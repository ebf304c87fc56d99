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
    uint32_t pid, tid;    /* %P %I: global */
    uint32_t ns_pid;      /* %p: in the victim's pid namespace; 0 unknown */
    uint32_t ns_tid;      /* %i */
    uint32_t uid;         /* %u; the overflow id 65534 where it is unknown */
    uint32_t gid;         /* %g */
    uint32_t signal;      /* %s; 0 unknown */
    int64_t time_us;      /* %t, microseconds added from the clock */
    uint64_t rlimit_core; /* %c */
    uint32_t dumpable;    /* %d; 2 (root's alone) where it is unknown */
    int pidfd;            /* %F; -1 where the kernel gives none */
    const char *hostname; /* %h */
    const char *exe_name; /* %E */
    char bad[128];        /* specifiers that made no sense, by blanks, for the log; "" none */
};

/*
 * Puts the arguments behind the program's name elsewhere, and wipes them where everybody can read
 * them in /proc/PID/cmdline: whose crash it is, of what, is the business of none but its user.
 * `argv` is as good as before. Where memory is short, they stay: a crash is not lost for that.
 */
void arguments_hide(int argc, char **argv);

/* Fails (-EINVAL) only without a pid: all else has a stand-in, and is named in `bad`. */
int arguments_parse(int argc, char **argv, struct arguments *ret, struct error *error);

/* Sets the facts that the arguments are. Returns 0 or what metadata_set() failed with. */
int arguments_facts(const struct arguments *arguments, struct metadata *ret);
