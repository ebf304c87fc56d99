/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-instruction.c - what instructions do to memory, as an assembler encoded them; where calls
 * end; and DWARF expressions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dwarf.h>
#include <elf.h>

#include "analyzer/expression.h"
#include "analyzer/instruction.h"
#include "analyzer/registers.h"
#include "store/base/cleanup.h"

enum { RAX = 0, RDX = 1, RCX = 2, RBX = 3, RSI = 4, RDI = 5, RBP = 6, RSP = 7 };

static struct registers numbered(void)
{
    struct registers registers = {.pc = 0x400000};
    for (unsigned i = 0; i < 33; i++)
        register_set(&registers, i, 0x1000 * (i + 1));
    return registers;
}

struct expected {
    const char *bytes; /* 15 of them; what follows the instruction is 0x90 */
    size_t size;
    enum access access;
    uint8_t base;
    uint64_t address; /* 0: cannot be computed */
};

#define CODE(text) text, sizeof(text) - 1

static void finds_the_operand(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {CODE("\x8b\x00"), ACCESS_READ, RAX, 0x1000},                    /* mov (%rax),%eax */
        {CODE("\x89\x10"), ACCESS_WRITE, RAX, 0x1000},                   /* mov %edx,(%rax) */
        {CODE("\x48\x8b\x47\x08"), ACCESS_READ, RDI, 0x6008},            /* mov 8(%rdi),%rax */
        {CODE("\x48\x89\x47\xf8"), ACCESS_WRITE, RDI, 0x5ff8},           /* mov %rax,-8(%rdi) */
        {CODE("\x41\x8b\x84\x24\x00\x01\0\0"), ACCESS_READ, 12, 0xd100}, /* mov 256(%r12),%eax */
        {CODE("\x8b\x04\x90"), ACCESS_READ, REGISTER_NONE, 0x9000},      /* mov (%rax,%rdx,4) */
        {CODE("\xc7\x00\x01\0\0\0"), ACCESS_WRITE, RAX, 0x1000},         /* movl $1,(%rax) */
        {CODE("\x01\x10"), ACCESS_WRITE, RAX, 0x1000},                   /* add %edx,(%rax) */
        {CODE("\x03\x10"), ACCESS_READ, RAX, 0x1000},                    /* add (%rax),%edx */
        {CODE("\x39\x10"), ACCESS_READ, RAX, 0x1000},                    /* cmp %edx,(%rax) */
        {CODE("\x83\x38\x05"), ACCESS_READ, RAX, 0x1000},                /* cmpl $5,(%rax) */
        {CODE("\x83\x00\x05"), ACCESS_WRITE, RAX, 0x1000},               /* addl $5,(%rax) */
        {CODE("\xff\x00"), ACCESS_WRITE, RAX, 0x1000},                   /* incl (%rax) */
        {CODE("\xff\x30"), ACCESS_READ, RAX, 0x1000},                    /* push (%rax) */
        {CODE("\x50"), ACCESS_WRITE, RSP, 0x7ff8},                       /* push %rax */
        {CODE("\x58"), ACCESS_READ, RSP, 0x8000},                        /* pop %rax */
        {CODE("\xc3"), ACCESS_READ, RSP, 0x8000},                        /* ret */
        {CODE("\xe8\0\0\0\0"), ACCESS_WRITE, RSP, 0x7ff8},               /* call */
        {CODE("\xff\xd0"), ACCESS_WRITE, RSP, 0x7ff8},                   /* call *%rax */
        {CODE("\xf3\x48\xab"), ACCESS_WRITE, RDI, 0x6000},               /* rep stos */
        {CODE("\xf3\xa4"), ACCESS_READ, RSI, 0x5000},                    /* rep movsb */
        {CODE("\x0f\xb6\x00"), ACCESS_READ, RAX, 0x1000},                /* movzbl (%rax),%eax */
        {CODE("\x0f\x11\x00"), ACCESS_WRITE, RAX, 0x1000},               /* movups %xmm0,(%rax) */
        {CODE("\x0f\x10\x00"), ACCESS_READ, RAX, 0x1000},                /* movups (%rax),%xmm0 */
        {CODE("\xc5\xfe\x6f\x06"), ACCESS_READ, RSI, 0x5000},            /* vmovdqu (%rsi),%ymm0 */
        {CODE("\xc5\xfe\x7f\x07"), ACCESS_WRITE, RDI, 0x6000},           /* vmovdqu %ymm0,(%rdi) */
        {CODE("\xc4\xc1\x7e\x6f\x00"), ACCESS_READ, 8, 0x9000},          /* vmovdqu (%r8),%ymm0 */
        {CODE("\x62\xf1\xfe\x28\x7f\x07"), ACCESS_WRITE, RDI, 0x6000},   /* vmovdqu64 to (%rdi) */
        {CODE("\xf0\x0f\xb1\x11"), ACCESS_WRITE, RCX, 0x3000},           /* lock cmpxchg */
        {CODE("\x64\x8b\x00"), ACCESS_READ, RAX, 0},                     /* mov %fs:(%rax) */
        {CODE("\xc7\x04\x25\x08\0\0\0\x01\0\0\0"), ACCESS_WRITE, REGISTER_NONE, 8},
    };
    const struct arch *arch = arch_find(EM_X86_64, true);
    const struct registers registers = numbered();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t code[15];
        struct instruction found;
        memset(code, 0x90, sizeof(code));
        memcpy(code, cases[i].bytes, cases[i].size);
        assert_true(instruction_examine(arch, code, sizeof(code), &registers, 0x5000, &found));
        if (found.access != cases[i].access || found.base != cases[i].base ||
            found.has_address != (cases[i].address != 0) ||
            (found.has_address && found.address != cases[i].address))
            fail_msg("instruction %zu: access %d, base %u, address 0x%llx", i, (int)found.access,
                     found.base, (unsigned long long)found.address);
    }
}

