/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper_process.h - what the keeper may do, and how much of the machine it takes. */
#pragma once

#include "store/base/error.h"

/* Started by the kernel's helper: descriptors 0 to 2 may be missing, others are the hook's. */
int keeper_make_fds_safe(void);

/*
 * Of root's capabilities, keeps those to change between root and the store's owner, to run the
 * analyzer as its own user, to read the ELF files that it asks for, and to end it; no program that
 * it starts gets more (no_new_privs). Not root's: does nothing. Once, while the effective user is
 * root.
 */
int keeper_drop_privileges(struct error *error);

/* For the analysis: niced, idle I/O, and first to go when memory is short. */
void keeper_be_modest(int niceness);
