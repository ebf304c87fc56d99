/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_facts.h - what a core tells of its own process, for cores that came without facts.
 *
 * From the notes (linux/elfcore.h, core(5)): PRPSINFO (pid, uid, gid, comm, the start of the
 * command line), the first PRSTATUS (tid, signal), SIGINFO, AUXV, and FILE (the executable: what
 * is mapped at AT_ENTRY). For hostile bytes of any machine and either class.
 */
#pragma once

#include <stddef.h>

#include "store/base/error.h"
#include "store/metadata.h"

/* How much of a core's start is looked at: the notes of 70,000 mappings fit. */
enum { CORE_FACTS_PREFIX = 32 * 1024 * 1024 };

/* Sets what the core that begins with these bytes tells; facts that are there already stay.
 * -EBADMSG where it is no ELF core. Notes that are cut short tell what they tell. */
int core_facts(const void *prefix, size_t size, struct metadata *facts, struct error *error);

/* Reads the first bytes of a file that is a core, or one compressed with zstd, up to
 * CORE_FACTS_PREFIX of the core itself. The file's position stays. -EBADMSG: damaged at its start.
 */
int core_facts_prefix(int fd, struct bytes *ret, struct error *error);
