/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * take.h - carries a core from its source into the record: threads, the bounded buffer, the
 * release.
 *
 * Every thread does whatever is most urgent: fill the next chunk while a buffer is free, else write
 * what is ready in order, else compress the oldest filled chunk. So a process that fits into the
 * buffer is let go at the speed of copying, and a bigger one is throttled by compression. The
 * calling thread only watches the clock, so that the release never waits for a disk or for memory
 * that hangs.
 */
#pragma once

#include "hook/source.h"
#include "store/record_writer.h"

/* Asks whether the record may become `size` bytes: 0, or why not. May wait for some seconds. */
typedef int take_grow_function(void *context, uint64_t size);

struct take_limits {
    uint64_t buffer;          /* bytes the buffer may take; a few chunks are used in any case */
    uint64_t deadline;        /* clock.h: the victim is let go then, whatever has come */
    uint64_t grace_us;        /* how long after that threads may hang before they are given up */
    uint64_t room;            /* bytes the record may become: beyond, writing fails with -EDQUOT */
    take_grow_function *grow; /* asked before each frame is written, by one thread; may be NULL */
    unsigned threads;
    int level;       /* zstd's */
    bool level_auto; /* a faster level while the victim waits for compression */
};

struct take_result {
    int source_failure; /* 0 the source came to its end, or what it failed with; -ETIMEDOUT */
    int write_failure;  /* 0, or why the record cannot be written on (-ENOSPC, -ENOMEM, ...) */
    bool stuck;         /* threads hang: only _exit() is left */
    bool released;      /* the victim was let go */
};

/* Lets the victim go: closes the last copy of the pipe. Called at most once, by any thread; not
 * where the source failed in itself, since the pipe may still be whole. */
typedef void take_release_function(void *context);

/*
 * Takes everything the source has, to its end, its failure, the disk's failure or the deadline.
 * What was written is in order and without gaps: record_writer_content_size() says how far it
 * goes. Returns 0, or -ENOMEM, -EAGAIN where no thread could be started.
 */
int take_run(struct source *source, struct record_writer *writer, const struct take_limits *limits,
             take_release_function *release, void *context, struct take_result *ret);
