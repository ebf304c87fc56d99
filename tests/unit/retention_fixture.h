/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retention_fixture.h - crashes of some age, and what retention decides of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/layout.h"
#include "store/record.h"
#include "store/retention.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define DAY    (24 * 3600 * SECOND)

/* Bytes of a core's content and of the blocks that its record takes; repeats that are kept. */
enum { CORE = 200 * 1000, CORE_BLOCKS = 204800, KEEP = 2 };

extern const struct budgets unlimited;

/* What was decided of crashes, as text: "P20261122-…" pruned, "R…" removed, "S…" skipped. */
struct decisions {
    char text[64][LAYOUT_ID_SIZE + 1];
    size_t n;
    uint64_t bytes;
};

/* A retention_function whose context they are. */
void note_decision(void *context, const struct retention_decision *decision);

/* A run that must not fail. */
void run_retention(struct fixture *fixture, const struct budgets *budgets, bool dry_run,
                   struct decisions *decisions, struct retention_result *ret);

/* A crash so many days ago, of a user, with a signature (NULL: not explained); the row's id. */
void add_crash(struct fixture *fixture, int64_t pid, int64_t days, int64_t uid,
               const char *signature, char ret_id[static LAYOUT_ID_SIZE]);

/* As lists show it, which is what the row says; RECORD_MISSING without a row. */
enum record_state state_of(struct fixture *fixture, const char *id);

/* Bytes that crashes may use, so that `n` full cores fit beside everything else. */
uint64_t room_for(struct fixture *fixture, unsigned n, unsigned pruned);
