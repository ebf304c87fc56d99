/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core.h - a crashed process as its core shows it: memory, threads, mapped files, auxiliary vector.
 *
 * Reads plain ELF cores and Inquest's records of any state. Where a record's content is cut short,
 * its rescue core fills in: memory is looked up in the content first, then there. Everything in a
 * core is hostile: sizes are checked against the file, counts are bounded, and what contradicts
 * itself reads as absent. What could not be read is said in `problems`, one sentence a line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "analyzer/registers.h"
#include "store/base/bytes.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/metadata.h"

struct core_segment {
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* in its image */
    uint64_t file_size;  /* bytes of it that the image should have */
    uint32_t flags;      /* PF_R, PF_W, PF_X */
};

struct core_mapping { /* of NT_FILE */
    uint64_t start, end;
    uint64_t offset; /* in the file, bytes */
    const char *path;
};

struct core_siginfo {
    bool present;
    int32_t signal, code, error;
    uint64_t address;
    uint32_t sender_pid, sender_uid; /* where `code` says that a process sent it */
};

struct core_thread {
    uint32_t tid;
    int32_t signal;   /* pr_cursig */
    uint8_t *general; /* the general registers as the note has them */
    size_t general_size;
};

struct core {
    const struct arch *arch; /* NULL: a machine that is not known */
    uint16_t machine;
    bool is_64_bit, swapped; /* other byte order than ours */

    struct core_thread *threads; /* in the core's order: the crashing one is first */
    size_t thread_count;
    struct core_siginfo siginfo;   /* the crashing thread's */
    struct core_mapping *mappings; /* sorted by start */
    size_t mapping_count;
    char *names;                                            /* what their paths point into */
    uint64_t at_entry, at_phdr, at_phnum, at_base, at_vdso; /* auxiliary vector; 0: absent */
    uint64_t at_page_size;
    uint64_t code_mask; /* bits of a code pointer that aarch64 signs (NT_ARM_PAC_MASK) */
    char command[17];   /* pr_fname */
    uint32_t pid;       /* pr_pid */

    const struct metadata *metadata; /* of a record; NULL: a plain core */
    bool truncated;                  /* parts that the core claims are not there */
    bool notes_cut;                  /* notes among them */
    struct bytes problems;
    struct core_memory *memory; /* core.c's own */
};

/* `max_threads`: more are left out, which is a problem that is told. -EBADMSG: no core. */
int core_open(int fd, size_t max_threads, struct core **ret, struct error *error);
void core_free(struct core *core);

/* A thread's registers as call frame information numbers them. */
void core_thread_registers(const struct core *core, const struct core_thread *thread,
                           struct registers *ret);

/* Memory. core_read() wants all of it, core_read_some() returns what there is from `address` on. */
bool core_read(struct core *core, uint64_t address, void *buffer, size_t size);
size_t core_read_some(struct core *core, uint64_t address, void *buffer, size_t size);
bool core_read_word(struct core *core, uint64_t address, uint64_t *ret); /* of the core's width */

/* A NUL-terminated string of at most size - 1 bytes; false where there is none. */
bool core_read_text(struct core *core, uint64_t address, char *ret, size_t size);

/* The segment that holds `address`, dumped or not; NULL: unmapped. */
const struct core_segment *core_segment_at(const struct core *core, uint64_t address);
/* The first segment that starts behind `address`, and the last that ends at or before it. */
const struct core_segment *core_segment_after(const struct core *core, uint64_t address);
const struct core_segment *core_segment_before(const struct core *core, uint64_t address);

const struct core_mapping *core_mapping_at(const struct core *core, uint64_t address);

/* Numbers out of the core's bytes, in its byte order. `size` is 1, 2, 4 or 8. */
uint64_t core_number(const struct core *core, const void *data, size_t size);

void core_problem(struct core *core, const char *format, ...) __attribute__((format(printf, 2, 3)));

CLEANUP_FUNCTION(struct core, core_free)
#define AUTO_CORE CLEANUP(core_free_cleanup)
