/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-broker.c - any messages as what an analyzer asks, as one would that a core has taken over:
 * a byte says how many multiples of 16 bytes are the next one. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/broker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES_MAX = 4, UNIT = 16 }; /* more answers than that a socket doesn't hold */

static void ask(int socket, const uint8_t *data, size_t size)
{
    for (int i = 0; i < MESSAGES_MAX && size > 0; i++) {
        size_t length = (size_t)data[0] * UNIT < size - 1 ? (size_t)data[0] * UNIT : size - 1;
        (void)send(socket, data + 1, length, MSG_DONTWAIT);
        data += 1 + length;
        size -= 1 + length;
    }
    shutdown(socket, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const directories[] = {"/usr/lib/debug", NULL};
    static const char *const servers[] = {"", NULL};
    struct analysis_options options = ANALYSIS_DEFAULTS;
    int sockets[2];
    unsetenv("DEBUGINFOD_URLS");
    options.debug_dirs = directories;
    options.debuginfod = servers;
    options.packages = size % 8 == 0; /* which is slow */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return 0;
    int first = sockets[0] < sockets[1] ? sockets[0] : sockets[1];
    options.root_fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
    options.store_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ask(sockets[0], data, size);
    broker_serve(sockets[1], &options);
    /* A broker ends with its process, and leaves its descriptors to that. */
    close_range((unsigned)first, ~0u, 0);
    return 0;
}
