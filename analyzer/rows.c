/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows.c - rows of call frame information, decoded by libdw and kept by address. */
#include "analyzer/rows.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/module_files.h"

enum { FIRST_CAPACITY = 4096, MAX_ROWS = 4 * 1024 * 1024, MAX_OPERATIONS = 1024 };

struct rows {
    struct modules *modules;
    struct row **table; /* open addressing */
    size_t capacity, count;
    struct row none; /* for when there is no memory */
};

struct rows *rows_new(struct modules *modules)
{
    struct rows *rows = calloc(1, sizeof(*rows));
    if (!rows)
        return NULL;
    rows->modules = modules;
    rows->capacity = FIRST_CAPACITY;
    rows->table = calloc(rows->capacity, sizeof(*rows->table));
    if (!rows->table) {
        free(rows);
        return NULL;
    }
    return rows;
}

static void row_free(struct row *row)
{
    for (size_t i = 0; row && i < row->rule_count; i++)
        free(row->rules[i].operations);
    if (row) {
        free(row->cfa.operations);
        free(row->rules);
    }
    free(row);
}

void rows_free(struct rows *rows)
{
    for (size_t i = 0; rows && i < rows->capacity; i++)
        row_free(rows->table[i]);
    if (rows)
        free(rows->table);
    free(rows);
}

/* libdw's operations live only as long as its frame. */
static bool copy_operations(struct rule *rule, const Dwarf_Op *operations, size_t count)
{
    if (count > MAX_OPERATIONS)
        return false;
    rule->operations = malloc(count * sizeof(*operations));
    if (!rule->operations)
        return false;
    memcpy(rule->operations, operations, count * sizeof(*operations));
    rule->count = count;
    return true;
}

static bool read_cfa(Dwarf_Frame *frame, struct rule *ret)
{
    Dwarf_Op *operations;
    size_t count;
    if (dwarf_frame_cfa(frame, &operations, &count) != 0 || count == 0)
        return false;
    uint8_t atom = operations[0].atom;
    *ret = (struct rule){.kind = RULE_REGISTER};
    if (count == 1 && atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
        ret->number = (uint8_t)(atom - DW_OP_breg0);
        ret->offset = (int64_t)operations[0].number;
        return true;
    }
    if (count == 1 && atom == DW_OP_bregx && operations[0].number < REGISTER_MAX) {
        ret->number = (uint8_t)operations[0].number;
        ret->offset = (int64_t)operations[0].number2;
        return true;
    }
    ret->kind = RULE_IS_EXPRESSION;
    return copy_operations(ret, operations, count);
}

/* The simple forms become offsets, so that the unwinder's usual step evaluates nothing. */
static bool read_rule(Dwarf_Frame *frame, unsigned number, struct rule *ret)
{
    Dwarf_Op room[3], *operations;
    size_t count;
    *ret = (struct rule){.number = (uint8_t)number};
    if (dwarf_frame_register(frame, (int)number, room, &operations, &count) != 0)
        return true;
    if (count == 0) {
        ret->kind = operations ? RULE_UNDEFINED : RULE_SAME;
        return true;
    }
    bool is_value = operations[count - 1].atom == DW_OP_stack_value;
    size_t body = count - is_value;
    bool on_cfa = operations[0].atom == DW_OP_call_frame_cfa;
    bool plus = body == 2 && operations[1].atom == DW_OP_plus_uconst;
    if (on_cfa && (body == 1 || plus)) {
        ret->kind = is_value ? RULE_IS_OFFSET : RULE_AT_OFFSET;
        ret->offset = plus ? (int64_t)operations[1].number : 0;
        return true;
    }
    if (count == 1 && operations[0].atom == DW_OP_regx) {
        ret->kind = RULE_REGISTER;
        ret->offset = (int64_t)operations[0].number;
        return true;
    }
    if (count == 1 && operations[0].atom >= DW_OP_reg0 && operations[0].atom <= DW_OP_reg31) {
        ret->kind = RULE_REGISTER;
        ret->offset = operations[0].atom - DW_OP_reg0;
        return true;
    }
    ret->kind = is_value ? RULE_IS_EXPRESSION : RULE_AT_EXPRESSION;
    return copy_operations(ret, operations, count);
}

