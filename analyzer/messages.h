/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * messages.h - what libraries leave in memory when they end a process: glibc's abort message
 * (assertions, malloc's checks, smashed stacks) and the C++ exception that nobody caught.
 */
#pragma once

#include "analyzer/symbols.h"
#include "analyzer/unwind.h"

/* glibc's __abort_msg without its newline: a new string, or NULL. */
char *message_of_abort(struct modules *modules);

/* The expression that an abort message of assert() quotes: a new string. NULL: it quotes none, or
 * in another language. */
char *message_assertion(const char *message);

struct exception {
    char *type; /* demangled; NULL: no exception was found */
    char *what; /* what() of the standard library's own types; NULL: not known */
};

/* The exception whose throw or termination is on this stack. */
void message_of_exception(struct modules *modules, const struct stack *stack,
                          const struct symbols *symbols, struct exception *ret);
void exception_free(struct exception *exception);
