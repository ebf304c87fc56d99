/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registers.c - registers, calls and signal frames of each architecture, as tables. */
#include "analyzer/registers.h"

#include <elf.h>
#include <string.h>

#include "analyzer/core.h"

#define SHOWN REGISTER_NONE

static const struct arch_register x86_64_registers[] = {
    {"rax", 0, 80},          {"rbx", 3, 40},          {"rcx", 2, 88},           {"rdx", 1, 96},
    {"rsi", 4, 104},         {"rdi", 5, 112},         {"rbp", 6, 32},           {"rsp", 7, 152},
    {"r8", 8, 72},           {"r9", 9, 64},           {"r10", 10, 56},          {"r11", 11, 48},
    {"r12", 12, 24},         {"r13", 13, 16},         {"r14", 14, 8},           {"r15", 15, 0},
    {"rip", 16, 128},        {"eflags", SHOWN, 144},  {"cs", SHOWN, 136},       {"ss", SHOWN, 160},
    {"ds", SHOWN, 184},      {"es", SHOWN, 192},      {"fs", SHOWN, 200},       {"gs", SHOWN, 208},
    {"fs_base", SHOWN, 168}, {"gs_base", SHOWN, 176}, {"orig_rax", SHOWN, 120},
};

static const struct arch_register i386_registers[] = {
    {"eax", 0, 24},          {"ebx", 3, 0},         {"ecx", 1, 4},     {"edx", 2, 8},
    {"esi", 6, 12},          {"edi", 7, 16},        {"ebp", 5, 20},    {"esp", 4, 60},
    {"eip", 8, 48},          {"eflags", SHOWN, 56}, {"cs", SHOWN, 52}, {"ss", SHOWN, 64},
    {"ds", SHOWN, 28},       {"es", SHOWN, 32},     {"fs", SHOWN, 36}, {"gs", SHOWN, 40},
    {"orig_eax", SHOWN, 44},
};

static const struct arch_register aarch64_registers[] = {
    {"x0", 0, 0},     {"x1", 1, 8},     {"x2", 2, 16},    {"x3", 3, 24},          {"x4", 4, 32},
    {"x5", 5, 40},    {"x6", 6, 48},    {"x7", 7, 56},    {"x8", 8, 64},          {"x9", 9, 72},
    {"x10", 10, 80},  {"x11", 11, 88},  {"x12", 12, 96},  {"x13", 13, 104},       {"x14", 14, 112},
    {"x15", 15, 120}, {"x16", 16, 128}, {"x17", 17, 136}, {"x18", 18, 144},       {"x19", 19, 152},
    {"x20", 20, 160}, {"x21", 21, 168}, {"x22", 22, 176}, {"x23", 23, 184},       {"x24", 24, 192},
    {"x25", 25, 200}, {"x26", 26, 208}, {"x27", 27, 216}, {"x28", 28, 224},       {"x29", 29, 232},
    {"x30", 30, 240}, {"sp", 31, 248},  {"pc", 32, 256},  {"pstate", SHOWN, 264},
};

static const struct arch_register arm_registers[] = {
    {"r0", 0, 0},    {"r1", 1, 4},        {"r2", 2, 8},    {"r3", 3, 12},  {"r4", 4, 16},
    {"r5", 5, 20},   {"r6", 6, 24},       {"r7", 7, 28},   {"r8", 8, 32},  {"r9", 9, 36},
    {"r10", 10, 40}, {"r11", 11, 44},     {"r12", 12, 48}, {"sp", 13, 52}, {"lr", 14, 56},
    {"pc", 15, 60},  {"cpsr", SHOWN, 64},
};

static const struct arch_register riscv64_registers[] = {
    {"pc", SHOWN, 0}, {"ra", 1, 8},     {"sp", 2, 16},    {"gp", 3, 24},   {"tp", 4, 32},
    {"t0", 5, 40},    {"t1", 6, 48},    {"t2", 7, 56},    {"s0", 8, 64},   {"s1", 9, 72},
    {"a0", 10, 80},   {"a1", 11, 88},   {"a2", 12, 96},   {"a3", 13, 104}, {"a4", 14, 112},
    {"a5", 15, 120},  {"a6", 16, 128},  {"a7", 17, 136},  {"s2", 18, 144}, {"s3", 19, 152},
    {"s4", 20, 160},  {"s5", 21, 168},  {"s6", 22, 176},  {"s7", 23, 184}, {"s8", 24, 192},
    {"s9", 25, 200},  {"s10", 26, 208}, {"s11", 27, 216}, {"t3", 28, 224}, {"t4", 29, 232},
    {"t5", 30, 240},  {"t6", 31, 248},
};

