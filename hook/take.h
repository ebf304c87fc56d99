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

struct take_limits {
    uint64_t buffer;   /* bytes the buffer may take; at least a few chunks are used */
    uint64_t deadline; /* clock.h: the victim is let go then, whatever has come */
    uint64_t grace_us; /* how long to wait afterwards for threads that hang */
    unsigned threads;
    int level;       /* zstd's */
    bool level_auto; /* a faster level while the victim waits for compression */
};

struct take_result {
    int failure;        /* 0 all the source had is written, or the negative errno that ended it */
    bool source_failed; /* the failure was the source's, not the disk's: the record can go on */
    bool stuck;         /* threads still hang: nothing may be joined, only _exit */
    uint64_t offset;    /* content bytes that are in the record */
};

/* Lets the victim go: closes the last copy of the pipe. Called exactly once, from any thread. Not
 * called where the source failed with -ESTALE, since the pipe is still whole. */
typedef void take_release_function(void *context);

int take_run(struct source *source, struct record_writer *writer, const struct take_limits *limits,
             take_release_function *release, void *context, struct take_result *ret);
