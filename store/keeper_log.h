/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper_log.h - where the keeper says what went wrong: the kernel log, or stderr.
 *
 * Never through a service: it may be the one that crashed, and would hold whoever waits for it.
 */
#pragma once

#include <stdbool.h>

void keeper_log_open(bool to_stderr); /* while still root, who alone may write to /dev/kmsg */

/* One line; control characters are taken out. */
void keeper_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
