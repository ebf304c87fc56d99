/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check.h - compares index, files and checksums, and repairs; makes the index anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/store.h"

enum check_kind {
    CHECK_INDEX_DAMAGED, /* repaired: set aside and rebuilt */
    CHECK_ROW_WITHOUT_FILE,
    CHECK_ROW_DIFFERS, /* sizes, state or owner are not the file's */
    CHECK_FILE_WITHOUT_ROW,
    CHECK_RECORD_DAMAGED, /* no record, or unfinished outside new/ */
    CHECK_FRAME_DAMAGED,  /* a checksum fails; cannot be repaired */
    CHECK_ORPHAN_PART,    /* a .part whose hook is dead */
    CHECK_ORPHAN_FILE,    /* a report, pin or temporary file without a record */
    CHECK_MODE,           /* owner, mode or ACL are not as they should be */
    CHECK_MODULE_STALE, /* no core is left that may need it (what is in it, the analyzer judges) */
    CHECK_TOTALS,       /* running totals of the index are off */
    CHECK_KINDS,
};

const char *check_kind_name(enum check_kind kind); /* "row-without-file" … */

struct check_finding {
    enum check_kind kind;
    const char *id;                /* NULL where it is about no crash */
    const char *path;              /* below the store, NULL where there is none */
    const char *text;              /* one sentence */
    uint64_t content_offset, size; /* of a damaged frame */
    bool repaired;
};

struct check_result {
    uint64_t crashes, frames_damaged, found, repaired;
};

enum check_flags {
    CHECK_REPAIR = 1,
    CHECK_CONTENTS = 2, /* read every byte and verify the checksums */
};

typedef void check_function(void *context, const struct check_finding *finding);

/* 0 even where things were found: see `ret`. Repairs need a store opened for writing. */
int check_run(struct store *store, unsigned flags, check_function *function, void *context,
              struct check_result *ret, struct error *error);

/* Makes a new index from the files and puts it in the old one's place. `progress` may be NULL. */
typedef void check_progress_function(void *context, uint64_t done);
int check_reindex(struct store *store, check_progress_function *progress, void *context,
                  uint64_t *ret_crashes, struct error *error);