static void knows_traps_and_nothing_else(void **state)
{
    (void)state;
    const struct arch *arch = arch_find(EM_X86_64, true);
    const struct registers registers = numbered();
    struct instruction found;
    assert_true(instruction_examine(arch, (const uint8_t *)"\x0f\x0b", 2, &registers, 0, &found));
    assert_true(found.is_trap);
    assert_false(instruction_examine(arch, (const uint8_t *)"\x90\x90", 2, &registers, 0, &found));
    assert_false(
        instruction_examine(arch, (const uint8_t *)"\x48\x8d\x00", 3, &registers, 0, &found));
    assert_false(instruction_examine(arch, (const uint8_t *)"\x66", 1, &registers, 0, &found));

    arch = arch_find(EM_AARCH64, true);
    assert_true(instruction_examine(arch, (const uint8_t *)"\x20\x04\x40\xf9", 4, &registers, 0,
                                    &found)); /* ldr x0,[x1,#8] */
    assert_int_equal(found.access, ACCESS_READ);
    assert_true(found.has_address && found.address == 0x2008 && found.base == 1);
    assert_true(instruction_examine(arch, (const uint8_t *)"\x3f\x00\x00\xb9", 4, &registers, 0,
                                    &found)); /* str wzr,[x1] */
    assert_int_equal(found.access, ACCESS_WRITE);
}

/* Any bytes at all, cut anywhere: nothing is read behind them (the sanitizers watch). */
static void survives_any_bytes(void **state)
{
    (void)state;
    const struct registers registers = numbered();
    const struct arch *arches[] = {arch_find(EM_X86_64, true), arch_find(EM_386, false),
                                   arch_find(EM_AARCH64, true)};
    uint32_t random = 1;
    for (unsigned i = 0; i < 300000; i++) {
        uint8_t code[15];
        struct instruction found;
        for (size_t j = 0; j < sizeof(code); j++)
            code[j] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
        (void)instruction_examine(arches[i % 3], code + i % 15, 15 - i % 15, &registers, random,
                                  &found);
        (void)arches[i % 3]->ends_in_call(code, 1 + i % 15);
    }
}

