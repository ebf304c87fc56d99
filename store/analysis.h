/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * analysis.h - has one core or record explained: runs inquest-analyzer in its cage, hands it the
 * files it asks for, and collects its report.
 *
 * The analyzer reads hostile bytes and is trusted with nothing: it opens no file itself. A broker
 * process with the caller's rights answers its requests (analysis_protocol.h) with descriptors of
 * regular ELF files that are no cores. What comes back is JSON from an untrusted program: it is
 * bounded in size here and must be parsed as hostile (report.h).
 *
 * Three processes: the caller, who waits; the broker, so that a file server that never answers
 * hangs something else; and the analyzer. Both are gone when analysis_run() returns, but where one
 * of them hangs in the kernel for such a server: it is killed, has none of the caller's files open
 * that are locked, and ends when the server does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/bytes.h"
#include "store/base/error.h"

/* A file that is already open and stands for a path of the core: a copy kept at crash time. */
struct analysis_file {
    const char *path; /* as the core names it */
    int fd;           /* stays the caller's */
};

struct analysis_options {
    const char *exe;                   /* use this as the main executable; NULL: as the core says */
    const char *sysroot;               /* look up the core's paths below it; NULL: below / */
    const char *const *debug_dirs;     /* more roots of debug files, NULL-terminated; may be NULL */
    const struct analysis_file *files; /* preferred to what the paths lead to */
    size_t file_count;
    const char *const *debuginfod; /* URLs to ask for missing files, NULL-terminated; NULL or empty:
                                      those of the caller's DEBUGINFOD_URLS, if it is set */
    int root_fd;        /* the victim's root directory, tried before `sysroot`; -1: none */
    int64_t reader_uid; /* root's broker opens what this user may open, and nothing else; -1: all */
    gid_t reader_gid;
    int store_fd;        /* a store, whose modules/<build-id> are tried; -1: none */
    const char *kept;    /* and its files whose names are this and the build-id; NULL: none */
    unsigned max_frames; /* of one thread */
    unsigned max_threads;
    uint64_t deadline_us; /* for everything; a report cut short by it says so */
    uint64_t memory;      /* bytes the analyzer may allocate */
    size_t max_report;    /* bytes */
    int niceness;         /* added to the caller's: 0 for a person who waits */
    bool packages;        /* ask dpkg's, rpm's, pacman's or apk's database who owns the modules */
    bool core_only;       /* ask for no file: explain by the core alone */
};

#define ANALYSIS_DEFAULTS                                                                          \
    {                                                                                              \
        .root_fd = -1, .reader_uid = -1, .store_fd = -1, .max_frames = 4096, .max_threads = 65536, \
        .deadline_us = 120 * 1000000ull, .memory = 2048ull << 20, .max_report = 64u << 20,         \
        .packages = true,                                                                          \
    }

/*
 * Explains `core_fd`: a record or a plain ELF core, a regular file or memfd (read with pread from
 * its start; the position doesn't matter). When the analyzer dies of what it reads, it is run again
 * with less ambition (without DWARF, then without any file), so that there is a report of whatever
 * can be told; it says so under "problems".
 *
 * Root's analyzer runs as the user inquest-analyzer (65534 where that is missing), others' as the
 * caller. Appends the report to `ret_report`. -ETIME at the deadline, -EFBIG where the report is
 * larger than allowed, -EBADMSG where the file is no core, -EIO where the analyzer fails.
 */
int analysis_run(int core_fd, const struct analysis_options *options, struct bytes *ret_report,
                 struct error *error);

/* How many analyses of this process have left something hanging, as above. */
unsigned analysis_left_behind(void);

/*
 * Appends to `ret` a debug file whose sections are not compressed any more, made in the same cage
 * of one whose sections are; nothing where they are not. Errors as above.
 */
int analysis_inflate(int debug_fd, const struct analysis_options *options, struct bytes *ret,
                     struct error *error);
