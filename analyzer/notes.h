/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notes.h - the notes of a core: threads, mapped files, auxiliary vector, siginfo.
 *
 * Formats: the kernel's fs/binfmt_elf.c and include/uapi/linux/elfcore.h.
 */
#pragma once

#include "analyzer/core.h"
#include "analyzer/image.h"

/* Reads the notes at `offset` into what the core doesn't have yet. Returns false where they are
 * not whole. */
bool notes_read(struct core *core, struct image *image, uint64_t offset, uint64_t size,
                size_t max_threads);

void notes_free(struct core *core);
