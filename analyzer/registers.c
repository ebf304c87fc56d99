/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registers.c - registers, calls and signal frames of each architecture, as tables. */
#include "analyzer/registers.h"

#include <elf.h>
#include <string.h>

#include "analyzer/core.h"
#include "store/base/cleanup.h"

#define SHOWN REGISTER_NONE

/* Registers whose name ends in their DWARF number, and which lie in that order from `first` on. */
#define NUMBERED(prefix, first, n)                                                                 \
    {                                                                                              \
#prefix #n, n, (first) + (n)                                                               \
    }
#define NUMBERED_0_TO_7(p, f)                                                                      \
    NUMBERED(p, f, 0), NUMBERED(p, f, 1), NUMBERED(p, f, 2), NUMBERED(p, f, 3), NUMBERED(p, f, 4), \
        NUMBERED(p, f, 5), NUMBERED(p, f, 6), NUMBERED(p, f, 7)
#define NUMBERED_8_TO_15(p, f)                                                                     \
    NUMBERED(p, f, 8), NUMBERED(p, f, 9), NUMBERED(p, f, 10), NUMBERED(p, f, 11),                  \
        NUMBERED(p, f, 12), NUMBERED(p, f, 13), NUMBERED(p, f, 14), NUMBERED(p, f, 15)
#define NUMBERED_16_TO_23(p, f)                                                                    \
    NUMBERED(p, f, 16), NUMBERED(p, f, 17), NUMBERED(p, f, 18), NUMBERED(p, f, 19),                \
        NUMBERED(p, f, 20), NUMBERED(p, f, 21), NUMBERED(p, f, 22), NUMBERED(p, f, 23)
#define NUMBERED_24_TO_30(p, f)                                                                    \
    NUMBERED(p, f, 24), NUMBERED(p, f, 25), NUMBERED(p, f, 26), NUMBERED(p, f, 27),                \
        NUMBERED(p, f, 28), NUMBERED(p, f, 29), NUMBERED(p, f, 30)
#define NUMBERED_0_TO_30(p, f)                                                                     \
    NUMBERED_0_TO_7(p, f), NUMBERED_8_TO_15(p, f), NUMBERED_16_TO_23(p, f), NUMBERED_24_TO_30(p, f)

static const struct arch_register x86_64_registers[] = {
    {"rax", 0, 10},         {"rbx", 3, 5},          {"rcx", 2, 11},          {"rdx", 1, 12},
    {"rsi", 4, 13},         {"rdi", 5, 14},         {"rbp", 6, 4},           {"rsp", 7, 19},
    {"r8", 8, 9},           {"r9", 9, 8},           {"r10", 10, 7},          {"r11", 11, 6},
    {"r12", 12, 3},         {"r13", 13, 2},         {"r14", 14, 1},          {"r15", 15, 0},
    {"rip", 16, 16},        {"eflags", SHOWN, 18},  {"cs", SHOWN, 17},       {"ss", SHOWN, 20},
    {"ds", SHOWN, 23},      {"es", SHOWN, 24},      {"fs", SHOWN, 25},       {"gs", SHOWN, 26},
    {"fs_base", SHOWN, 21}, {"gs_base", SHOWN, 22}, {"orig_rax", SHOWN, 15},
};

static const struct arch_register i386_registers[] = {
    {"eax", 0, 6},           {"ebx", 3, 0},         {"ecx", 1, 1},     {"edx", 2, 2},
    {"esi", 6, 3},           {"edi", 7, 4},         {"ebp", 5, 5},     {"esp", 4, 15},
    {"eip", 8, 12},          {"eflags", SHOWN, 14}, {"cs", SHOWN, 13}, {"ss", SHOWN, 16},
    {"ds", SHOWN, 7},        {"es", SHOWN, 8},      {"fs", SHOWN, 9},  {"gs", SHOWN, 10},
    {"orig_eax", SHOWN, 11},
};

static const struct arch_register aarch64_registers[] = {
    NUMBERED_0_TO_30(x, 0),
    {"sp", 31, 31},
    {"pc", SHOWN, 32},
    {"pstate", SHOWN, 33},
};

