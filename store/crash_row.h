/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crash_row.h - one crash as lists show it: what the index keeps of a record and its report.
 *
 * Sizes, counts and times are bounded, whatever a record says, so that they can be summed.
 *
 * Texts are the victim's raw bytes without NULs: make them UTF-8 or printable (base/text.h) before
 * showing them. A row is one block of memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/cleanup.h"
#include "store/layout.h"
#include "store/record.h"

enum {
    CRASH_SIGNATURE_SIZE = 17, /* 16 hex digits and a NUL */
    CRASH_STACK_ID_SIZE = 65,
};

#define CRASH_ABSENT INT64_MIN /* of a number that is not known */

enum crash_analysis {
    CRASH_PENDING, /* no report yet */
    CRASH_ANALYZED,
    CRASH_FAILED,   /* was tried; `inquest analyze` tries again */
    CRASH_HOPELESS, /* nothing to analyse: facts or a count only */
};

/* The texts of a row, in the order of the index's columns. */
enum crash_text {
    CRASH_USER,
    CRASH_COMM,
    CRASH_EXE,
    CRASH_NAME, /* the last component of exe */
    CRASH_HOSTNAME,
    CRASH_CONTAINER,
    CRASH_UNIT,
    CRASH_PACKAGE,
    CRASH_FUNCTION, /* the crashing function */
    CRASH_REASON,   /* why the state is not full */
    CRASH_RULE,     /* the [rule] that applied */
    CRASH_TEXTS,
};

struct crash_row {
    char id[LAYOUT_ID_SIZE];
    int64_t seq;     /* its place in the index: ascending in order of arrival */
    int64_t time_us; /* microseconds since the epoch */

    /* CRASH_ABSENT where unknown */
    int64_t pid, ns_pid, tid, uid, gid, signal, si_code;
    int64_t account;     /* whose shares it counts for: uid, or who made its user namespace */
    int64_t core_size;   /* of the whole core */
    int64_t stored_size; /* of the record's file */
    int64_t report_size; /* of the report's file, 0 without one */

    const char *text[CRASH_TEXTS]; /* NULL where unknown */

    enum record_state core; /* as the index knows it; store_row_core() looks at the file */
    bool has_content;       /* the record has content frames, which pruning would free */
    bool pinned;
    bool repeat; /* its signature already had `keep_per_signature` cores; until that is known,
                    its program, signal and user */
    enum crash_analysis analysis;
    uint64_t count; /* crashes that it stands for, 1 but for storms */

    char signature[CRASH_SIGNATURE_SIZE]; /* "" while unknown */
    char stack_id[CRASH_STACK_ID_SIZE];   /* "" while unknown */

    uid_t owner;        /* it lies in crashes/<owner>/ */
    int64_t access_uid; /* who else may read it, or CRASH_ABSENT */
    bool is_private;    /* root alone */

    unsigned source; /* which of the store's sources it came from */
};

/*
 * What a query may leave out of a row because nobody looks at it, to read the rest faster: a set of
 * CRASH_HAS(). Numbers left out are CRASH_ABSENT or 0, texts NULL or "". The name of the field, its
 * column in the index, its kind there, its member here.
 */
// clang-format off
#define CRASH_FIELDS(X)                                                                            \
    X(PID, "pid", NUMBER, pid)                                                                     \
    X(NS_PID, "ns_pid", NUMBER, ns_pid)                                                            \
    X(TID, "tid", NUMBER, tid)                                                                     \
    X(UID, "uid", NUMBER, uid)                                                                     \
    X(GID, "gid", NUMBER, gid)                                                                     \
    X(ACCOUNT, "account", NUMBER, account)                                                         \
    X(SIGNAL, "signal", NUMBER, signal)                                                            \
    X(SI_CODE, "si_code", NUMBER, si_code)                                                         \
    X(CORE_SIZE, "core_size", NUMBER, core_size)                                                   \
    X(STORED_SIZE, "stored_size", NUMBER, stored_size)                                             \
    X(REPORT_SIZE, "report_size", SIZE, report_size)                                               \
    X(USER, "user", TEXT, text[CRASH_USER])                                                        \
    X(COMM, "comm", TEXT, text[CRASH_COMM])                                                        \
    X(EXE, "exe", TEXT, text[CRASH_EXE])                                                           \
    X(NAME, "name", TEXT, text[CRASH_NAME])                                                        \
    X(HOSTNAME, "hostname", TEXT, text[CRASH_HOSTNAME])                                            \
    X(CONTAINER, "container", TEXT, text[CRASH_CONTAINER])                                         \
    X(UNIT, "unit", TEXT, text[CRASH_UNIT])                                                        \
    X(PACKAGE, "package", TEXT, text[CRASH_PACKAGE])                                               \
    X(FUNCTION, "function", TEXT, text[CRASH_FUNCTION])                                            \
    X(REASON, "reason", TEXT, text[CRASH_REASON])                                                  \
    X(RULE, "rule", TEXT, text[CRASH_RULE])                                                        \
    X(CONTENT, "content", FLAG, has_content)                                                       \
    X(PINNED, "pinned", FLAG, pinned)                                                              \
    X(REPEAT, "repeat", FLAG, repeat)                                                              \
    X(ANALYSIS, "analysis", ENUM, analysis)                                                        \
    X(COUNT, "count", SIZE, count)                                                                 \
    X(SIGNATURE, "signature", SIGNATURE, signature)                                                \
    X(STACK_ID, "stack", STACK, stack_id)                                                          \
    X(ACCESS_UID, "access_uid", NUMBER, access_uid)                                                \
    X(PRIVATE, "private", FLAG, is_private)
// clang-format on

#define CRASH_FIELD_ENUMERATOR(name, sql, kind, member) CRASH_FIELD_##name,
enum crash_field { CRASH_FIELDS(CRASH_FIELD_ENUMERATOR) CRASH_FIELD_COUNT_ };
#undef CRASH_FIELD_ENUMERATOR

#define CRASH_HAS(field) (UINT64_C(1) << CRASH_FIELD_##field)
#define CRASH_FIELDS_ALL ((UINT64_C(1) << CRASH_FIELD_COUNT_) - 1)

/* A copy of `from` in one block of its own. NULL without memory. */
struct crash_row *crash_row_copy(const struct crash_row *from);
void crash_row_free(struct crash_row *row);

CLEANUP_FUNCTION(struct crash_row, crash_row_free)
#define AUTO_CRASH_ROW CLEANUP(crash_row_free_cleanup)

struct metadata;

/*
 * Fills a row from a record's facts. Texts point into `metadata` (and `ret->id`); seq, source and
 * what only a report knows are left absent. `id` is the file's name: it wins over the fact.
 */
void crash_row_from_record(const char *id, const struct record *record, struct crash_row *ret);