static void knows_where_calls_end(void **state)
{
    (void)state;
    static const struct {
        uint16_t machine;
        const char *bytes;
        size_t size;
        bool is_call;
    } cases[] = {
        {EM_X86_64, CODE("\x90\x90\x90\xe8\x01\x02\x03\x04"), true},
        {EM_X86_64, CODE("\x90\x90\x90\x90\x90\x90\xff\xd0"), true},  /* call *%rax */
        {EM_X86_64, CODE("\x90\x90\x90\x90\x90\x41\xff\xd4"), true},  /* call *%r12 */
        {EM_X86_64, CODE("\x90\x90\x90\x90\x90\xff\x50\x08"), true},  /* call *8(%rax) */
        {EM_X86_64, CODE("\x90\x90\xff\x15\x01\x02\x03\x04"), true},  /* call *x(%rip) */
        {EM_X86_64, CODE("\x90\x90\x90\x90\xff\x54\x24\x08"), true},  /* call *8(%rsp) */
        {EM_X86_64, CODE("\x90\x90\x90\x90\x90\x90\xff\xe0"), false}, /* jmp *%rax */
        {EM_X86_64, CODE("\x90\x90\x90\xe9\x01\x02\x03\x04"), false}, /* jmp */
        {EM_X86_64, CODE("\x90\x90\x90\x90\x90\x90\x90\x90"), false},
        {EM_ARM, CODE("\x00\xf0\x10\xf8"), true},           /* Thumb bl */
        {EM_ARM, CODE("\x00\xbf\x98\x47"), true},           /* Thumb blx r3 */
        {EM_ARM, CODE("\x10\x00\x00\xeb"), true},           /* bl */
        {EM_ARM, CODE("\x33\xff\x2f\xe1"), true},           /* blx r3 */
        {EM_ARM, CODE("\x00\xbf\x18\x47"), false},          /* Thumb bx r3 */
        {EM_ARM, CODE("\x10\x00\x00\xea"), false},          /* b */
        {EM_PPC64, CODE("\x61\x33\xfd\x4b"), true},         /* bl */
        {EM_PPC64, CODE("\x21\x04\x80\x4e"), true},         /* bctrl */
        {EM_PPC64, CODE("\x20\x04\x80\x4e"), false},        /* bctr */
        {EM_RISCV, CODE("\x41\x11\xef\x00\x00\x01"), true}, /* jal ra */
        {EM_RISCV, CODE("\x41\x11\x82\x95"), true},         /* jalr a1 */
        {EM_RISCV, CODE("\x41\x11\x82\x85"), false},        /* jr a1 */
        {EM_S390, CODE("\xc0\xe5\x00\x00\x00\x10"), true},  /* brasl %r14 */
        {EM_S390, CODE("\x00\x00\x0d\xe1"), true},          /* basr %r14,%r1 */
        {EM_S390, CODE("\x00\x00\x0d\xd0"), false},         /* basr %r13,0: where am I? */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct arch *arch = arch_find(cases[i].machine, cases[i].machine != EM_ARM);
        assert_int_equal(arch->ends_in_call((const uint8_t *)cases[i].bytes, cases[i].size),
                         cases[i].is_call);
    }
}

static bool evaluate(const Dwarf_Op *operations, size_t count, uint64_t *ret)
{
    const struct registers registers = numbered();
    const uint64_t cfa = 0x7000;
    struct core core = {.is_64_bit = true};
    return expression_evaluate(&core, operations, count, &registers, &cfa, 0, ret);
}

static void evaluates_expressions(void **state)
{
    (void)state;
    uint64_t value = 0;
    /* glibc's rule for the CFA in a PLT: rsp + 8 + ((rip & 15) >= 11) << 3 */
    const Dwarf_Op plt[] = {
        {.atom = DW_OP_breg7, .number = 8},
        {.atom = DW_OP_breg16, .number = 12},
        {.atom = DW_OP_lit15},
        {.atom = DW_OP_and},
        {.atom = DW_OP_lit11},
        {.atom = DW_OP_ge},
        {.atom = DW_OP_lit3},
        {.atom = DW_OP_shl},
        {.atom = DW_OP_plus},
    };
    assert_true(evaluate(plt, ARRAY_SIZE(plt), &value));
    assert_true(value == 0x8010);
    const Dwarf_Op cfa[] = {{.atom = DW_OP_call_frame_cfa},
                            {.atom = DW_OP_plus_uconst, .number = 16}};
    assert_true(evaluate(cfa, 2, &value));
    assert_true(value == 0x7010);
}

static void refuses_bad_expressions(void **state)
{
    (void)state;
    uint64_t value = 0;
    const Dwarf_Op forever[] = {{.atom = DW_OP_skip, .number = (Dwarf_Word)-3, .offset = 0}};
    const Dwarf_Op empty[] = {{.atom = DW_OP_plus}};
    const Dwarf_Op zero[] = {{.atom = DW_OP_lit1}, {.atom = DW_OP_lit0}, {.atom = DW_OP_div}};
    const Dwarf_Op unknown[] = {{.atom = DW_OP_form_tls_address}};
    const Dwarf_Op far_register[] = {{.atom = DW_OP_bregx, .number = 1u << 31}};
    Dwarf_Op deep[100];
    for (size_t i = 0; i < ARRAY_SIZE(deep); i++)
        deep[i] = (Dwarf_Op){.atom = DW_OP_lit1};
    assert_false(evaluate(forever, 1, &value));
    assert_false(evaluate(empty, 1, &value));
    assert_false(evaluate(zero, 3, &value));
    assert_false(evaluate(unknown, 1, &value));
    assert_false(evaluate(far_register, 1, &value));
    assert_false(evaluate(deep, ARRAY_SIZE(deep), &value));
    assert_false(evaluate(deep, 0, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_operand),     cmocka_unit_test(knows_traps_and_nothing_else),
        cmocka_unit_test(survives_any_bytes),    cmocka_unit_test(knows_where_calls_end),
        cmocka_unit_test(evaluates_expressions), cmocka_unit_test(refuses_bad_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
