/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quick - waits until its standard input ends, then dies at once: many of them make a storm.
 *
 * Its memory says "quick victim PID was here" once, which its core must say too.
 */
#include "tests/victims/victim.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile char token[64];

int main(void)
{
    /* Put together here, so that only the core of this very process has it. */
    snprintf((char *)token, sizeof token, "quick victim %d was here", getpid());
    victim_says(SIGSEGV, 0);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    victim_faults(SIGSEGV);
}
