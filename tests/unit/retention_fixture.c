/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retention_fixture.c - crashes of some age, and what retention decides of them. */
#include "tests/unit/retention_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/usage.h"
#include "store/when.h"

const struct budgets unlimited = {
    .max_use = RETENTION_UNLIMITED,
    .core_age_us = RETENTION_UNLIMITED,
    .report_age_us = RETENTION_UNLIMITED,
};

void note_decision(void *context, const struct retention_decision *decision)
{
    struct decisions *decisions = context;
    if (!decision->row)
        return;
    assert_true(decisions->n < ARRAY_SIZE(decisions->text));
    assert_true(decision->trouble || decision->reason.budget != RETENTION_NO_BUDGET);
    snprintf(decisions->text[decisions->n++], sizeof decisions->text[0], "%c%s",
             decision->action == RETENTION_PRUNE    ? 'P'
             : decision->action == RETENTION_REMOVE ? 'R'
                                                    : 'S',
             decision->row->id);
    decisions->bytes += decision->bytes;
}

void run_retention(struct fixture *fixture, const struct budgets *budgets, bool dry_run,
                   struct decisions *decisions, struct retention_result *ret)
{
    struct error error = {0};
    *decisions = (struct decisions){0};
    if (retention_run(fixture->store, budgets, dry_run, note_decision, decisions, ret, &error) < 0)
        fail_msg("%s", error.text);
}

void add_crash(struct fixture *fixture, int64_t pid, int64_t days, int64_t uid,
               const char *signature, char ret_id[static LAYOUT_ID_SIZE])
{
    const struct example example = {
        .time_us = when_now() - days * DAY, .pid = pid, .uid = uid, .content = CORE};
    AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
    if (signature)
        fixture_explain(fixture, row, signature, signature, "f", KEEP);
    memcpy(ret_id, row->id, LAYOUT_ID_SIZE);
}

enum record_state state_of(struct fixture *fixture, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, id);
    if (!row)
        return RECORD_MISSING;
    assert_int_equal(store_row_core(fixture->store, row), row->core);
    return row->core;
}

uint64_t room_for(struct fixture *fixture, unsigned n, unsigned pruned)
{
    struct usage usage;
    assert_int_equal(
        usage_of(store_writable_index(fixture->store), store_fd(fixture->store, 0), &usage, NULL),
        0);
    return usage.index + usage.modules + usage.unadopted + usage.reports +
           (uint64_t)n * CORE_BLOCKS + (uint64_t)pruned * 4096 + 2048;
}
