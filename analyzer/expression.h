/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expression.h - DWARF expressions as call frame information uses them (DWARF 5, 2.5), bounded in
 * steps and stack.
 */
#pragma once

#include <elfutils/libdw.h>

#include "analyzer/core.h"

/*
 * The value on top of the stack at the end; false where the expression is invalid, endless, or
 * needs memory or registers that are not known. The stack starts with `*initial` where that is not
 * NULL: DWARF pushes the CFA for a register's rule. `bias` is added to addresses of the file.
 */
bool expression_evaluate(struct core *core, const Dwarf_Op *operations, size_t count,
                         const struct registers *registers, const uint64_t *initial, uint64_t bias,
                         uint64_t *ret);
