/* SPDX-License-Identifier: GPL-2.0-or-later */
/* instruction.c - finds the memory operand of an x86 or aarch64 instruction. */
#include "analyzer/instruction.h"

#include <elf.h>
#include <string.h>

enum { RIP = 16, NEAR = 256 };

/* Which opcodes have a ModRM byte, and which write to the operand that it describes. */
struct x86 {
    const uint8_t *code;
    size_t size, at; /* the next byte */
    bool is_64_bit, operand16, repeat, fs_or_gs, wide_displacement;
    uint8_t rex;  /* bits W R X B */
    unsigned map; /* 0: one byte, 1: 0F, 2: 0F38, 3: 0F3A */
    uint8_t opcode;
    const struct registers *registers;
};

/* ModRM's register numbers to DWARF's. */
static const uint8_t dwarf_of_64[16] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t dwarf_of_32[8] = {0, 1, 2, 3, 4, 5, 6, 7};

static uint8_t next_byte(struct x86 *x86)
{
    return x86->at < x86->size ? x86->code[x86->at++] : 0;
}

static uint8_t dwarf_of(const struct x86 *x86, unsigned number)
{
    return x86->is_64_bit ? dwarf_of_64[number & 15] : dwarf_of_32[number & 7];
}

static uint64_t value_of(const struct x86 *x86, unsigned number)
{
    return x86->registers->value[dwarf_of(x86, number)];
}

static bool read_prefixes(struct x86 *x86)
{
    for (unsigned i = 0; i < 14 && x86->at < x86->size; i++) {
        uint8_t byte = x86->code[x86->at];
        if (byte == 0x66)
            x86->operand16 = true;
        else if (byte == 0xf2 || byte == 0xf3)
            x86->repeat = true;
        else if (byte == 0x64 || byte == 0x65)
            x86->fs_or_gs = true;
        else if (byte != 0x2e && byte != 0x36 && byte != 0x3e && byte != 0x26 && byte != 0xf0)
            break;
        x86->at++;
    }
    if (x86->is_64_bit && x86->at < x86->size && (x86->code[x86->at] & 0xf0) == 0x40)
        x86->rex = next_byte(x86) & 15;
    return x86->at < x86->size;
}

/* VEX (C4, C5) and EVEX (62) carry REX's bits and the opcode's map, inverted. */
static bool read_vector_prefix(struct x86 *x86, uint8_t first)
{
    bool is_vex3 = first == 0xc4, is_evex = first == 0x62;
    uint8_t byte = next_byte(x86);
    if (!x86->is_64_bit && byte >> 6 != 3)
        return false; /* LES, LDS, BOUND */
    x86->rex = is_vex3 || is_evex ? (uint8_t)(~byte >> 5 & 7) : (uint8_t)(~byte >> 5 & 4);
    x86->map = is_vex3 ? byte & 31 : is_evex ? byte & 7 : 1;
    uint8_t prefixes = is_vex3 || is_evex ? next_byte(x86) : byte;
    x86->operand16 = (prefixes & 3) == 1;
    if (is_evex)
        (void)next_byte(x86);
    x86->wide_displacement = is_evex; /* disp8 counts in units of the operand */
    x86->opcode = next_byte(x86);
    return x86->map >= 1 && x86->map <= 3;
}

static bool read_opcode(struct x86 *x86)
{
    x86->opcode = next_byte(x86);
    bool can_be_vector = x86->is_64_bit || (x86->at < x86->size && x86->code[x86->at] >= 0xc0);
    if ((x86->opcode == 0xc4 || x86->opcode == 0xc5 || x86->opcode == 0x62) && can_be_vector)
        return read_vector_prefix(x86, x86->opcode);
    if (x86->opcode != 0x0f)
        return true;
    x86->map = 1;
    x86->opcode = next_byte(x86);
    if (x86->opcode == 0x38 || x86->opcode == 0x3a) {
        x86->map = x86->opcode == 0x38 ? 2 : 3;
        x86->opcode = next_byte(x86);
    }
    return true;
}

/* Ranges of opcodes and what they do to a memory operand; `operation` (ModRM's middle bits) narrows
 * groups. The first match counts; opcodes that are not listed have no memory operand (map 0) or
 * read it (other maps). */
