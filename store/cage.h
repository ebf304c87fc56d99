/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage.h - starts a program that is trusted with nothing: the walls stand before its first
 * instruction, whatever the program is.
 *
 * What it has left: its descriptors 0 to 3, to read, write and close; anonymous memory, bounded;
 * threads; and what a dynamic loader needs, which is to read programs and libraries of the system.
 * It is a user of its own where root starts it, has no group of root's, no capability and no way to
 * get any; it opens nothing to write, makes no process, socket or name, signals nobody.
 *
 *   wall                  keeps it from                         where
 *   system call filter    all but reading and memory            everywhere (not with sanitizers)
 *   limits                more memory and time than it was given everywhere
 *   a limit of threads    taking every PID                      root starts it, or Linux 5.14 and
 *                                                               user namespaces
 *   user, no_new_privs    what is another's                     the user: where root starts it
 *   Landlock              files but programs and libraries      Linux 5.13, if it is switched on
 *   a root of its own     the same, and names                   user namespaces, merged /usr
 *   a network of its own  the network                           user namespaces
 *
 * The last three back each other and the first; which of them this machine has, and whether a
 * user's threads are limited, cage_probe() tells. What only the start needed the program gives up
 * itself (analyzer/cage.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"

enum { CAGE_FD_PROGRAM = 4 }; /* behind the descriptors that the program keeps */

struct cage {
    bool drop_user; /* to uid and gid, without groups: asks for root's rights */
    uid_t uid;
    gid_t gid;
    uint64_t memory;      /* bytes of private writable memory */
    uint64_t cpu_seconds; /* of all threads together */
    unsigned threads;     /* at once; not bounded for a user where that wall is missing */
};

/*
 * Becomes the program that is open (O_PATH will do) at CAGE_FD_PROGRAM, in a child that has no
 * other threads. All but the descriptors 0 to 4 are closed by exec or by the caller. Returns only
 * where it fails, with a negative errno; the walls may stand by then, so nothing is left but to say
 * so.
 */
int cage_exec(const struct cage *cage, char *const arguments[], char *const environment[],
              struct error *error);

struct cage_walls {
    int landlock; /* the version of its interface, 0: none */
    bool threads; /* bounded whoever starts it */
    bool root, network;
};

/* What a cage would have of those walls that not every machine has. */
void cage_probe(struct cage_walls *ret);
