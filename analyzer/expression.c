/* SPDX-License-Identifier: GPL-2.0-or-later */
/* expression.c - evaluates DWARF expressions of call frame information. */
#include "analyzer/expression.h"

#include <dwarf.h>

enum { MAX_DEPTH = 64, MAX_STEPS = 4096 };

struct machine {
    struct core *core;
    const Dwarf_Op *operations;
    size_t count, next; /* the operation to come */
    const struct registers *registers;
    const uint64_t *initial;
    uint64_t bias;
    uint64_t stack[MAX_DEPTH];
    size_t depth;
};

static bool push(struct machine *machine, uint64_t value)
{
    if (machine->depth == MAX_DEPTH)
        return false;
    machine->stack[machine->depth++] = value;
    return true;
}

static bool push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
    return number < REGISTER_MAX && register_known(machine->registers, (unsigned)number) &&
           push(machine, machine->registers->value[number] + offset);
}

static bool dereference(struct machine *machine, uint64_t size)
{
    uint64_t *top = &machine->stack[machine->depth - 1];
    uint8_t bytes[8];
    if ((size != 1 && size != 2 && size != 4 && size != 8) ||
        !core_read(machine->core, *top, bytes, size))
        return false;
    *top = core_number(machine->core, bytes, size);
    return true;
}

/* A branch goes to the operation at that byte of the expression; the end is a valid target. */
static bool branch(struct machine *machine, const Dwarf_Op *operation)
{
    Dwarf_Word target = operation->offset + 3 + (Dwarf_Word)(int16_t)operation->number;
    for (size_t i = 0; i < machine->count; i++)
        if (machine->operations[i].offset == target) {
            machine->next = i;
            return true;
        }
    machine->next = machine->count;
    return target > machine->operations[machine->count - 1].offset;
}

/* Operations on the two topmost values. */
static bool binary(uint8_t atom, uint64_t x, uint64_t y, uint64_t *ret)
{
    int64_t signed_x = (int64_t)x, signed_y = (int64_t)y;
    uint64_t shift = y < 64 ? y : 63;
    switch (atom) {
    case DW_OP_plus:
        *ret = x + y;
        return true;
    case DW_OP_minus:
        *ret = x - y;
        return true;
    case DW_OP_mul:
        *ret = x * y;
        return true;
    case DW_OP_div:
        if (y == 0 || (signed_y == -1 && signed_x == INT64_MIN))
            return false;
        *ret = (uint64_t)(signed_x / signed_y);
        return true;
    case DW_OP_mod:
        if (y == 0)
            return false;
        *ret = x % y;
        return true;
    case DW_OP_and:
        *ret = x & y;
        return true;
    case DW_OP_or:
        *ret = x | y;
        return true;
    case DW_OP_xor:
        *ret = x ^ y;
        return true;
    case DW_OP_shl:
        *ret = y < 64 ? x << shift : 0;
        return true;
    case DW_OP_shr:
        *ret = y < 64 ? x >> shift : 0;
        return true;
    case DW_OP_shra:
        *ret = (uint64_t)(signed_x >> shift);
        return true;
    case DW_OP_eq:
        *ret = x == y;
        return true;
    case DW_OP_ne:
        *ret = x != y;
        return true;
    case DW_OP_lt:
        *ret = signed_x < signed_y;
        return true;
    case DW_OP_le:
        *ret = signed_x <= signed_y;
        return true;
    case DW_OP_gt:
        *ret = signed_x > signed_y;
        return true;
    case DW_OP_ge:
        *ret = signed_x >= signed_y;
        return true;
    default:
        return false;
    }
}

/* Operations that move values about or change the topmost. */
static bool rearrange(struct machine *machine, const Dwarf_Op *operation)
{
    uint64_t *stack = machine->stack, swapped;
    size_t depth = machine->depth;
    switch (operation->atom) {
    case DW_OP_dup:
        return depth >= 1 && push(machine, stack[depth - 1]);
    case DW_OP_drop:
        return depth >= 1 && machine->depth--;
    case DW_OP_over:
        return depth >= 2 && push(machine, stack[depth - 2]);
    case DW_OP_pick:
        return operation->number < depth && push(machine, stack[depth - 1 - operation->number]);
    case DW_OP_swap:
        if (depth < 2)
            return false;
        swapped = stack[depth - 1];
        stack[depth - 1] = stack[depth - 2];
        stack[depth - 2] = swapped;
        return true;
    case DW_OP_rot:
        if (depth < 3)
            return false;
        swapped = stack[depth - 1];
        stack[depth - 1] = stack[depth - 2];
        stack[depth - 2] = stack[depth - 3];
        stack[depth - 3] = swapped;
        return true;
    default:
        return false;
    }
}

static bool unary(struct machine *machine, const Dwarf_Op *operation)
{
    if (machine->depth == 0)
        return false;
    uint64_t *top = &machine->stack[machine->depth - 1];
    switch (operation->atom) {
    case DW_OP_deref:
        return dereference(machine, machine->core->is_64_bit ? 8 : 4);
    case DW_OP_deref_size:
        return dereference(machine, operation->number);
    case DW_OP_plus_uconst:
        *top += operation->number;
        return true;
    case DW_OP_abs:
        *top = (int64_t)*top < 0 ? -*top : *top;
        return true;
    case DW_OP_neg:
        *top = -*top;
        return true;
    case DW_OP_not:
        *top = ~*top;
        return true;
    case DW_OP_bra:
        return machine->stack[--machine->depth] == 0 || branch(machine, operation);
    default:
        return false;
    }
}

static bool constant(struct machine *machine, const Dwarf_Op *operation)
{
    uint8_t atom = operation->atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
        return push(machine, atom - DW_OP_lit0);
    if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
        return push(machine, operation->number);
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
        return push_register(machine, atom - DW_OP_breg0, operation->number);
    if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31)
        return push_register(machine, atom - DW_OP_reg0, 0);
    switch (atom) {
    case DW_OP_regx:
        return push_register(machine, operation->number, 0);
    case DW_OP_bregx:
        return push_register(machine, operation->number, operation->number2);
    case DW_OP_addr:
        return push(machine, operation->number + machine->bias);
    case DW_OP_call_frame_cfa:
        return machine->initial && push(machine, *machine->initial);
    default:
        return false;
    }
}

static bool step(struct machine *machine)
{
    const Dwarf_Op *operation = &machine->operations[machine->next++];
    switch (operation->atom) {
    case DW_OP_nop:
    case DW_OP_stack_value:
        return true;
    case DW_OP_skip:
        return branch(machine, operation);
    default:
        break;
    }
    uint64_t result;
    size_t depth = machine->depth;
    if (depth >= 2 &&
        binary(operation->atom, machine->stack[depth - 2], machine->stack[depth - 1], &result)) {
        machine->depth--;
        machine->stack[depth - 2] = result;
        return true;
    }
    return constant(machine, operation) || rearrange(machine, operation) ||
           unary(machine, operation);
}

bool expression_evaluate(struct core *core, const Dwarf_Op *operations, size_t count,
                         const struct registers *registers, const uint64_t *initial, uint64_t bias,
                         uint64_t *ret)
{
    struct machine machine = {
        .core = core,
        .operations = operations,
        .count = count,
        .registers = registers,
        .initial = initial,
        .bias = bias,
    };
    /* libdw puts DW_OP_call_frame_cfa in front of a register's own expression. */
    for (unsigned steps = 0; machine.next < count; steps++)
        if (steps == MAX_STEPS || !step(&machine))
            return false;
    if (machine.depth == 0)
        return false;
    *ret = machine.stack[machine.depth - 1];
    return true;
}