static const struct {
    uint8_t map, first, last, operations; /* bit mask of operations; 0xff: any */
    enum access access;
} effects[] = {
    {0, 0x38, 0x39, 0xff, ACCESS_READ},                                       /* cmp */
    {0, 0x63, 0x63, 0xff, ACCESS_READ},                                       /* movsxd */
    {0, 0x69, 0x69, 0xff, ACCESS_READ},  {0, 0x6b, 0x6b, 0xff, ACCESS_READ},  /* imul */
    {0, 0x80, 0x83, 0x80, ACCESS_READ},  {0, 0x80, 0x83, 0x7f, ACCESS_WRITE}, /* cmp; add … */
    {0, 0x84, 0x85, 0xff, ACCESS_READ},  {0, 0x86, 0x89, 0xff, ACCESS_WRITE}, /* test; xchg, mov */
    {0, 0x8a, 0x8b, 0xff, ACCESS_READ},  {0, 0x8c, 0x8c, 0xff, ACCESS_WRITE}, /* mov */
    {0, 0x8e, 0x8e, 0xff, ACCESS_READ},  {0, 0x8f, 0x8f, 0xff, ACCESS_WRITE}, /* pop */
    {0, 0xc0, 0xc1, 0xff, ACCESS_WRITE}, {0, 0xc6, 0xc7, 0xff, ACCESS_WRITE}, /* shifts; mov */
    {0, 0xd0, 0xd3, 0xff, ACCESS_WRITE}, {0, 0xd9, 0xd9, 0xcc, ACCESS_WRITE}, /* fst, fnstcw */
    {0, 0xdb, 0xdb, 0x8e, ACCESS_WRITE}, {0, 0xdd, 0xdd, 0xce, ACCESS_WRITE},
    {0, 0xdf, 0xdf, 0xce, ACCESS_WRITE}, {0, 0xd8, 0xdf, 0xff, ACCESS_READ},
    {0, 0xf6, 0xf7, 0x0c, ACCESS_WRITE}, {0, 0xf6, 0xf7, 0xf3, ACCESS_READ}, /* not, neg; test … */
    {0, 0xfe, 0xff, 0x03, ACCESS_WRITE}, {0, 0xff, 0xff, 0x7c, ACCESS_READ}, /* inc, dec; call … */
    {1, 0x11, 0x11, 0xff, ACCESS_WRITE}, {1, 0x13, 0x13, 0xff, ACCESS_WRITE},
    {1, 0x17, 0x17, 0xff, ACCESS_WRITE}, {1, 0x29, 0x29, 0xff, ACCESS_WRITE},
    {1, 0x2b, 0x2b, 0xff, ACCESS_WRITE}, {1, 0x7f, 0x7f, 0xff, ACCESS_WRITE},
    {1, 0x90, 0x9f, 0xff, ACCESS_WRITE}, {1, 0xa4, 0xa5, 0xff, ACCESS_WRITE},
    {1, 0xab, 0xad, 0xff, ACCESS_WRITE}, {1, 0xb0, 0xb1, 0xff, ACCESS_WRITE},
    {1, 0xb3, 0xb3, 0xff, ACCESS_WRITE}, {1, 0xba, 0xba, 0xe0, ACCESS_WRITE},
    {1, 0xbb, 0xbb, 0xff, ACCESS_WRITE}, {1, 0xc0, 0xc1, 0xff, ACCESS_WRITE},
    {1, 0xc3, 0xc3, 0xff, ACCESS_WRITE}, {1, 0xc7, 0xc7, 0xff, ACCESS_WRITE},
    {1, 0xd6, 0xd6, 0xff, ACCESS_WRITE}, {1, 0xe7, 0xe7, 0xff, ACCESS_WRITE},
    {2, 0xf1, 0xf1, 0xff, ACCESS_WRITE}, {3, 0x14, 0x17, 0xff, ACCESS_WRITE},
    {3, 0x19, 0x19, 0xff, ACCESS_WRITE}, {3, 0x1d, 0x1d, 0xff, ACCESS_WRITE},
    {3, 0x39, 0x39, 0xff, ACCESS_WRITE}, {3, 0x3b, 0x3b, 0xff, ACCESS_WRITE},
};

