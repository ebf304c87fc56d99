/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instruction.h - what the failing instruction did to memory: read, write, and through which
 * register.
 *
 * Cores don't carry the processor's error code, so the instruction is looked at (x86 and aarch64):
 * only as far as its memory operand, it is not disassembled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/registers.h"

enum access { ACCESS_UNKNOWN, ACCESS_READ, ACCESS_WRITE };

struct instruction {
    enum access access;
    bool has_address;
    uint64_t address; /* that its operand means, where it could be computed */
    uint8_t base;     /* DWARF number of the operand's base register, or REGISTER_NONE */
    int64_t offset;   /* added to it */
    bool is_trap;     /* put there to die: ud2, brk, int3, hlt */
};

/* False where nothing can be told. `expected`: where several operands are in memory, the one at
 * that address is meant. */
bool instruction_examine(const struct arch *arch, const uint8_t *code, size_t size,
                         const struct registers *registers, uint64_t expected,
                         struct instruction *ret);
