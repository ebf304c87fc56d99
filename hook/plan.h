/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - what the kernel is about to send: read from the first bytes of a core.
 *
 * A core on the pipe is: ELF header, program headers, notes, padding, the bytes of each PT_LOAD
 * and, for 65535 program headers and more, one section header that holds their true number
 * (fs/binfmt_elf.c, elf_core_dump()). plan_read() takes header, program headers and notes from the
 * pipe and not a byte more, so the pipe still holds everything that they announce, and the kernel
 * stays the one who decides what is dumped.
 *
 * The bytes come from the kernel, but registers, addresses and sizes are the victim's doing:
 * everything is checked against bounds, and nothing is assumed about the order of segments.
 */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/error.h"
#include "store/metadata.h"

enum {
    PLAN_MAX_SEGMENTS = 1 << 20,        /* vm.max_map_count is 65530 unless raised */
    PLAN_MAX_NOTES = 256 * 1024 * 1024, /* 32 Ki threads with AVX-512 state need 110 MiB */
    PLAN_MAX_REGISTERS = 34,
};

/* What a thread was at, from its NT_PRSTATUS. */
struct plan_thread {
    uint32_t tid; /* in the victim's pid namespace */
    uint64_t stack_pointer;
    uint64_t program_counter;
    unsigned register_count; /* 0 on architectures that register_layouts in plan.c doesn't know */
    uint64_t registers[PLAN_MAX_REGISTERS]; /* all of them, in the kernel's order */
};

struct plan_note {
    uint32_t type;
    const char *name; /* `name_size` bytes, its NUL included */
    size_t name_size;
    const void *data;
    size_t size;
};

struct plan {
    /* Exactly what was taken from the pipe. Valid even when plan_read() failed, so that who falls
     * back to draining the pipe starts with these bytes. */
    struct bytes head;

    /* All below: only after success. 32-bit cores are widened, so that there is one form. */
    Elf64_Ehdr header;
    Elf64_Phdr *loads; /* PT_LOADs, ascending by p_offset and without overlap in the file */
    size_t load_count;
    size_t segment_count; /* program headers in all, PT_NOTE included */
    uint64_t notes_offset;
    uint64_t notes_size;
    uint64_t core_size; /* of the whole core as the kernel will send it */
    struct bytes tail;  /* the section header behind the last segment, mostly empty */
    uint64_t tail_offset;
    struct plan_thread *threads; /* the crashing one first */
    size_t thread_count;
};

/*
 * Reads from `fd` (O_NONBLOCK or not) into the zeroed `plan`. -ETIMEDOUT at `deadline` (clock.h),
 * -ENODATA where the core ends early, -EBADMSG where it is
 * no core, -ENOTSUP for one of a shape that only its stream can give: segments that are neither
 * PT_LOAD nor PT_NOTE but carry bytes (arm64's memory tags), or notes behind the memory.
 */
int plan_read(int fd, uint64_t deadline, struct plan *plan, struct error *error);
void plan_clear(struct plan *plan);
#define AUTO_PLAN CLEANUP(plan_clear)

/* Walks the notes: start with *position 0. False at the end, or where the rest is malformed. */
bool plan_next_note(const struct plan *plan, size_t *position, struct plan_note *ret);

/* The first note of that owner ("CORE", "LINUX") and type. */
bool plan_find_note(const struct plan *plan, const char *name, uint32_t type,
                    struct plan_note *ret);

/* Appends the section header that says the number of program headers where e_phnum cannot (65535
 * and more; fill_extnum_info() of fs/binfmt_elf.c); nothing for fewer. */
int plan_append_section_header(const struct plan *plan, size_t segments, struct bytes *ret);

/* The PT_LOAD whose memory holds `address`, or NULL. */
const Elf64_Phdr *plan_find_load(const struct plan *plan, uint64_t address);

/* A value of the auxiliary vector (AT_PHDR, AT_SYSINFO_EHDR, ...); false where it is absent. */
bool plan_auxv(const struct plan *plan, uint64_t type, uint64_t *ret);

/* What NT_SIGINFO says: sets si_code and, as the signal has them, fault_address, sender_pid,
 * sender_uid (keys.h). A core without that note sets nothing. */
int plan_set_facts(const struct plan *plan, struct metadata *facts);

static inline bool plan_is_64(const struct plan *plan)
{
    return plan->header.e_ident[EI_CLASS] == ELFCLASS64;
}
