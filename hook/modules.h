/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modules.h - executables and libraries that would be gone later: STORE/modules/<build-id>.
 *
 * A file is kept where its path leads to another one by now (deleted, replaced) or only inside the
 * victim's mount namespace (a container). Only files of local filesystems are opened, each once,
 * through the victim's own mapping of it, and only those that root owns and nobody else may write:
 * a build-id is a claim, and this room is for everybody's crashes. Nothing is taken from mounts
 * that a user has made, or that are mounted nosuid.
 *
 * The design also had crashes/<uid>/modules/<sha256>, for files of users. It is not done: a user's
 * program that was rebuilt since is found again by debuginfod or not at all, while each crash of it
 * would have cost a copy of a file that its user may make as large as he likes.
 *
 * The worker opens them while the victim is held; the watcher copies them after the commit. Their
 * ELF notes are read in a cage, by a process that has read nothing else.
 */
#pragma once

#include <stddef.h>

#include "hook/part.h"
#include "hook/room.h"
#include "hook/victim.h"

enum { MODULES_MAX = 32 };

struct modules {
    int fds[MODULES_MAX];
    size_t count;
};

/* Opens what is worth keeping. Never fails: what cannot be opened is not kept. */
void modules_open(const struct victim *victim, struct modules *ret);

/* Puts copies beside the record's directory, for which there must be room. What is there already
 * gets a new time, by which retention knows that it is needed. Never fails: a record is whole
 * without them. */
void modules_keep(const struct modules *modules, const struct part *part, struct room *room);

void modules_close(struct modules *modules);
#define AUTO_MODULES CLEANUP(modules_close)
