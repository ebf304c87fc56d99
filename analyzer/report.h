/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the analyzer's result, and how it is written: one JSON object, in the internal form
 * that inquest-analyzer(8) describes and store/report.h reads.
 */
#pragma once

#include "analyzer/reason.h"
#include "analyzer/signature.h"
#include "analyzer/symbols.h"
#include "analyzer/unwind.h"

struct report {
    struct modules *modules;
    struct stack *stacks; /* one a thread of the core */
    struct symbols symbols;
    struct reason reason;
    struct signature signature;
    char stack_id[SIGNATURE_SIZE];
    bool complete;
};

/* Fills signature and stack_id from the crashing stack. */
int report_sign(struct report *report);

int report_write(const struct report *report, int fd);
void report_free(struct report *report);

#define AUTO_REPORT CLEANUP(report_free)
