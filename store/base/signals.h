/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signals.h - signals by number and by name. */
#pragma once

enum { SIGNAL_NAME_SIZE = 16 };

/* "SIGSEGV", "SIGRTMIN+3", or "SIG99" for a number without a name. */
void signal_name(char ret[static SIGNAL_NAME_SIZE], int number);

/* "SEGV_MAPERR": what si_code is called in sigaction(2); NULL: that has no name for it. */
const char *signal_code_name(int signal, int code);

/* Of a number, or a name with or without SIG, in any case. -EINVAL. */
int signal_from_name(const char *text, int *ret);
