/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * head.h - the front of a core as the kernel sends it: ELF header, program headers, notes.
 *
 * It always comes from the pipe, so the kernel decides what is dumped. Every source starts with
 * these bytes. The order is fixed (fs/binfmt_elf.c): ELF header, program headers with PT_NOTE
 * first, the notes, padding to a page, then the segments' bytes in address order. Cores of 32-bit
 * processes are widened here. Sizes in it are checked: nothing is trusted, at most HEAD_MAX bytes
 * are kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/error.h"
#include "store/metadata.h"

enum { HEAD_MAX = 24 * 1024 * 1024 };

struct segment {
    uint32_t type;  /* PT_LOAD, PT_NOTE */
    uint32_t flags; /* PF_R, PF_W, PF_X */
    uint64_t vaddr;
    uint64_t offset; /* in the core */
    uint64_t filesz; /* what the kernel dumps of it; may be 0 */
    uint64_t memsz;
};

struct head {
    struct bytes raw; /* the core's first bytes as they came, to the end of the notes */
    bool parsed;      /* raw is a whole head; else it is only what came (fields below empty) */
    bool is_64bit;
    uint16_t machine;         /* EM_* */
    struct segment *segments; /* the PT_NOTE first, then PT_LOADs as the kernel listed them */
    size_t segment_count;
    size_t header_size;  /* ELF header and program headers, where the notes begin */
    size_t notes_offset; /* in raw */
    size_t notes_size;
    uint64_t core_size; /* max(p_offset + p_filesz): the core's size by its own account */
};

/*
 * Reads the head from the pipe (O_NONBLOCK). -ETIMEDOUT at `deadline`; an end of file, a head that
 * is too large or one that makes no sense leave `parsed` false and return 0: `raw` then holds what
 * was read and must still be the first content.
 */
int head_read(int pipe, uint64_t deadline, struct head *ret);
void head_free(struct head *head);
#define AUTO_HEAD CLEANUP(head_free)

/* Calls back with each note until the callback returns non-zero, which is returned. `desc` is
 * aligned to 4 bytes. Bounded by the notes' size. */
typedef int head_note_function(void *context, const char *name, uint32_t type, const void *desc,
                               size_t size);
int head_each_note(const struct head *head, head_note_function *function, void *context);

/* si_code, the fault address, the sender from the first NT_SIGINFO. */
void head_facts(const struct head *head, struct metadata *ret);