static const struct arch_register ppc64_registers[] = {
    {"r0", 0, 0},        {"r1", 1, 8},        {"r2", 2, 16},    {"r3", 3, 24},
    {"r4", 4, 32},       {"r5", 5, 40},       {"r6", 6, 48},    {"r7", 7, 56},
    {"r8", 8, 64},       {"r9", 9, 72},       {"r10", 10, 80},  {"r11", 11, 88},
    {"r12", 12, 96},     {"r13", 13, 104},    {"r14", 14, 112}, {"r15", 15, 120},
    {"r16", 16, 128},    {"r17", 17, 136},    {"r18", 18, 144}, {"r19", 19, 152},
    {"r20", 20, 160},    {"r21", 21, 168},    {"r22", 22, 176}, {"r23", 23, 184},
    {"r24", 24, 192},    {"r25", 25, 200},    {"r26", 26, 208}, {"r27", 27, 216},
    {"r28", 28, 224},    {"r29", 29, 232},    {"r30", 30, 240}, {"r31", 31, 248},
    {"nip", SHOWN, 256}, {"msr", SHOWN, 264}, {"ctr", 66, 280}, {"lr", 65, 288},
    {"xer", SHOWN, 296}, {"ccr", SHOWN, 304},
};

static const struct arch_register s390x_registers[] = {
    {"pswm", 64, 0},  {"pswa", 65, 8},  {"r0", 0, 16},    {"r1", 1, 24},    {"r2", 2, 32},
    {"r3", 3, 40},    {"r4", 4, 48},    {"r5", 5, 56},    {"r6", 6, 64},    {"r7", 7, 72},
    {"r8", 8, 80},    {"r9", 9, 88},    {"r10", 10, 96},  {"r11", 11, 104}, {"r12", 12, 112},
    {"r13", 13, 120}, {"r14", 14, 128}, {"r15", 15, 136},
};

static uint32_t load32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, 4);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap32(value);
}

/* E8 rel32, or FF /2 with any addressing, each with an optional REX prefix. */
static bool x86_ends_in_call(const uint8_t *code, size_t size)
{
    for (size_t length = 2; length <= size; length++) {
        const uint8_t *byte = code + size - length;
        size_t prefix = (byte[0] & 0xf0) == 0x40;
        if (byte[prefix] == 0xe8 && length == prefix + 5)
            return true;
        if (byte[prefix] != 0xff || length < prefix + 2)
            continue;
        unsigned mode = byte[prefix + 1] >> 6, operation = byte[prefix + 1] >> 3 & 7;
        unsigned base = byte[prefix + 1] & 7;
        size_t sib = mode != 3 && base == 4;
        if (length < prefix + 2 + sib)
            continue;
        if (sib)
            base = byte[prefix + 2] & 7;
        size_t displacement = mode == 1 ? 1 : mode == 2 || (mode == 0 && base == 5) ? 4 : 0;
        if (operation == 2 && length == prefix + 2 + sib + displacement)
            return true;
    }
    return false;
}

static bool aarch64_ends_in_call(const uint8_t *code, size_t size)
{
    uint32_t word = size >= 4 ? load32(code + size - 4) : 0;
    return (word & 0xfc000000) == 0x94000000 || /* bl */
           (word & 0xfffffc1f) == 0xd63f0000 || /* blr */
           (word & 0xfefff800) == 0xd63f0800;   /* blraa, blrab and their zero forms */
}

static bool riscv_ends_in_call(const uint8_t *code, size_t size)
{
    uint32_t word = size >= 4 ? load32(code + size - 4) : 0;
    uint32_t half = word >> 16;
    return (word & 0xfff) == 0x0ef || (word & 0x7fff) == 0x0e7 || /* jal ra, jalr ra */
           ((half & 0xf07f) == 0x9002 && half & 0x0f80);          /* c.jalr */
}

static bool ppc64_ends_in_call(const uint8_t *code, size_t size)
{
    uint32_t word = size >= 4 ? load32(code + size - 4) : 0;
    return (word & 0xfc000003) == 0x48000001 || word == 0x4e800421; /* bl, bctrl */
}

static bool s390_ends_in_call(const uint8_t *code, size_t size)
{
    return (size >= 6 && code[size - 6] == 0xc0 && (code[size - 5] & 0x0f) == 5) || /* brasl */
           (size >= 2 && code[size - 2] == 0x0d);                                   /* basr */
}

