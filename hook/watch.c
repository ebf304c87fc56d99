/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - sees to it that the victim is let go in time. */
#include "hook/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook/process.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"

enum {
    GRACE_US = 15 * 1000 * 1000, /* more than the worker's own (capture.c) */
    STEP_MS = 1000,
    CALLS_MAX = 64,             /* of keepers: a core's room doubles each time */
    LINGER_CPU_US = 500 * 1000, /* of the processor, however busy the machine is */
    LINGER_STEP_US = 10 * 1000,
};

/* What travels; the descriptors that belong to it go beside it. */
struct message {
    enum { MESSAGE_PART, MESSAGE_MODULES, MESSAGE_ROOM, MESSAGE_SEALED } kind;
    struct part part;
    struct room room;
};

union control {
    struct cmsghdr header; /* for its alignment */
    char room[CMSG_SPACE(MODULES_MAX * sizeof(int))];
};

static int send_message(int socket, const struct message *message, const int *fds, size_t count)
{
    struct iovec data = {(void *)(uintptr_t)message, sizeof *message}; /* only read */
    union control control = {0};
    struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};

    if (count > 0) {
        header.msg_control = control.room;
        header.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(count * sizeof *fds);
        memcpy(CMSG_DATA(part), fds, count * sizeof *fds);
    }
    return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int watch_send_part(int socket, const struct part *part)
{
    struct message message = {.kind = MESSAGE_PART, .part = *part};
    int fds[2] = {part->dir, part->fd};
    return send_message(socket, &message, fds, ARRAY_SIZE(fds));
}

int watch_send_modules(int socket, const struct modules *modules)
{
    struct message message = {.kind = MESSAGE_MODULES};
    return send_message(socket, &message, modules->fds, modules->count);
}

int watch_send_room(int socket, const struct room *room)
{
    struct message message = {.kind = MESSAGE_ROOM, .room = *room};
    return room->ledger.fd < 0 ? 0 : send_message(socket, &message, &room->ledger.fd, 1);
}

int watch_send_sealed(int socket)
{
    struct message message = {.kind = MESSAGE_SEALED};
    return send_message(socket, &message, NULL, 0);
}

static void accept_message(const struct message *message, const int *fds, size_t count,
                           struct watched *watched, bool *ret_sealed)
{
    if (message->kind == MESSAGE_PART && count == 2) {
        part_close(watched->part);
        *watched->part = message->part;
        watched->part->dir = fds[0];
        watched->part->fd = fds[1];
    } else if (message->kind == MESSAGE_MODULES && count <= MODULES_MAX) {
        modules_close(watched->modules);
        memcpy(watched->modules->fds, fds, count * sizeof *fds);
        watched->modules->count = count;
    } else if (message->kind == MESSAGE_ROOM && count == 1) {
        *watched->room = message->room;
        watched->room->ledger.fd = fds[0];
    } else if (message->kind == MESSAGE_SEALED) {
        *ret_sealed = true;
    }
}

/* Receives one message. False at the end of the conversation. */
static bool receive(int socket, struct watched *watched, bool *ret_sealed)
{
    struct message message;
    struct iovec data = {&message, sizeof message};
    union control control;
    struct msghdr header = {.msg_iov = &data,
                            .msg_iovlen = 1,
                            .msg_control = control.room,
                            .msg_controllen = sizeof control.room};
    int fds[MODULES_MAX];
    size_t count = 0;

    ssize_t n = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n != (ssize_t)sizeof message)
        return false;
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights && rights->cmsg_type == SCM_RIGHTS) {
        count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(rights), count * sizeof *fds); /* at most what control has room for */
    }
    accept_message(&message, fds, count, watched, ret_sealed);
    return true;
}

/* What to do when the time has come; each step once. */
struct patience {
    bool killed_worker;
    bool killed_victim;
    uint64_t held_since; /* the victim is held although the pipe was closed; 0 it isn't */
};

static void check_time(struct patience *patience, pid_t worker, const struct victim *victim,
                       const struct progress *progress)
{
    uint64_t now = clock_now_us(), deadline = progress->deadline;

    if (progress->released == 0 && !patience->killed_worker) {
        if (now < deadline || now - deadline < GRACE_US)
            return;
        patience->killed_worker = true;
        (void)kill(worker, SIGKILL); /* our own child, not reaped yet: cannot be another's */
    }
    if (patience->killed_victim || !victim_is_held(victim)) {
        patience->held_since = 0;
        return;
    }
    if (patience->held_since == 0)
        patience->held_since = now;
    if (now - patience->held_since < GRACE_US)
        return;
    patience->killed_victim = true;
    (void)victim_kill(victim);
}

/* A keeper for each time that the worker, who is in his cage, rings; not too many of them. */
static void answer_bell(int bell, const char *config, unsigned *calls)
{
    uint64_t rung;
    if (read(bell, &rung, sizeof rung) > 0 && (*calls)++ < CALLS_MAX)
        process_call_keeper(config);
}

int watch_run(pid_t worker, int socket, const struct victim *victim,
              const struct progress *progress, const char *config, struct watched *ret)
{
    const int bell = progress->bell; /* what is there later is a caged process's word */
    struct patience patience = {0};
    unsigned calls = 0;
    bool sealed = false;
    int status = 0;

    for (bool open = true; open;) {
        struct pollfd poll_fds[] = {{.fd = socket, .events = sealed ? 0 : POLLIN},
                                    {.fd = bell, .events = POLLIN}};
        int n = poll(poll_fds, ARRAY_SIZE(poll_fds), STEP_MS);
        if (n > 0 && poll_fds[1].revents)
            answer_bell(bell, config, &calls);
        if (n > 0 && poll_fds[0].revents)
            open = sealed ? !(poll_fds[0].revents & (POLLHUP | POLLERR))
                          : receive(socket, ret, &sealed);
        check_time(&patience, worker, victim, progress);
    }
    while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

void watch_end(const struct victim *victim)
{
    const uint64_t began = victim_cpu_us(victim), patience = clock_now_us() + GRACE_US;

    while (victim_is_held(victim)) {
        if (victim_cpu_us(victim) > began + LINGER_CPU_US || clock_now_us() > patience) {
            (void)victim_kill(victim);
            return;
        }
        usleep(LINGER_STEP_US);
    }
}
