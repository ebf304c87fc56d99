/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source_pipe.c - the core as the kernel sends it, from the pipe. */
#include "hook/source_pipe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "hook/plan.h"
#include "store/base/clock.h"
#include "store/keys.h"

enum { PATIENCE_MS = 250 }; /* how soon a reader sees that the pipe was closed under its feet */

struct source_pipe {
    struct source source;
    int fd;
    const struct plan *plan;
    uint64_t position; /* of the next chunk in the content */
    uint64_t taken;    /* bytes of the core that were read, from plan->head or the pipe */
    uint64_t deadline;
    int end; /* 0 going on, 1 end of file, negative errno */
};

/* Waits for the pipe and reads what is there. 0 at its end. */
static ssize_t read_some(struct source_pipe *pipe, void *buffer, size_t size)
{
    for (;;) {
        ssize_t n = read(pipe->fd, buffer, size);
        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        struct pollfd poll_fd = {.fd = pipe->fd, .events = POLLIN};
        int patience = clock_left_ms(pipe->deadline, PATIENCE_MS);
        if (patience == 0)
            return -ETIMEDOUT;
        (void)poll(&poll_fd, 1, patience); /* whatever it says, read() says it better */
    }
}

/* The next bytes of the core: what was read for the plan first, then the pipe's. */
static ssize_t take_some(struct source_pipe *pipe, unsigned char *buffer, size_t size)
{
    const struct bytes *head = &pipe->plan->head;

    if (pipe->taken >= head->size)
        return read_some(pipe, buffer, size);
    size_t left = head->size - pipe->taken;
    size_t n = left < size ? left : size;
    memcpy(buffer, head->data + pipe->taken, n);
    return (ssize_t)n;
}

/* Fills `buffer`, less only where the core ends or fails, which `end` says then. */
static size_t take_full(struct source_pipe *pipe, unsigned char *buffer, size_t size)
{
    size_t done = 0;

    while (done < size && pipe->end == 0) {
        ssize_t n = take_some(pipe, buffer + done, size - done);
        if (n <= 0) {
            pipe->end = n == 0 ? 1 : (int)n;
            break;
        }
        done += (size_t)n;
        pipe->taken += (size_t)n;
    }
    return done;
}

static int pipe_next(struct source *source, struct chunk *ret)
{
    struct source_pipe *pipe = (struct source_pipe *)source;

    if (pipe->end != 0)
        return pipe->end < 0 ? pipe->end : 0;
    *ret = (struct chunk){.offset = pipe->position, .size = FRAME_CONTENT_MAX};
    return 1;
}

static int pipe_fill(struct source *source, struct chunk *chunk)
{
    struct source_pipe *pipe = (struct source_pipe *)source;

    while (pipe->taken < pipe->position && pipe->end == 0) { /* stored already: passed over */
        uint64_t over = pipe->position - pipe->taken;
        (void)take_full(pipe, chunk->data, over < FRAME_CONTENT_MAX ? over : FRAME_CONTENT_MAX);
    }
    chunk->size = take_full(pipe, chunk->data, chunk->size);
    pipe->position += chunk->size;
    return 0; /* what came is good; how it ended, next() says */
}

static uint64_t pipe_cost(const struct source *source)
{
    return ((const struct source_pipe *)source)->plan->core_size;
}

static int pipe_outcome(const struct source *source, struct metadata *ret)
{
    const struct source_pipe *pipe = (const struct source_pipe *)source;
    uint64_t said = pipe->plan->core_size;

    int r = metadata_set_text(ret, KEY_LAYOUT, "kernel");
    if (r == 0)
        r = metadata_set_u64(ret, KEY_CORE_SIZE, said > pipe->taken ? said : pipe->taken);
    return r;
}

static void pipe_free(struct source *source)
{
    free(source);
}

int source_pipe_new(int fd, const struct plan *plan, uint64_t skip, uint64_t deadline,
                    struct source **ret, struct error *error)
{
    static const struct source_methods methods = {
        .name = "pipe",
        .next = pipe_next,
        .fill = pipe_fill,
        .cost = pipe_cost,
        .outcome = pipe_outcome,
        .free = pipe_free,
    };
    struct source_pipe *pipe = calloc(1, sizeof *pipe);

    if (!pipe)
        return error_errno(error, ENOMEM, "cannot read the pipe");
    pipe->source.methods = &methods;
    pipe->fd = fd;
    pipe->plan = plan;
    pipe->position = skip;
    pipe->deadline = deadline;
    *ret = &pipe->source;
    return 0;
}
