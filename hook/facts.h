/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - who the victim was: from /proc into a record's facts, bounded in size and number.
 *
 * Nothing here opens a file of the victim's: links are read as text, the executable is looked at
 * through its magic link without asking its filesystem (it may be a dead FUSE server's).
 */
#pragma once

#include "hook/arguments.h"
#include "hook/victim.h"
#include "store/metadata.h"

/* Sets what rules and lists go by: names, executable, user, cgroup, and who may read it. A fact
 * that cannot be had is absent, here and below. */
void facts_identify(const struct victim *victim, const struct arguments *arguments,
                    struct metadata *ret);

/* Whose bounds the crash counts for: `uid`, or who made the outermost user namespace that the
 * victim was in, for the ids of a namespace are as many as its maker likes. Root's namespaces are
 * nobody's: their users count each for himself. */
uint32_t facts_account(const struct victim *victim, uint32_t uid);

/* Sets all the others. */
void facts_gather(const struct victim *victim, const struct arguments *arguments,
                  struct metadata *ret);

/* Sets the environment variables whose names match one of these globs (NULL-ended). */
void facts_environ(const struct victim *victim, const char *const *globs, struct metadata *ret);