static const struct arch_register arm_registers[] = {
    NUMBERED_0_TO_7(r, 0), {"r8", 8, 8},   {"r9", 9, 9},   {"r10", 10, 10}, {"r11", 11, 11},
    {"r12", 12, 12},       {"sp", 13, 13}, {"lr", 14, 14}, {"pc", 15, 15},  {"cpsr", SHOWN, 16},
};

static const struct arch_register riscv64_registers[] = {
    {"pc", SHOWN, 0}, {"ra", 1, 1},    {"sp", 2, 2},    {"gp", 3, 3},   {"tp", 4, 4},
    {"t0", 5, 5},     {"t1", 6, 6},    {"t2", 7, 7},    {"s0", 8, 8},   {"s1", 9, 9},
    {"a0", 10, 10},   {"a1", 11, 11},  {"a2", 12, 12},  {"a3", 13, 13}, {"a4", 14, 14},
    {"a5", 15, 15},   {"a6", 16, 16},  {"a7", 17, 17},  {"s2", 18, 18}, {"s3", 19, 19},
    {"s4", 20, 20},   {"s5", 21, 21},  {"s6", 22, 22},  {"s7", 23, 23}, {"s8", 24, 24},
    {"s9", 25, 25},   {"s10", 26, 26}, {"s11", 27, 27}, {"t3", 28, 28}, {"t4", 29, 29},
    {"t5", 30, 30},   {"t6", 31, 31},
};

static const struct arch_register ppc64_registers[] = {
    NUMBERED_0_TO_30(r, 0), {"r31", 31, 31}, {"nip", SHOWN, 32}, {"msr", SHOWN, 33},
    {"ctr", 66, 35},        {"lr", 65, 36},  {"xer", SHOWN, 37}, {"ccr", SHOWN, 38},
};

static const struct arch_register s390x_registers[] = {
    {"pswm", 64, 0},
    {"pswa", 65, 1},
    NUMBERED_0_TO_7(r, 2),
    NUMBERED_8_TO_15(r, 2),
};

/* What of them struct sigcontext has, where it has them in another order than NT_PRSTATUS. */
static const struct arch_register x86_64_context[] = {
    {"r8", 8, 0},   {"r9", 9, 1},   {"r10", 10, 2}, {"r11", 11, 3}, {"r12", 12, 4},  {"r13", 13, 5},
    {"r14", 14, 6}, {"r15", 15, 7}, {"rdi", 5, 8},  {"rsi", 4, 9},  {"rbp", 6, 10},  {"rbx", 3, 11},
    {"rdx", 1, 12}, {"rax", 0, 13}, {"rcx", 2, 14}, {"rsp", 7, 15}, {"rip", 16, 16},
};

