/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * index.h - the rows behind the lists: one for each crash, and what they have in common.
 *
 * The index is derived from records, reports and pins and can be made anew from them (scan.h).
 * Changes happen in a transaction of the caller: index_begin(), some calls, index_commit().
 *
 * A crash has a stack (exact: build-ids and offsets) and through it a signature (names). When
 * better symbols rename a stack, all its crashes move to the new signature together.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/error.h"
#include "store/crash_row.h"
#include "store/database.h"

struct index;

/* -ENOENT: no file; -EUCLEAN: it is damaged, or no index; -EBUSY: locked. */
int index_open_read(int dirfd, struct index **ret, struct error *error);

/* Makes it where it is missing. */
int index_open_write(int dirfd, mode_t mode, int wait_ms, struct index **ret, struct error *error);

/* An index in memory: of a store that cannot have one, and, small, of records nobody has adopted.
 */
int index_open_memory(bool is_small, struct index **ret, struct error *error);
bool index_is_small(const struct index *index); /* all is found by crash_time */
void index_free(struct index *index);

struct database *index_database(struct index *index);
int index_begin(struct index *index, struct error *error);
int index_commit(struct index *index, struct error *error);
void index_rollback(struct index *index);

/* False while the index has not been filled from the files since it was made. */
bool index_is_complete(struct index *index);

/* Numbers kept by name. An absent one is 0. */
int index_meta(struct index *index, const char *name, int64_t *ret, struct error *error);
int index_set_meta(struct index *index, const char *name, int64_t value, struct error *error);
int index_add_meta(struct index *index, const char *name, int64_t value, struct error *error);

#define INDEX_COMPLETE  "complete"          /* 1 once filled from the files */
#define INDEX_PRUNED    "pruned_cores"      /* by retention */
#define INDEX_REMOVED   "removed_crashes"   /* likewise */
#define INDEX_FREED     "freed_bytes"       /* likewise */
#define INDEX_TIDIED    "tidied_texts"      /* the last text's number when it was tidied */
#define INDEX_RETENTION "last_retention_us" /* time of its last run */
#define INDEX_OLDEST    "oldest_module_us"  /* no kept module is older; see usage.h */

/*
 * Adds a crash, or brings what its record says up to date where it is there already; what a report
 * said stays. -EEXIST where the id is that of another crash (time, pid or uid differ).
 */
int index_put(struct index *index, const struct crash_row *row, int64_t *ret_seq,
              struct error *error);

/* What a report tells the index. Texts may be NULL. */
struct index_report {
    enum crash_analysis analysis;
    int64_t report_size; /* bytes of the report's file */
    const char *stack_id, *signature, *function, *package;
    const char *const *signature_frames;
    size_t n_signature_frames;
    bool is_wordless; /* the signature lacks words that other cores of the stack may have */
    const char *const *functions; /* of the crashing thread, from the top */
    size_t n_functions;
};

enum { INDEX_FUNCTIONS_MAX = 1024 }; /* distinct ones of one stack that can be searched for */

/* `keep` cores of a signature are firsts; what comes later is a repeat. */
int index_set_report(struct index *index, int64_t seq, const struct index_report *report,
                     unsigned keep, struct error *error);

/* Whether a core that nobody has explained yet is one of many: its user has `keep` firsts of the
 * same program and signal. */
int index_is_repeat(struct index *index, const struct crash_row *row, unsigned keep, bool *ret,
                    struct error *error);

int index_set_pinned(struct index *index, int64_t seq, bool pinned, struct error *error);

/* The record's file was replaced or is gone. */
int index_set_stored(struct index *index, int64_t seq, enum record_state state, bool has_content,
                     int64_t stored_size, struct error *error);

int index_remove(struct index *index, int64_t seq, struct error *error);

/*
 * Gives back what removed crashes have left: texts that nobody uses (the victims choose them, and
 * may choose many), and pages of the file. Does something only where there is much; between
 * transactions.
 */
int index_tidy(struct index *index, struct error *error);

/* One crash, by id. -ENOENT. */
int index_find(struct index *index, const char *id, struct crash_row **ret, struct error *error);

/* Copies a crash and what reports said of it from one index to another. For a user's own index the
 * copy says nothing of access. */
int index_copy(struct index *from, const struct crash_row *row, struct index *into,
               struct error *error);

/* The names a signature is made of, by newlines; nothing for an unknown one. Appends. */
int index_signature_frames(struct index *index, const char *signature, struct bytes *ret,
                           struct error *error);

/* ---- for queries ---- */

/* The columns that index_row() reads, in its order: those it always does, and all fields. */
#define INDEX_ROW_ALWAYS              "seq, id, time, owner, state"
#define INDEX_ROW_FIELD(n, sql, k, m) ", " sql
#define INDEX_ROW_COLUMNS             INDEX_ROW_ALWAYS CRASH_FIELDS(INDEX_ROW_FIELD)

/* Appends those of INDEX_ROW_COLUMNS that a row with these fields alone has. */
int index_row_columns(uint64_t fields, struct bytes *ret);

/* The row that a statement of such columns stands on, as a copy. -ENOMEM, -EUCLEAN. */
int index_row(struct index *index, sqlite3_stmt *statement, uint64_t fields, struct crash_row **ret,
              struct error *error);

/* The tables of what rows share. */
struct index_names {
    struct names *texts, *signatures, *stacks;
};
const struct index_names *index_names(const struct index *index);

/* The number of a text, a signature or a stack. -ENOENT where no row has it. */
int index_text_seq(struct index *index, const char *text, int64_t *ret, struct error *error);

/* Numbers of texts, signatures and stacks may mean others from now on. */
void index_forget_names(struct index *index);

/* The text behind a number, or NULL; valid until the next call. */
const char *index_text(struct index *index, int64_t seq);

CLEANUP_FUNCTION(struct index, index_free)
#define AUTO_INDEX CLEANUP(index_free_cleanup)
