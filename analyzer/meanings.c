/* SPDX-License-Identifier: GPL-2.0-or-later */
/* meanings.c - meanings of signals and their codes, as tables. */
#include "analyzer/meanings.h"

#include <signal.h>

/* Not in the C library's headers of all ages; values of asm-generic/siginfo.h. */
enum {
    CODE_SEGV_BNDERR = 3,
    CODE_SEGV_PKUERR = 4,
    CODE_SEGV_MTEAERR = 8,
    CODE_SEGV_MTESERR = 9,
    CODE_SEGV_CPERR = 10,
    CODE_SYS_SECCOMP = 1,
    CODE_ILL_BADIADDR = 9,
};

static const struct {
    int signal;
    const char *meaning;
} signals[] = {
    {SIGSEGV, "segmentation fault"},
    {SIGABRT, "aborted"},
    {SIGBUS, "bus error"},
    {SIGFPE, "arithmetic error"},
    {SIGILL, "illegal instruction"},
    {SIGTRAP, "trap"},
    {SIGSYS, "forbidden system call"},
    {SIGQUIT, "quit"},
    {SIGXCPU, "limit of processor time exceeded"},
    {SIGXFSZ, "limit of file size exceeded"},
    {SIGHUP, "hangup"},
    {SIGINT, "interrupted"},
    {SIGKILL, "killed"},
    {SIGUSR1, "user signal 1"},
    {SIGUSR2, "user signal 2"},
    {SIGPIPE, "broken pipe"},
    {SIGALRM, "alarm"},
    {SIGTERM, "terminated"},
};

static const struct {
    int signal, code;
    const char *meaning;
} codes[] = {
    {SIGSEGV, SEGV_MAPERR, "nothing is mapped there"},
    {SIGSEGV, SEGV_ACCERR, "the mapping does not allow it"},
    {SIGSEGV, CODE_SEGV_BNDERR, "a bounds check failed"},
    {SIGSEGV, CODE_SEGV_PKUERR, "a memory protection key forbids it"},
    {SIGSEGV, CODE_SEGV_MTEAERR, "memory tag mismatch, found late"},
    {SIGSEGV, CODE_SEGV_MTESERR, "memory tag mismatch"},
    {SIGSEGV, CODE_SEGV_CPERR, "control flow protection: the return address was changed"},
    {SIGBUS, BUS_ADRALN, "the address is not aligned"},
    {SIGBUS, BUS_ADRERR, "the memory behind the address does not exist"},
    {SIGBUS, BUS_OBJERR, "hardware error"},
    {SIGBUS, BUS_MCEERR_AR, "uncorrectable memory error"},
    {SIGBUS, BUS_MCEERR_AO, "uncorrectable memory error"},
    {SIGFPE, FPE_INTDIV, "integer division by zero"},
    {SIGFPE, FPE_INTOVF, "integer overflow"},
    {SIGFPE, FPE_FLTDIV, "floating-point division by zero"},
    {SIGFPE, FPE_FLTOVF, "floating-point overflow"},
    {SIGFPE, FPE_FLTUND, "floating-point underflow"},
    {SIGFPE, FPE_FLTRES, "inexact floating-point result"},
    {SIGFPE, FPE_FLTINV, "invalid floating-point operation"},
    {SIGFPE, FPE_FLTSUB, "subscript out of range"},
    {SIGILL, ILL_ILLOPC, "illegal opcode"},
    {SIGILL, ILL_ILLOPN, "illegal operand"},
    {SIGILL, ILL_ILLADR, "illegal addressing mode"},
    {SIGILL, ILL_ILLTRP, "illegal trap"},
    {SIGILL, ILL_PRVOPC, "privileged opcode"},
    {SIGILL, ILL_PRVREG, "privileged register"},
    {SIGILL, ILL_COPROC, "coprocessor error"},
    {SIGILL, ILL_BADSTK, "internal stack error"},
    {SIGILL, CODE_ILL_BADIADDR, "unimplemented instruction address"},
    {SIGTRAP, TRAP_BRKPT, "breakpoint"},
    {SIGTRAP, TRAP_TRACE, "single step"},
    {SIGSYS, CODE_SYS_SECCOMP, "a seccomp filter forbids it"},
};

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

const char *signal_meaning(int signal)
{
    for (size_t i = 0; i < COUNT(signals); i++)
        if (signals[i].signal == signal)
            return signals[i].meaning;
    return NULL;
}

const char *signal_code_meaning(int signal, int code)
{
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i].signal == signal && codes[i].code == code)
            return codes[i].meaning;
    return NULL;
}

bool signal_was_sent(int code)
{
    return code == SI_USER || code == SI_TKILL || code == SI_QUEUE;
}

bool signal_has_address(int signal, int code)
{
    return code > 0 && (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
                        signal == SIGILL || signal == SIGTRAP);
}
