/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keeper_log.c - where the keeper says what went wrong. */
#include "store/keeper_log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/base/text.h"

#define PRIORITY "<28>" /* daemon, warning: syslog(3)'s numbers */

enum { LINE_MAX_SIZE = 900 }; /* what /dev/kmsg takes at once, with room */

static int log_fd = -1; /* a program has one log */

void keeper_log_open(bool to_stderr)
{
    if (!to_stderr)
        log_fd = open("/dev/kmsg", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void keeper_log(const char *format, ...)
{
    char raw[LINE_MAX_SIZE / 2], line[LINE_MAX_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    if (n < 0)
        return;
    AUTO_FREE char *text = text_printable(raw, (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1);
    n = snprintf(line, sizeof line, "%sinquest-keeper: %s\n", log_fd < 0 ? "" : PRIORITY,
                 text ?: "out of memory");
    if (n > 0) /* a log that cannot be written has nobody to be told of */
        (void)io_write(log_fd < 0 ? STDERR_FILENO : log_fd, line,
                       (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}
