/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.h - rows of call frame information: how to find a caller's registers at one address.
 *
 * libdw decodes a row in some microseconds; threads of one program share most addresses, so rows
 * are kept by address. .eh_frame is asked first (it has a search table), then .debug_frame.
 */
#pragma once

#include "analyzer/modules.h"

enum rule_kind {
    RULE_UNDEFINED,
    RULE_SAME,
    RULE_AT_OFFSET,     /* in memory at CFA + offset */
    RULE_IS_OFFSET,     /* CFA + offset itself */
    RULE_REGISTER,      /* in register `offset` */
    RULE_AT_EXPRESSION, /* in memory at the expression's value */
    RULE_IS_EXPRESSION, /* the expression's value */
};

struct rule {
    uint8_t kind;
    uint8_t number; /* of the register it restores */
    int64_t offset;
    Dwarf_Op *operations; /* of an expression */
    size_t count;
};

struct row {
    uint64_t address;
    bool valid;     /* there is call frame information */
    bool is_signal; /* a signal trampoline */
    uint8_t return_column;
    uint64_t bias;
    struct rule cfa; /* RULE_REGISTER: register `number` + offset; or RULE_IS_EXPRESSION */
    struct rule *rules;
    size_t rule_count;
};

struct rows;

struct rows *rows_new(struct modules *modules); /* NULL without memory */
void rows_free(struct rows *rows);

/* Never NULL; the row may be invalid. Stays until rows_free(). */
const struct row *rows_at(struct rows *rows, uint64_t address);
