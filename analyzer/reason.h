/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason.h - why the process died, in words a person can use.
 *
 * From the signal, its code and address, what lies at that address, the failing instruction, and
 * the messages that libraries leave behind when they abort.
 */
#pragma once

#include "analyzer/messages.h"
#include "analyzer/symbols.h"
#include "analyzer/unwind.h"
#include "store/base/signals.h"

struct reason {
    int signal;
    char signal_name[SIGNAL_NAME_SIZE];
    bool has_code, has_address;
    int code;
    uint64_t address;
    char *sentence;
    struct bytes details; /* more sentences, one a line */
    char *abort_message;  /* glibc's, or NULL */
    char *assertion;      /* the expression in it, or NULL */
    struct exception exception;
    uint8_t instruction[16];
    size_t instruction_size;
};

/* `stack`: the crashing thread's. */
int reason_find(struct modules *modules, const struct stack *stack, const struct symbols *symbols,
                struct reason *ret);
void reason_free(struct reason *reason);