static const struct arch_register i386_context[] = {
    {"edi", 7, 4}, {"esi", 6, 5},  {"ebp", 5, 6},  {"esp", 4, 7},  {"ebx", 3, 8},
    {"edx", 2, 9}, {"ecx", 1, 10}, {"eax", 0, 11}, {"eip", 8, 14},
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

/* Calls leave their address in r14. */
static bool s390_ends_in_call(const uint8_t *code, size_t size)
{
    return (size >= 6 && code[size - 6] == 0xc0 && code[size - 5] == 0xe5) ||        /* brasl */
           (size >= 4 && code[size - 4] == 0xa7 && code[size - 3] == 0xe5) ||        /* bras */
           (size >= 2 && code[size - 2] == 0x0d && (code[size - 1] & 0xf0) == 0xe0); /* basr */
}

/* Both sets of instructions: which it is cannot be told from an address without its lowest bit. */
static bool arm_ends_in_call(const uint8_t *code, size_t size)
{
    uint32_t word = size >= 4 ? load32(code + size - 4) : 0;
    uint32_t first = word & 0xffff, second = word >> 16;
    return ((word & 0x0f000000) == 0x0b000000 && word >> 28 != 0xf) ||    /* bl */
           (word & 0xfe000000) == 0xfa000000 ||                           /* blx to Thumb */
           (word & 0x0ffffff0) == 0x012fff30 ||                           /* blx register */
           ((first & 0xf800) == 0xf000 && (second & 0xc000) == 0xc000) || /* Thumb bl, blx */
           (size >= 2 && (code[size - 1] == 0x47 && (code[size - 2] & 0x87) == 0x80));
}

/* The kernel's ways back from a signal handler, by their code: where the interrupted registers are
 * then. The stack pointer is where the handler found it, less what its return took off. */
enum {
    SIGINFO = 128,
    UCONTEXT_64 = 40, /* uc_flags, uc_link, uc_stack; some align what follows to 16 bytes */
    UCONTEXT_32 = 20,
    SIGMASK_ALIGNED = 136, /* uc_sigmask with room to grow, before the context on newer machines */
};

static const struct signal_return x86_64_returns[] = {
    /* mov $15,%rax; syscall */
    {.code = "\x48\xc7\xc0\x0f\0\0\0\x0f\x05", .size = 9, .offset = UCONTEXT_64},
    {0},
};

static const struct signal_return i386_returns[] = {
    /* pop %eax; mov $119,%eax; int $0x80 */
    {.code = "\x58\xb8\x77\0\0\0\xcd\x80", .size = 8, .offset = 4},
    /* mov $173,%eax; int $0x80: the third word on the stack points at struct ucontext */
    {.code = "\xb8\xad\0\0\0\xcd\x80", .size = 7, .pointer = 8, .offset = UCONTEXT_32},
    {0},
};

static const struct signal_return aarch64_returns[] = {
    /* mov x8,#139; svc #0. The fault's address stands before the registers. */
    {.code = "\x68\x11\x80\xd2\x01\0\0\xd4",
     .size = 8,
     .offset = SIGINFO + UCONTEXT_64 + SIGMASK_ALIGNED + 8},
    {0},
};

/* mov r7,#119 is sigreturn, #173 rt_sigreturn; then svc. Three words stand before the registers. */
static const struct signal_return arm_returns[] = {
    {.code = "\x77\x70\xa0\xe3", .size = 4, .offset = UCONTEXT_32 + 12},
    {.code = "\xad\x70\xa0\xe3", .size = 4, .offset = SIGINFO + UCONTEXT_32 + 12},
    {.code = "\x77\x27\0\xdf", .size = 4, .offset = UCONTEXT_32 + 12},
    {.code = "\xad\x27\0\xdf", .size = 4, .offset = SIGINFO + UCONTEXT_32 + 12},
    {.code = "\x4f\xf0\x77\x07\0\xdf", .size = 6, .offset = UCONTEXT_32 + 12},
    {.code = "\x4f\xf0\xad\x07\0\xdf", .size = 6, .offset = SIGINFO + UCONTEXT_32 + 12},
    {0},
};

static const struct signal_return riscv64_returns[] = {
    /* li a7,139; ecall */
    {.code = "\x93\x08\xb0\x08\x73\0\0\0",
     .size = 8,
     .offset = SIGINFO + UCONTEXT_64 + SIGMASK_ALIGNED},
    {0},
};

/* svc 119 and svc 173, above the 160 bytes that a caller leaves. */
static const struct signal_return s390x_returns[] = {
    {.code = "\x0a\x77", .size = 2, .pointer = 160 + 8},
    {.code = "\x0a\xad", .size = 2, .offset = 160 + 8 + SIGINFO + UCONTEXT_64},
    {0},
};

#define LIST(array, pc)                                                                            \
    {                                                                                              \
        array, ARRAY_SIZE(array), pc                                                               \
    }

static const struct arch arches[] = {
    {
        .name = "x86_64",
        .machine = EM_X86_64,
        .word = 8,
        .general = LIST(x86_64_registers, 16),
        .context = LIST(x86_64_context, 16),
        .sp = 7,
        .fp = 6,
        .record = {.fp = 0, .pc = 1, .end = 2},
        .return_register = REGISTER_NONE,
        .call_size = 8,
        .ends_in_call = x86_ends_in_call,
        .signal_returns = x86_64_returns,
    },
    {
        .name = "i386",
        .machine = EM_386,
        .word = 4,
        .general = LIST(i386_registers, 8),
        .context = LIST(i386_context, 8),
        .sp = 4,
        .fp = 5,
        .record = {.fp = 0, .pc = 1, .end = 2},
        .return_register = REGISTER_NONE,
        .call_size = 7,
        .ends_in_call = x86_ends_in_call,
        .signal_returns = i386_returns,
    },
    {
        .name = "aarch64",
        .machine = EM_AARCH64,
        .word = 8,
        .general = LIST(aarch64_registers, 32),
        .context = LIST(aarch64_registers, 32),
        .sp = 31,
        .fp = 29,
        .record = {.fp = 0, .pc = 1, .end = 2},
        .return_register = 30,
        .call_size = 4,
        .ends_in_call = aarch64_ends_in_call,
        .signal_returns = aarch64_returns,
    },
    {
        .name = "arm",
        .machine = EM_ARM,
        .word = 4,
        .general = LIST(arm_registers, 15),
        .context = LIST(arm_registers, 15),
        .sp = 13,
        .fp = REGISTER_NONE,
        .return_register = 14,
        .call_size = 4,
        .ends_in_call = arm_ends_in_call,
        .signal_returns = arm_returns,
    },
    {
        .name = "riscv64",
        .machine = EM_RISCV,
        .word = 8,
        .general = LIST(riscv64_registers, 0),
        .context = LIST(riscv64_registers, 0),
        .sp = 2,
        .fp = 8,
        .record = {.fp = -2, .pc = -1, .end = 0},
        .return_register = 1,
        .call_size = 4,
        .ends_in_call = riscv_ends_in_call,
        .signal_returns = riscv64_returns,
    },
    {
        .name = "ppc64",
        .machine = EM_PPC64,
        .word = 8,
        .general = LIST(ppc64_registers, 32),
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
        .general = LIST(s390x_registers, 1),
        .context = LIST(s390x_registers, 1),
        .sp = 15,
        .fp = REGISTER_NONE,
        .return_register = 14,
        .cfa_above_sp = 160,
        .fault_page = 4096,
        .call_size = 6,
        .ends_in_call = s390_ends_in_call,
        .signal_returns = s390x_returns,
    },
};

const struct arch *arch_find(uint16_t machine, bool is_64_bit)
{
    for (size_t i = 0; i < ARRAY_SIZE(arches); i++)
        if (arches[i].machine == machine && arches[i].word == (is_64_bit ? 8 : 4))
            return &arches[i];
    return NULL;
}

bool registers_value(const struct arch *arch, bool swapped, const struct register_list *list,
                     size_t entry, const uint8_t *bytes, size_t size, uint64_t *ret)
{
    uint64_t value64;
    uint32_t value32;
    if (entry >= list->count || (list->items[entry].place + 1u) * arch->word > size)
        return false;
    bytes += list->items[entry].place * arch->word;
    if (arch->word == 8) {
        memcpy(&value64, bytes, 8);
        *ret = swapped ? __builtin_bswap64(value64) : value64;
    } else {
        memcpy(&value32, bytes, 4);
        *ret = swapped ? __builtin_bswap32(value32) : value32;
    }
    return true;
}

void registers_load(const struct arch *arch, bool swapped, const struct register_list *list,
                    const uint8_t *bytes, size_t size, struct registers *ret)
{
    *ret = (struct registers){0};
    for (size_t i = 0; i < list->count; i++) {
        uint64_t value;
        if (!registers_value(arch, swapped, list, i, bytes, size, &value))
            continue;
        if (i == list->pc)
            ret->pc = value;
        register_set(ret, list->items[i].dwarf, value);
    }
}

bool registers_leave_signal(struct core *core, const uint8_t *code, size_t size,
                            const struct registers *at, struct registers *ret)
{
    const struct arch *arch = core->arch;
    const struct signal_return *way = arch->signal_returns;
    if (!way || !register_known(at, arch->sp))
        return false;
    while (way->code && (way->size > size || memcmp(code, way->code, way->size) != 0))
        way++;
    uint64_t context = at->value[arch->sp];
    uint8_t bytes[REGISTERS_SIZE_MAX];
    if (!way->code || (way->pointer && !core_read_word(core, context + way->pointer, &context)))
        return false;
    size_t got = core_read_some(core, context + way->offset, bytes, sizeof(bytes));
    struct registers loaded;
    registers_load(arch, core->swapped, &arch->context, bytes, got, &loaded);
    if (!register_known(&loaded, arch->sp))
        return false;
    *ret = loaded;
    return true;
}
