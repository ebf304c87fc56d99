/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture.h - the worker: the process that takes one crash into one record.
 *
 * It starts as root, opens what only root can open, gathers the facts, makes the .part file and
 * hands that to the watcher (watch.h); then it enters the cage, for good, and takes the core.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "hook/arguments.h"

/* What the worker lets the watcher see: one shared page. In the end it is only a caged process's
 * word: nothing but messages and patience depend on it. */
struct progress {
    _Atomic uint64_t deadline; /* clock.h: the victim must be let go by then */
    _Atomic uint64_t released; /* clock.h: when it was let go; 0 it is still held */
    int bell;                  /* eventfd: the watcher is to start a keeper, who makes room */
    char message[512];         /* what went wrong, for the log; "" nothing */
};

enum capture_exit {
    CAPTURE_DONE,       /* the record is whole, whatever its state: to be committed */
    CAPTURE_UNFINISHED, /* it is to be salvaged */
    CAPTURE_NOTHING,    /* there is no record, and the config wants none */
};

/* Everything, from /proc to the record's last frame. `pipe` is the core; `socket` leads to the
 * watcher; `started` is the hook's start. The caller ends the process with the result at once. */
enum capture_exit capture_run(const struct arguments *arguments, int pipe, int socket,
                              uint64_t started, struct progress *progress);
