/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.c - the hook's voice: one line to the kernel's log and to syslog, never blocking. */
#include "hook/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/base/text.h"

enum {
    LINE_SIZE = 700,  /* the kernel cuts a line of /dev/kmsg at about 1000 bytes */
    KERNEL_ERROR = 3, /* <priority>: LOG_KERN would be refused, so it becomes LOG_USER there */
    DAEMON_ERROR = 3 << 3 | 3, /* LOG_DAEMON | LOG_ERR */
};

static void to_kernel(const char *line)
{
    AUTO_FD int fd = open("/dev/kmsg", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    char record[LINE_SIZE + 64]; /* one write is one line of the log */

    int n = snprintf(record, sizeof record, "<%d>inquest-hook[%d]: %s\n", KERNEL_ERROR,
                     (int)getpid(), line);
    if (fd >= 0)
        (void)io_write(fd, record, (size_t)n); /* there is nobody left to tell */
}

/* syslog(3)'s socket, without syslog(3), which blocks where the reader is slow or is the victim. */
static void to_syslog(const char *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    char datagram[LINE_SIZE + 64];

    AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return;
    int n = snprintf(datagram, sizeof datagram, "<%d>inquest-hook[%d]: %s", DAEMON_ERROR,
                     (int)getpid(), line);
    (void)send(fd, datagram, (size_t)n < sizeof datagram ? (size_t)n : sizeof datagram - 1,
               MSG_DONTWAIT | MSG_NOSIGNAL);
}

void log_line(const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    AUTO_FREE char *printable = text_printable(text, strlen(text));
    if (!printable)
        return;
    if (strlen(printable) >= LINE_SIZE) /* escaping made it longer */
        printable[LINE_SIZE - 1] = '\0';
    to_kernel(printable);
    to_syslog(printable);
}
