/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage.h - where the core is handled: an ordinary user without capabilities, and few system calls.
 */
#pragma once

#include <sys/types.h>

#include "store/base/error.h"

/*
 * From here on for this process: uid and gid as given and no other groups, no capabilities, no way
 * to get any (no_new_privs), not dumpable, and only the system calls of a program that reads,
 * compresses and writes through the descriptors it holds: no open, socket, exec, ptrace, kill or
 * fork (threads are allowed). Called once, while there is one thread.
 */
int cage_enter(uid_t uid, gid_t gid, struct error *error);
