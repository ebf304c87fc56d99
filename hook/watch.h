/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.h - the watcher's side of a capture: it touches no disk and no memory of the victim's, so
 * nothing can hang it, and sees to it that the victim is let go in time.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "hook/capture.h"
#include "hook/modules.h"
#include "hook/part.h"
#include "hook/room.h"
#include "hook/victim.h"

/* Hands the record's file to the watcher; again when another one has taken its place. */
int watch_send_part(int socket, const struct part *part);

/* Hands over the modules to be kept. */
int watch_send_modules(int socket, const struct modules *modules);

/* Hands over the record's room: whoever of the two lives longer holds it. */
int watch_send_room(int socket, const struct room *room);

/* Says that nothing more comes: what arrives afterwards is from a process in the cage. */
int watch_send_sealed(int socket);

/* What the worker has handed over: of each the last one it sent, or what was there before. */
struct watched {
    struct part *part;
    struct modules *modules;
    struct room *room;
};

/*
 * Waits for the worker to end. At the deadline, and a grace that the worker may use to end in good
 * order, it is killed, and if the victim is held even then (its memory is on a filesystem that
 * hangs), the victim is, too. A keeper with `config` is started where the worker asks for room.
 * Returns the worker's wait status.
 */
int watch_run(pid_t worker, int socket, const struct victim *victim,
              const struct progress *progress, const char *config, struct watched *ret);

/*
 * Sees the victim off, after the commit. The kernel notices that the pipe is closed when it has
 * bytes to write, and looks for them page by page: in a sanitizer's terabytes of untouched shadow
 * that takes minutes. Who has worked half a second more for nothing is killed; its parent then sees
 * SIGKILL instead of the signal it died of, but sees it now. One that only waits for the processor
 * is given fifteen seconds.
 */
void watch_end(const struct victim *victim);