static bool begins_with(const uint8_t *code, size_t size, const char *bytes, size_t length)
{
    return size >= length && memcmp(code, bytes, length) == 0;
}

/* Loads words at `address` into the registers whose DWARF numbers `order` lists; the program
 * counter is the word of number REGISTER_NONE. */
static bool load_context(struct core *core, uint64_t address, const uint8_t *order, size_t count,
                         struct registers *ret)
{
    struct registers loaded = {0};
    size_t word = core->arch->word;
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (!core_read_word(core, address + i * word, &value))
            return false;
        if (order[i] == REGISTER_NONE)
            loaded.pc = value;
        else
            register_set(&loaded, order[i], value);
    }
    *ret = loaded;
    return true;
}

/* mov $15,%rax; syscall. The stack pointer is at struct ucontext: the handler's return took the
 * address of this code off the frame. */
static bool x86_64_leave_signal(struct core *core, const uint8_t *code, size_t size,
                                const struct registers *at, struct registers *ret)
{
    static const uint8_t order[] = {8, 9, 10, 11, 12, 13, 14, 15,           5,
                                    4, 6, 3,  1,  0,  2,  7,  REGISTER_NONE};
    enum { GENERAL = 40 }; /* uc_flags, uc_link, uc_stack */
    if (!begins_with(code, size, "\x48\xc7\xc0\x0f\0\0\0\x0f\x05", 9) || !register_known(at, 7) ||
        !load_context(core, at->value[7] + GENERAL, order, sizeof(order), ret))
        return false;
    register_set(ret, 16, ret->pc);
    return true;
}

/* pop %eax; mov $119,%eax; int $0x80 before struct sigcontext, or mov $173,%eax; int $0x80, where
 * the third word on the stack points at struct ucontext. */
static bool i386_leave_signal(struct core *core, const uint8_t *code, size_t size,
                              const struct registers *at, struct registers *ret)
{
    /* from sc->di on; number 64 takes what is of no use */
    static const uint8_t order[] = {7, 6, 5, 4, 3, 2, 1, 0, 64, 64, REGISTER_NONE};
    enum { SP = 4, SEGMENTS = 16, CONTEXT = 20 };
    uint64_t context;
    if (!register_known(at, SP))
        return false;
    if (begins_with(code, size, "\x58\xb8\x77\0\0\0\xcd\x80", 8))
        context = at->value[SP] + 4;
    else if (begins_with(code, size, "\xb8\xad\0\0\0\xcd\x80", 7) &&
             core_read_word(core, at->value[SP] + 8, &context))
        context += CONTEXT;
    else
        return false;
    if (!load_context(core, context + SEGMENTS, order, sizeof(order), ret))
        return false;
    register_set(ret, 8, ret->pc);
    return true;
}

enum { RT_FRAME_CONTEXT = 128 + 176 }; /* siginfo, then ucontext up to its 16-aligned mcontext */

/* mov x8,#139; svc #0 */
static bool aarch64_leave_signal(struct core *core, const uint8_t *code, size_t size,
                                 const struct registers *at, struct registers *ret)
{
    uint8_t order[33];
    for (uint8_t i = 0; i < 32; i++)
        order[i] = i;
    order[32] = REGISTER_NONE;
    return begins_with(code, size, "\x68\x11\x80\xd2\x01\0\0\xd4", 8) && register_known(at, 31) &&
           load_context(core, at->value[31] + RT_FRAME_CONTEXT + 8, order, sizeof(order), ret);
}

/* li a7,139; ecall */
static bool riscv64_leave_signal(struct core *core, const uint8_t *code, size_t size,
                                 const struct registers *at, struct registers *ret)
{
    uint8_t order[32] = {REGISTER_NONE};
    for (uint8_t i = 1; i < 32; i++)
        order[i] = i;
    return begins_with(code, size, "\x93\x08\xb0\x08\x73\0\0\0", 8) && register_known(at, 2) &&
           load_context(core, at->value[2] + RT_FRAME_CONTEXT, order, sizeof(order), ret);
}

#define REGISTERS(table) .registers = table, .register_count = sizeof(table) / sizeof(table[0])

