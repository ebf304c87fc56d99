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
};

struct arch_register {
    const char *name;
    uint8_t dwarf;   /* REGISTER_NONE: shown, but not unwound by */
    uint16_t offset; /* in the general registers of NT_PRSTATUS */
};

struct core;
struct registers;

struct arch {
    const char *name;
    uint16_t machine; /* EM_… */
    uint8_t word;     /* bytes of an address */
    uint16_t prstatus_pid, prstatus_registers,
        prstatus_size; /* offsets; the end of the registers */
    const struct arch_register *registers;
    size_t register_count;
    uint8_t pc_entry;        /* the entry of `registers` that is the program counter */
    uint8_t sp, fp;          /* DWARF numbers; fp may be NONE */
    uint8_t return_register; /* holds the return address at a function's entry; NONE: the stack */
    /* The frame record that `fp` leads to, in words from where it points: NONE fp, no records. */
    int8_t record_fp, record_pc, record_end;
    uint8_t call_size; /* the longest call instruction, bytes */
    /* Does a call end where `code` ends? NULL: cannot be told, so that nothing is scanned. */
    bool (*ends_in_call)(const uint8_t *code, size_t size);
    /* If `code`, `size` bytes at the program counter, is the kernel's way back from a signal
     * handler: loads the interrupted registers from the frame at the stack pointer. */
    bool (*leave_signal)(struct core *core, const uint8_t *code, size_t size,
                         const struct registers *at, struct registers *ret);
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

/* Takes the general registers out of a note's bytes. Bytes that are not there are unknown. */
void registers_from_note(const struct arch *arch, bool swapped, const uint8_t *general, size_t size,
                         struct registers *ret);

/* One general register's value as shown, by its entry in `arch->registers`. */
bool registers_value(const struct arch *arch, bool swapped, const uint8_t *general, size_t size,
                     size_t entry, uint64_t *ret);
