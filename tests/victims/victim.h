/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * victim.h - what the victims share: each says on stdout who it is, as one line of JSON, and dies.
 *
 * A test compares what Inquest lists with what the victim said of itself. Names are base64 in that
 * line, because they may be any bytes:
 *
 *   {"pid":1,"tid":1,"uid":0,"gid":0,"signal":11,"time_us":1,"comm":"…","exe":"…","cmdline":"…"}
 */
#pragma once

#include <sys/types.h>

/* The number of "SEGV", "ABRT", …: one that victim_dies() knows a real fault for; else exits 64. */
int victim_signal(const char *name);

/* Says who the calling thread is. `pid` is 0, or what the process is called outside its namespace.
 */
void victim_says(int signal, pid_t pid);

/* Brings the signal about as a program's own mistake would: by the instruction that faults. */
_Noreturn void victim_faults(int signal);

/* Both. */
_Noreturn void victim_dies(int signal);

/* A whole number from an argument; exits 64 if it is none. */
unsigned long victim_number(const char *argument);

/* Ends the victim, telling why, if `condition` is false: a victim that cannot play its part. */
void victim_needs(int condition, const char *what);
