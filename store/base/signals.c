/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signals.c - signals by number and by name. */
#include "store/base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "store/base/cleanup.h"
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

/* By number from 1 on, as in Linux's asm-generic/siginfo.h: older headers lack the later ones. */
static const char *const ill_codes[] = {
    "ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP",   "ILL_PRVOPC",
    "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK", "ILL_BADIADDR",
};
static const char *const fpe_codes[] = {
    "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF",        "FPE_FLTUND",
    "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB", [13] = "FPE_FLTUNK", [14] = "FPE_CONDTRAP",
};
static const char *const segv_codes[] = {
    "SEGV_MAPERR",  "SEGV_ACCERR",  "SEGV_BNDERR",  "SEGV_PKUERR",  "SEGV_ACCADI",
    "SEGV_ADIDERR", "SEGV_ADIPERR", "SEGV_MTEAERR", "SEGV_MTESERR", "SEGV_CPERR",
};
static const char *const bus_codes[] = {
    "BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO",
};
static const char *const trap_codes[] = {
    "TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK", "TRAP_PERF",
};
static const char *const sys_codes[] = {"SYS_SECCOMP", "SYS_USER_DISPATCH"};

static const struct {
    int signal;
    const char *const *names;
    size_t count;
} fault_codes[] = {
    {SIGILL, ill_codes, ARRAY_SIZE(ill_codes)},    {SIGFPE, fpe_codes, ARRAY_SIZE(fpe_codes)},
    {SIGSEGV, segv_codes, ARRAY_SIZE(segv_codes)}, {SIGBUS, bus_codes, ARRAY_SIZE(bus_codes)},
    {SIGTRAP, trap_codes, ARRAY_SIZE(trap_codes)}, {SIGSYS, sys_codes, ARRAY_SIZE(sys_codes)},
};

/* Of every signal. */
static const struct {
    int code;
    const char *name;
} common_codes[] = {
    {0, "SI_USER"},      {0x80, "SI_KERNEL"}, {-1, "SI_QUEUE"}, {-2, "SI_TIMER"},
    {-3, "SI_MESGQ"},    {-4, "SI_ASYNCIO"},  {-5, "SI_SIGIO"}, {-6, "SI_TKILL"},
    {-7, "SI_DETHREAD"}, {-60, "SI_ASYNCNL"},
};

const char *signal_code_name(int signal, int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(common_codes); i++)
        if (common_codes[i].code == code)
            return common_codes[i].name;
    for (size_t i = 0; i < ARRAY_SIZE(fault_codes); i++)
        if (fault_codes[i].signal == signal && code > 0 && (size_t)code <= fault_codes[i].count)
            return fault_codes[i].names[code - 1];
    return NULL;
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
