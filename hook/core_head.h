/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_head.h - the front of a core that we lay out ourselves: the sparse one and the rescue core.
 *
 * ELF header and notes are the kernel's, the program headers are the caller's. Ranges never touched
 * are a PT_LOAD without bytes in the file; ranges that were not taken must not be named at all.
 */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "hook/plan.h"
#include "store/base/bytes.h"
#include "store/base/error.h"

struct core_head {
    struct bytes head;    /* ELF header, program headers, notes: what stands at offset 0 */
    struct bytes tail;    /* the section header that counts 65535 program headers and more */
    uint64_t tail_offset; /* where it stands, behind the last segment */
    uint64_t size;        /* of the whole core */
};

/*
 * Places the bytes of `loads` (p_filesz) one after the other, at page boundaries: sets their
 * p_offset, and writes what comes before and behind. -EFBIG where a 32-bit core cannot say it.
 */
int core_head_write(const struct plan *plan, Elf64_Phdr *loads, size_t count, struct core_head *ret,
                    struct error *error);
void core_head_free(struct core_head *head);
#define AUTO_CORE_HEAD CLEANUP(core_head_free)