static enum access effect_of(const struct x86 *x86, unsigned operation)
{
    if (x86->map == 0 && x86->opcode < 0x38) /* add … xor: to memory, then from memory */
        return (x86->opcode & 7) < 2   ? ACCESS_WRITE
               : (x86->opcode & 7) < 4 ? ACCESS_READ
                                       : ACCESS_UNKNOWN;
    for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
        if (effects[i].map == x86->map && x86->opcode >= effects[i].first &&
            x86->opcode <= effects[i].last && effects[i].operations >> operation & 1)
            return effects[i].access;
    if (x86->map == 1 && x86->opcode == 0x7e) /* movd, movq */
        return x86->repeat ? ACCESS_READ : ACCESS_WRITE;
    if (x86->map == 0)
        return x86->opcode == 0x3a || x86->opcode == 0x3b ? ACCESS_READ : ACCESS_UNKNOWN;
    bool no_operand = x86->map == 1 &&
                      (x86->opcode == 0x05 || x86->opcode == 0x0b || x86->opcode == 0x0d ||
                       x86->opcode == 0x18 || x86->opcode == 0x1f || (x86->opcode & 0xf0) == 0x80 ||
                       x86->opcode == 0xa2 || (x86->opcode & 0xf8) == 0xc8);
    return no_operand ? ACCESS_UNKNOWN : ACCESS_READ;
}

static int64_t read_displacement(struct x86 *x86, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)next_byte(x86) << 8 * i;
    return size == 1 ? (int8_t)value : (int32_t)value;
}

/* The operand that ModRM, SIB and displacement describe. */
static bool read_operand(struct x86 *x86, struct instruction *ret)
{
    uint8_t modrm = next_byte(x86);
    unsigned mode = modrm >> 6, base = modrm & 7, index = 4, scale = 0;
    ret->access = effect_of(x86, modrm >> 3 & 7);
    if (mode == 3 || ret->access == ACCESS_UNKNOWN)
        return false;
    bool has_sib = base == 4;
    if (has_sib) {
        uint8_t sib = next_byte(x86);
        scale = sib >> 6;
        index = (sib >> 3 & 7) | (x86->rex & 2) << 2;
        base = sib & 7;
    }
    bool no_base = mode == 0 && base == 5;
    ret->offset = read_displacement(x86, mode == 1 ? 1 : mode == 2 || no_base ? 4 : 0);
    base |= (x86->rex & 1u) << 3;
    ret->base = no_base ? REGISTER_NONE : dwarf_of(x86, base);
    ret->address = (uint64_t)ret->offset;
    if (!no_base)
        ret->address += value_of(x86, base);
    else if (!has_sib && x86->is_64_bit) /* relative to the next instruction: nearly right */
        ret->address += x86->registers->pc + x86->at;
    if (has_sib && index != 4) {
        ret->address += value_of(x86, index) << scale;
        ret->base = REGISTER_NONE; /* two registers: neither alone is to blame */
    }
    if (!x86->is_64_bit)
        ret->address &= UINT32_MAX;
    ret->has_address = !x86->fs_or_gs && !(x86->wide_displacement && mode == 1);
    return true;
}

static void use_register(const struct x86 *x86, unsigned number, int64_t offset, enum access access,
                         struct instruction *ret)
{
    ret->base = dwarf_of(x86, number);
    ret->offset = offset;
    ret->address = value_of(x86, number) + (uint64_t)offset;
    ret->has_address = true;
    ret->access = access;
}

/* Instructions whose memory operand is implied: strings, pushes, pops, calls. */
static bool read_implied(const struct x86 *x86, uint64_t expected, struct instruction *ret)
{
    enum { SP = 4, BP = 5, SI = 6, DI = 7 };
    int64_t word = x86->is_64_bit ? 8 : 4;
    uint8_t opcode = x86->opcode;
    if (x86->map != 0)
        return false;
    if (opcode == 0xa4 || opcode == 0xa5) { /* movs */
        bool writes = expected - value_of(x86, DI) < NEAR;
        use_register(x86, writes ? DI : SI, 0, writes ? ACCESS_WRITE : ACCESS_READ, ret);
    } else if (opcode == 0xaa || opcode == 0xab) { /* stos */
        use_register(x86, DI, 0, ACCESS_WRITE, ret);
    } else if (opcode == 0xa6 || opcode == 0xa7) { /* cmps */
        use_register(x86, expected - value_of(x86, DI) < NEAR ? DI : SI, 0, ACCESS_READ, ret);
    } else if (opcode == 0xac || opcode == 0xad) { /* lods */
        use_register(x86, SI, 0, ACCESS_READ, ret);
    } else if (opcode == 0xae || opcode == 0xaf) { /* scas */
        use_register(x86, DI, 0, ACCESS_READ, ret);
    } else if ((opcode >= 0x50 && opcode <= 0x57) || opcode == 0xe8 || opcode == 0x68 ||
               opcode == 0x6a || opcode == 0x9c) { /* push, call */
        use_register(x86, SP, -word, ACCESS_WRITE, ret);
    } else if ((opcode >= 0x58 && opcode <= 0x5f) || opcode == 0xc2 || opcode == 0xc3) {
        use_register(x86, SP, 0, ACCESS_READ, ret); /* pop, ret */
    } else if (opcode == 0xc9) {                    /* leave */
        use_register(x86, BP, 0, ACCESS_READ, ret);
    } else {
        return false;
    }
    return true;
}

