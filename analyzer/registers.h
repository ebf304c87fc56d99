/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registers.h - what the analyzer knows of each architecture: one table a machine.
 *
 * Registers are held by their DWARF numbers, as call frame information names them. Layouts of
 * NT_PRSTATUS are the kernel's struct elf_prstatus of that machine (asm/elf.h, asm/ptrace.h);
 * numbers are those of the psABIs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REGISTER_MAX = 72, /* DWARF numbers that are kept */
    REGISTER_NONE = 255,
    REGISTERS_SIZE_MAX = 40 * 8, /* bytes: no block has more that is of use */
};

struct arch_register {
    const char *name;
    uint8_t dwarf; /* REGISTER_NONE: shown, but not unwound by */
    uint8_t place; /* its word in the block that has it */
};

/* How a block of registers is laid out; the order is that in which they are shown. */
struct register_list {
    const struct arch_register *items;
    size_t count;
    size_t pc; /* the entry that is the program counter */
};

/* One of the kernel's ways back from a signal handler. A list of them ends with code NULL. */
struct signal_return {
    const char *code; /* what its code begins with */
    uint8_t size;
    uint8_t pointer; /* not 0: the word there, from the stack pointer, is where to count from */
    uint16_t offset; /* of the interrupted registers, from there or from the stack pointer */
};

struct core;

struct arch {
    const char *name;
    uint16_t machine;             /* EM_… */
    uint8_t word;                 /* bytes of an address */
    struct register_list general; /* in NT_PRSTATUS */
    struct register_list context; /* in a signal frame */
    uint8_t sp, fp;               /* DWARF numbers; fp may be NONE */
    /* The frame record that `fp` leads to, in words from where it points: NONE fp, no records. */
    struct {
        int8_t fp, pc, end;
    } record;
    uint8_t return_register; /* holds the return address at a function's entry; NONE: the stack */
    uint8_t cfa_above_sp;    /* from a caller's stack pointer to the frame's CFA */
    uint16_t fault_page;     /* not 0: a fault's address is told in such steps only */
    uint8_t call_size;       /* the longest call instruction, bytes */
    /* Does a call end where `code` ends? */
    bool (*ends_in_call)(const uint8_t *code, size_t size);
    const struct signal_return *signal_returns; /* NULL: call frame information knows them */
};

struct registers {
    uint64_t value[REGISTER_MAX];
    uint64_t pc;
    uint64_t known[(REGISTER_MAX + 63) / 64]; /* bits */
};

const struct arch *arch_find(uint16_t machine, bool is_64_bit);

static inline bool register_known(const struct registers *registers, unsigned number)
{
    return number < REGISTER_MAX && registers->known[number / 64] >> number % 64 & 1;
}

static inline void register_set(struct registers *registers, unsigned number, uint64_t value)
{
    if (number < REGISTER_MAX) {
        registers->value[number] = value;
        registers->known[number / 64] |= 1ull << number % 64;
    }
}

/* One register's value out of a block of `size` bytes, by its entry in the list; false where the
 * block is too short for it. */
bool registers_value(const struct arch *arch, bool swapped, const struct register_list *list,
                     size_t entry, const uint8_t *bytes, size_t size, uint64_t *ret);

/* All of a block's registers. Those that are not there are unknown. */
void registers_load(const struct arch *arch, bool swapped, const struct register_list *list,
                    const uint8_t *bytes, size_t size, struct registers *ret);

/* If `code`, `size` bytes at the program counter, is the kernel's way back from a signal handler:
 * the registers that the signal interrupted, from the frame at the stack pointer. */
bool registers_leave_signal(struct core *core, const uint8_t *code, size_t size,
                            const struct registers *at, struct registers *ret);
