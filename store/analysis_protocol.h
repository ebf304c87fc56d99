/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * analysis_protocol.h - what the analyzer and its broker say to each other.
 *
 * One SOCK_SEQPACKET pair; the analyzer asks, the broker answers each question once, in order. A
 * message is a header and a text behind it; both ends run on one machine and come from one build,
 * so numbers are in host order. A descriptor travels with a reply whose result is 0 (not for
 * REQUEST_OWNERS). The broker trusts nothing in a request but its length.
 */
#pragma once

#include <stdint.h>

enum {
    ANALYSIS_FD_CORE = 0,
    ANALYSIS_FD_REPORT = 1,
    ANALYSIS_FD_BROKER = 3,

    ANALYSIS_BUILD_ID_MAX = 64,
    ANALYSIS_TEXT_MAX = 32 * 1024,
};

enum analysis_request_kind {
    REQUEST_MODULE,    /* an executable or library; text: path */
    REQUEST_DEBUG,     /* its debug file; text: path NUL name in .gnu_debuglink */
    REQUEST_ALTERNATE, /* dwz's common file; text: path of the debug file NUL name in its link */
    REQUEST_OWNERS,    /* packages; text: paths, each ended by NUL */
};

enum { REQUEST_FLAG_MAIN = 1 }; /* the main executable */

/*
 * `attempt` 0 asks for the first candidate, and N+1, where the answer said N, for the next: which
 * file is the right one only the analyzer can tell.
 */
struct analysis_request {
    uint32_t kind;
    uint32_t flags;
    uint32_t attempt;
    uint32_t build_id_size; /* 0: the core has none */
    uint8_t build_id[ANALYSIS_BUILD_ID_MAX];
    char text[];
};

/* The text is the path of the file sent, or an owner ("name version" or nothing) and NUL a path. */
struct analysis_reply {
    int32_t result; /* 0 or a negative errno: -ENOENT, no more candidates */
    uint32_t attempt;
    char text[];
};

/* Exit status of the analyzer. */
enum {
    ANALYZER_DONE = 0,
    ANALYZER_FAILED = 1,  /* no report */
    ANALYZER_NO_CORE = 2, /* the input is no core and no record of one */
    ANALYZER_USAGE = 64,
    ANALYZER_NOT_STARTED = 127, /* also the loader's word for a library that is missing */
};