static bool examine_x86(const struct arch *arch, const uint8_t *code, size_t size,
                        const struct registers *registers, uint64_t expected,
                        struct instruction *ret)
{
    struct x86 x86 = {
        .code = code,
        .size = size,
        .is_64_bit = arch->machine == EM_X86_64,
        .registers = registers,
    };
    if (!read_prefixes(&x86) || !read_opcode(&x86))
        return false;
    ret->is_trap =
        (x86.map == 1 && x86.opcode == 0x0b) || /* ud2 */
        (x86.map == 0 && (x86.opcode == 0xcc || x86.opcode == 0xf4 || x86.opcode == 0xcd));
    if (ret->is_trap || read_implied(&x86, expected, ret))
        return true;
    size_t before = x86.at;
    if (read_operand(&x86, ret)) {
        bool calls = x86.map == 0 && x86.opcode == 0xff && before < size &&
                     ((code[before] >> 3 & 7) == 2 || (code[before] >> 3 & 7) == 6);
        if (calls && value_of(&x86, 4) - expected <= NEAR) /* its own push failed */
            use_register(&x86, 4, x86.is_64_bit ? -8 : -4, ACCESS_WRITE, ret);
        return true;
    }
    bool call_register =
        x86.map == 0 && x86.opcode == 0xff && before < size && (code[before] >> 3 & 7) == 2;
    if (call_register)
        use_register(&x86, 4, x86.is_64_bit ? -8 : -4, ACCESS_WRITE, ret);
    return call_register;
}

/* Loads and stores of aarch64 (Arm ARM, C4.1.66): bit 27 set, bit 25 clear. */
static bool examine_aarch64(const uint8_t *code, size_t size, const struct registers *registers,
                            struct instruction *ret)
{
    if (size < 4)
        return false;
    uint32_t word = (uint32_t)code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16 |
                    (uint32_t)code[3] << 24;
    ret->is_trap = (word & 0xffe0001f) == 0xd4200000 || (word & 0xffff0000) == 0; /* brk, udf */
    if (ret->is_trap)
        return true;
    if ((word & 0x0a000000) != 0x08000000)
        return false;
    unsigned base = word >> 5 & 31, kind = word >> 28 & 3, opc = word >> 22 & 3;
    bool vector = word >> 26 & 1;
    bool loads = kind == 3 ? opc & 1 || (opc == 2 && !(vector && word >> 30 == 0)) : opc & 1;
    if (kind == 1 && !(word >> 24 & 1)) { /* literal: relative to pc */
        ret->access = ACCESS_READ;
        return true;
    }
    ret->access = loads ? ACCESS_READ : ACCESS_WRITE;
    bool unsigned_offset = kind == 3 && word >> 24 & 1;
    if (!unsigned_offset || !register_known(registers, base))
        return true;
    unsigned scale = vector && opc >= 2 ? 4 : word >> 30;
    ret->base = (uint8_t)base;
    ret->offset = (int64_t)(word >> 10 & 0xfff) << scale;
    ret->address = registers->value[base] + (uint64_t)ret->offset;
    ret->has_address = true;
    return true;
}

bool instruction_examine(const struct arch *arch, const uint8_t *code, size_t size,
                         const struct registers *registers, uint64_t expected,
                         struct instruction *ret)
{
    struct instruction found = {.base = REGISTER_NONE};
    bool known = false;
    if (arch->machine == EM_X86_64 || arch->machine == EM_386)
        known = examine_x86(arch, code, size, registers, expected, &found);
    else if (arch->machine == EM_AARCH64)
        known = examine_aarch64(code, size, registers, &found);
    if (known)
        *ret = found;
    return known;
}
