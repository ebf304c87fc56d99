/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwind.h - the stack of one thread: its frames from the innermost out, how each was found, and
 * why there are no more.
 *
 * Ways from a frame to its caller, in this order: the registers that the kernel saved where code is
 * its trampoline back from a signal handler; call frame information; where the program counter
 * is no code, the return address of the call that led there; the frame pointer; a scan of the stack
 * for an address that follows a call. What was guessed is marked so. A thread's failure is its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/rows.h"

enum trust {
    TRUST_REGISTERS,
    TRUST_CFI,
    TRUST_SIGNAL, /* interrupted by a signal, registers from the signal frame */
    TRUST_CALL_POP,
    TRUST_FRAME_POINTER,
    TRUST_SCAN,
};

enum stop {
    STOP_END, /* the outermost frame says so */
    STOP_NO_CFI,
    STOP_NO_MEMORY,
    STOP_BAD_PC,
    STOP_REPEAT,
    STOP_CAP,
    STOP_DEADLINE,
    STOP_NO_REGISTERS,
};

struct frame {
    uint64_t pc;
    uint64_t sp;
    bool exact;      /* the instruction at `pc` was next; else `pc` follows a call */
    bool trampoline; /* the kernel's way back from a signal handler */
    uint8_t trust;
};

/* The address whose function and line are the frame's: a call may be a function's last word. */
static inline uint64_t frame_address(const struct frame *frame)
{
    return frame->exact || frame->pc == 0 ? frame->pc : frame->pc - 1;
}

struct stack {
    struct frame *frames;
    size_t count;
    uint64_t omitted; /* frames cut out behind the first count / 2 */
    enum stop stop;
};

struct unwinder {
    struct modules *modules;
    struct rows *rows;
    size_t max_frames;
    uint64_t end_us; /* CLOCK_MONOTONIC: no further then */
};

const char *trust_name(enum trust trust);
const char *stop_name(enum stop stop);

/* -ENOMEM, or 0. The caller frees ret->frames. */
int unwind_thread(struct unwinder *unwinder, const struct core_thread *thread, struct stack *ret);
