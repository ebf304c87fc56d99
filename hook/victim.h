/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * victim.h - the dying process: held descriptors of it, and whether it still is that process.
 *
 * /proc/PID is opened first and confirmed against the kernel's pidfd (%F, Linux 6.16) afterwards:
 * if the pidfd names a living process with that pid then, the directory is that process's, for pids
 * are not reused while it lives. Everything below is opened through that directory, never by path.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hook/arguments.h"
#include "hook/mappings.h"
#include "store/base/bytes.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"

struct victim {
    pid_t pid;         /* global */
    pid_t tid;         /* the crashing thread */
    int pidfd;         /* -1 where the kernel gives none */
    int proc;          /* /proc/PID */
    int status, stat;  /* /proc/PID/status, stat: read again and again, also without privileges */
    int task;          /* /proc/PID/task/TID: has the mm even where the first thread has ended */
    int mem;           /* /proc/PID/mem: tied to the mm, works after privileges are gone */
    int pagemap;       /* /proc/PID/pagemap, likewise */
    int smaps;         /* /proc/PID/smaps, likewise; read from the start */
    struct bytes maps; /* /proc/PID/maps, read as root while it was held */
    struct bytes mountinfo;   /* /proc/PID/mountinfo */
    bool mounts_of_user;      /* its mount namespace is one that no root of the machine made */
    struct bytes auxv;        /* /proc/PID/auxv */
    struct mappings mappings; /* what maps and mountinfo say: see victim_find_mappings() */
};

#define VICTIM_NONE                                                                                \
    (struct victim)                                                                                \
    {                                                                                              \
        .pidfd = -1, .proc = -1, .status = -1, .stat = -1, .task = -1, .mem = -1, .pagemap = -1,   \
        .smaps = -1                                                                                \
    }

/* Opens /proc/PID with root's rights and makes sure of it. -ESRCH where that process is gone: its
 * core may still come from the pipe, then without facts from /proc. */
int victim_find(const struct arguments *arguments, struct victim *ret, struct error *error);

/* Opens the rest, what there is of it, with root's rights, and reads maps, mountinfo and auxv. */
void victim_open(struct victim *victim);

/* Finds the mappings in maps and mountinfo, once for all who look at memory. None where that makes
 * no sense: then the memory is not looked at. */
void victim_find_mappings(struct victim *victim);

/* Our own mountinfo, what there is of it, for what the victim's lacks. */
void victim_own_mounts(struct bytes *ret);

void victim_close(struct victim *victim);
#define AUTO_VICTIM CLEANUP(victim_close)

/* True while the kernel is writing its core ("CoreDumping: 1"). */
bool victim_is_held(const struct victim *victim);

/* Bytes of memory that the process has in RAM and swap; 0 unknown. */
uint64_t victim_footprint(const struct victim *victim);

/* Time that it has had of the processors, its threads and the kernel's work for it included; 0
 * unknown. It moves in steps of a clock tick (10 ms). */
uint64_t victim_cpu_us(const struct victim *victim);

/* The last resort of the watchdog: SIGKILL, through the pidfd only. */
int victim_kill(const struct victim *victim);
