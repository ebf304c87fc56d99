/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sparse.h - layout `sparse`: the kernel's segments, split at what was never touched.
 *
 * A range of zeros becomes a PT_LOAD without bytes in the file, which gdb reads as zeros; a range
 * that is left out gets no PT_LOAD, so that a reader knows that it is unknown.
 */
#pragma once

#include <elf.h>
#include <stddef.h>

#include "hook/extents.h"
#include "hook/plan.h"

/* New program headers, p_offset unset; the caller frees them. Negative errno on failure. */
int sparse_split(const struct plan *plan, const struct extents *extents, Elf64_Phdr **ret,
                 size_t *ret_count);
