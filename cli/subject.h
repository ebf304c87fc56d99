/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subject.h - what an explaining verb is about: a stored crash or a core from anywhere, with its
 * facts and its report.
 *
 * A stored crash without a report yet is analysed on the spot: by root as the keeper would, and the
 * report is kept; by anybody else as himself, and only shown. A core from anywhere is analysed as
 * the caller.
 */
#pragma once

#include <stdbool.h>

#include "cli/command.h"
#include "cli/crash.h"
#include "cli/render.h"
#include "store/analysis.h"
#include "store/report.h"
#include "store/store.h"

/* How an analysis is to be made, as options of a verb. */
struct analysis_settings {
    const char *exe, *sysroot;
    struct texts debug_dirs;
};

#define ANALYSIS_OPTIONS(type, member)                                                             \
    OPTION_TEXT(0, "exe", "FILE", type, member.exe, "the program that crashed is FILE"),           \
        OPTION_TEXT(0, "sysroot", "DIR", type, member.sysroot,                                     \
                    "look below DIR for the files that the core names"),                           \
        OPTION_TEXTS(0, "debug-dir", "DIR", type, member.debug_dirs,                               \
                     "look in DIR for debug files, too; may be repeated")

struct subject {
    char id[LAYOUT_ID_SIZE]; /* "" for a core from anywhere */
    struct crash_row *row;   /* likewise NULL */
    struct store *store;     /* where it lies; likewise NULL */
    bool owns_store;
    struct crash_record record; /* {-1, NULL} where the file is gone; without a record for a core */
    struct metadata *core_facts; /* what a core from anywhere tells of itself; NULL otherwise */
    struct report *report;
};
#define SUBJECT_NONE                                                                               \
    {                                                                                              \
        .record = CRASH_RECORD_NONE                                                                \
    }

/*
 * The subject that a word of the verb names; NULL: the latest crash. One whose report is there is
 * not analysed again unless `settings` say how. -ENOENT: nothing matches.
 */
int subject_open(const struct call *call, const char *word,
                 const struct analysis_settings *settings, struct subject *ret,
                 struct error *error);

/* Likewise of one crash of a store that is open and outlives it. */
int subject_open_crash(const struct call *call, struct store *store, const struct crash_row *row,
                       const struct analysis_settings *settings, struct subject *ret,
                       struct error *error);
void subject_close(struct subject *subject);
#define AUTO_SUBJECT CLEANUP(subject_close)

/*
 * A crash's report alone. Where there is none yet and `analyse` is set, it is made as above.
 * -ENOENT: there is none, and none can be had.
 */
int subject_report(const struct call *call, struct store *store, const struct crash_row *row,
                   bool analyse, struct report **ret, struct error *error);

/* Opens the exact file of a module: from its store, or below `sysroot` (module_file.h). */
int subject_open_module(const struct subject *subject, const struct report_module *module,
                        const char *sysroot);

const struct metadata *subject_facts(const struct subject *subject); /* NULL: none */
struct render_input subject_input(const struct subject *subject);

/* The module of the report that is the program itself, or NULL. */
const struct report_module *subject_executable(const struct subject *subject);

/* EXIT_DONE, or EXIT_PARTIAL where the core or the report is not whole. */
int subject_exit_code(const struct subject *subject);

/*
 * Analyses a stored crash and keeps the report, whether there is one or not. The store is open for
 * writing. `ret_report` may be NULL.
 */
int subject_analyze(struct store *store, const struct crash_row *row,
                    const struct analysis_settings *settings, struct report **ret_report,
                    struct error *error);