static const struct arch arches[] = {
    {
        .name = "x86_64",
        .machine = EM_X86_64,
        .word = 8,
        .prstatus_pid = 32,
        .prstatus_registers = 112,
        .prstatus_size = 328,
        REGISTERS(x86_64_registers),
        .pc_entry = 16,
        .sp = 7,
        .fp = 6,
        .return_register = REGISTER_NONE,
        .record_fp = 0,
        .record_pc = 1,
        .record_end = 2,
        .call_size = 8,
        .ends_in_call = x86_ends_in_call,
        .leave_signal = x86_64_leave_signal,
    },
    {
        .name = "i386",
        .machine = EM_386,
        .word = 4,
        .prstatus_pid = 24,
        .prstatus_registers = 72,
        .prstatus_size = 140,
        REGISTERS(i386_registers),
        .pc_entry = 8,
        .sp = 4,
        .fp = 5,
        .return_register = REGISTER_NONE,
        .record_fp = 0,
        .record_pc = 1,
        .record_end = 2,
        .call_size = 7,
        .ends_in_call = x86_ends_in_call,
        .leave_signal = i386_leave_signal,
    },
    {
        .name = "aarch64",
        .machine = EM_AARCH64,
        .word = 8,
        .prstatus_pid = 32,
        .prstatus_registers = 112,
        .prstatus_size = 384,
        REGISTERS(aarch64_registers),
        .pc_entry = 32,
        .sp = 31,
        .fp = 29,
        .return_register = 30,
        .record_fp = 0,
        .record_pc = 1,
        .record_end = 2,
        .call_size = 4,
        .ends_in_call = aarch64_ends_in_call,
        .leave_signal = aarch64_leave_signal,
    },
    {
        .name = "arm",
        .machine = EM_ARM,
        .word = 4,
        .prstatus_pid = 24,
        .prstatus_registers = 72,
        .prstatus_size = 144,
        REGISTERS(arm_registers),
        .pc_entry = 15,
        .sp = 13,
        .fp = REGISTER_NONE,
        .return_register = 14,
    },
    {
        .name = "riscv64",
        .machine = EM_RISCV,
        .word = 8,
        .prstatus_pid = 32,
        .prstatus_registers = 112,
        .prstatus_size = 368,
        REGISTERS(riscv64_registers),
        .pc_entry = 0,
        .sp = 2,
        .fp = 8,
        .return_register = 1,
        .record_fp = -2,
        .record_pc = -1,
        .record_end = 0,
        .call_size = 4,
        .ends_in_call = riscv_ends_in_call,
        .leave_signal = riscv64_leave_signal,
    },
    {
        .name = "ppc64",
        .machine = EM_PPC64,
        .word = 8,
        .prstatus_pid = 32,
        .prstatus_registers = 112,
        .prstatus_size = 496,
        REGISTERS(ppc64_registers),
        .pc_entry = 32,
        .sp = 1,
        .fp = REGISTER_NONE,
        .return_register = 65,
        .call_size = 4,
        .ends_in_call = ppc64_ends_in_call,
    },
    {
        .name = "s390x",
        .machine = EM_S390,
        .word = 8,
        .prstatus_pid = 32,
        .prstatus_registers = 112,
        .prstatus_size = 328,
        REGISTERS(s390x_registers),
        .pc_entry = 1,
        .sp = 15,
        .fp = REGISTER_NONE,
        .return_register = 14,
        .call_size = 6,
        .ends_in_call = s390_ends_in_call,
    },
};

const struct arch *arch_find(uint16_t machine, bool is_64_bit)
{
    for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++)
        if (arches[i].machine == machine && arches[i].word == (is_64_bit ? 8 : 4))
            return &arches[i];
    return NULL;
}

bool registers_value(const struct arch *arch, bool swapped, const uint8_t *general, size_t size,
                     size_t entry, uint64_t *ret)
{
    size_t offset = arch->registers[entry].offset;
    if (entry >= arch->register_count || offset + arch->word > size)
        return false;
    uint64_t value64;
    uint32_t value32;
    if (arch->word == 8) {
        memcpy(&value64, general + offset, 8);
        *ret = swapped ? __builtin_bswap64(value64) : value64;
    } else {
        memcpy(&value32, general + offset, 4);
        *ret = swapped ? __builtin_bswap32(value32) : value32;
    }
    return true;
}

void registers_from_note(const struct arch *arch, bool swapped, const uint8_t *general, size_t size,
                         struct registers *ret)
{
    *ret = (struct registers){0};
    for (size_t i = 0; i < arch->register_count; i++) {
        uint64_t value;
        if (!registers_value(arch, swapped, general, size, i, &value))
            continue;
        if (i == arch->pc_entry)
            ret->pc = value;
        if (arch->registers[i].dwarf != REGISTER_NONE)
            register_set(ret, arch->registers[i].dwarf, value);
    }
}
