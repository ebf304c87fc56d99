/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - the hook's voice: one line to the kernel's log and to syslog, never blocking.
 *
 * Only used after the victim is let go: it may be the log daemon itself.
 */
#pragma once

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
