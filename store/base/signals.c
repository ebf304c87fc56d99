/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signals.c - signals by number and by name. */
#include "store/base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "store/base/parse.h"

void signal_name(char ret[static SIGNAL_NAME_SIZE], int number)
{
    const char *name = number > 0 ? sigabbrev_np(number) : NULL;
    if (name)
        snprintf(ret, SIGNAL_NAME_SIZE, "SIG%s", name);
    else if (number == SIGRTMIN)
        snprintf(ret, SIGNAL_NAME_SIZE, "SIGRTMIN");
    else if (number > SIGRTMIN && number <= SIGRTMAX)
        snprintf(ret, SIGNAL_NAME_SIZE, "SIGRTMIN+%d", number - SIGRTMIN);
    else
        snprintf(ret, SIGNAL_NAME_SIZE, "SIG%d", number);
}

int signal_from_name(const char *text, int *ret)
{
    uint64_t number;
    if (parse_u64(text, 10, 1024, &number) == 0) {
        *ret = (int)number;
        return 0;
    }
    for (int i = 1; i <= SIGRTMAX; i++) {
        char name[SIGNAL_NAME_SIZE];
        signal_name(name, i);
        if (strcasecmp(text, name) == 0 || strcasecmp(text, name + 3) == 0) {
            *ret = i;
            return 0;
        }
    }
    return -EINVAL;
}
