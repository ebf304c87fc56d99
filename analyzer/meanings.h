/* SPDX-License-Identifier: GPL-2.0-or-later */
/* meanings.h - meanings of signals and their codes, in words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

const char *signal_meaning(int signal); /* "segmentation fault"; NULL: unknown */

/* What si_code says beyond the signal ("integer division by zero"); NULL: nothing. */
const char *signal_code_meaning(int signal, int code);

/* True where a process, maybe the victim itself, sent the signal: siginfo has pid and uid. */
bool signal_was_sent(int code);

/* True where the kernel raised it for a fault: siginfo has an address. */
bool signal_has_address(int signal, int code);