static bool add_rule(Dwarf_Frame *frame, uint8_t number, struct row *row)
{
    struct rule *rule = &row->rules[row->rule_count];
    if (!read_rule(frame, number, rule))
        return false;
    row->rule_count += rule->kind != RULE_UNDEFINED;
    return true;
}

static bool read_rules(const struct arch *arch, Dwarf_Frame *frame, struct row *row)
{
    bool has_return = false;
    row->rules = calloc(arch->general.count + 1, sizeof(*row->rules));
    if (!row->rules || !read_cfa(frame, &row->cfa))
        return false;
    for (size_t i = 0; i < arch->general.count; i++) {
        uint8_t number = arch->general.items[i].dwarf;
        has_return = has_return || number == row->return_column;
        if (number != REGISTER_NONE && !add_rule(frame, number, row))
            return false;
    }
    /* A column of no register: ppc64's signal frames have the interrupted address in one. */
    return has_return || add_rule(frame, row->return_column, row);
}

static Dwarf_Frame *find_frame(struct modules *modules, struct module *module, uint64_t address)
{
    Dwarf_Frame *frame = NULL;
    module_open(modules, module);
    uint64_t in_file = address - module->bias;
    if (module->eh_cfi && dwarf_cfi_addrframe(module->eh_cfi, in_file, &frame) == 0)
        return frame;
    module_open_debug(modules, module);
    if (module->debug_cfi && dwarf_cfi_addrframe(module->debug_cfi, in_file, &frame) == 0)
        return frame;
    return NULL;
}

static struct row *read_row(struct modules *modules, uint64_t address)
{
    struct row *row = calloc(1, sizeof(*row));
    if (!row)
        return NULL;
    row->address = address;
    struct module *module = modules_at(modules, address);
    Dwarf_Frame *frame = module ? find_frame(modules, module, address) : NULL;
    if (!frame)
        return row;
    Dwarf_Addr start, end;
    int column = dwarf_frame_info(frame, &start, &end, &row->is_signal);
    row->bias = module->bias;
    row->return_column = (uint8_t)column;
    row->valid =
        column >= 0 && column < REGISTER_MAX && read_rules(modules->core->arch, frame, row);
    free(frame);
    return row;
}

static size_t slot_of(const struct rows *rows, uint64_t address)
{
    size_t slot = (address * 0x9E3779B97F4A7C15ull >> 20) & (rows->capacity - 1);
    while (rows->table[slot] && rows->table[slot]->address != address)
        slot = (slot + 1) & (rows->capacity - 1);
    return slot;
}

static bool grow(struct rows *rows)
{
    struct rows larger = *rows;
    larger.capacity = 2 * rows->capacity;
    larger.table = calloc(larger.capacity, sizeof(*larger.table));
    if (!larger.table)
        return false;
    for (size_t i = 0; i < rows->capacity; i++)
        if (rows->table[i])
            larger.table[slot_of(&larger, rows->table[i]->address)] = rows->table[i];
    free(rows->table);
    rows->table = larger.table;
    rows->capacity = larger.capacity;
    return true;
}

const struct row *rows_at(struct rows *rows, uint64_t address)
{
    size_t slot = slot_of(rows, address);
    if (rows->table[slot])
        return rows->table[slot];
    if (rows->count >= MAX_ROWS || (2 * rows->count >= rows->capacity && !grow(rows)))
        return &rows->none;
    struct row *row = read_row(rows->modules, address);
    if (!row)
        return &rows->none;
    rows->count++;
    rows->table[slot_of(rows, address)] = row;
    return row;
}
