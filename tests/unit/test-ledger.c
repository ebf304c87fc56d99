/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-ledger.c - what hooks take of max_use, what becomes of the dead ones', and whose turn it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/config.h"
#include "store/index.h"
#include "store/ledger.h"
#include "store/pending.h"
#include "tests/unit/store_fixture.h"

enum { MIB = 1024 * 1024 };

static struct ledger open_ledger(struct fixture *fixture)
{
    struct ledger ledger = LEDGER_NONE;
    char path[96];
    snprintf(path, sizeof path, "%s/new", fixture->path);
    AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ledger_open(fd, geteuid(), getegid(), &ledger, NULL), 0);
    return ledger;
}

/* A count that finds so much. */
static void count(struct ledger *keeper, uint64_t used)
{
    struct ledger_survey survey;
    ledger_begin_count(keeper, &survey);
    ledger_end_count(keeper, &survey, used);
}

static void test_bounds(void **state)
{
    AUTO_LEDGER struct ledger keeper = open_ledger(*state);
    struct ledger one = open_ledger(*state), other = open_ledger(*state);

    count(&keeper, 10 * MIB);
    assert_true(ledger_take(&one, 5 * MIB, 20 * MIB));
    assert_false(ledger_take(&other, 6 * MIB, 20 * MIB));
    assert_true(ledger_take(&other, 5 * MIB, 20 * MIB));
    assert_false(ledger_take(&one, 1, 20 * MIB));

    one.filled = 1 * MIB; /* the rest of its 5 is free again */
    ledger_close(&one);
    assert_false(ledger_take(&other, 5 * MIB, 20 * MIB));
    assert_true(ledger_take(&other, 4 * MIB, 20 * MIB));
    ledger_close(&other);
    count(&keeper, 20 * MIB);
    one = open_ledger(*state);
    assert_false(ledger_take(&one, 1, 20 * MIB));
    ledger_close(&one);
}

static void test_dead_hook(void **state)
{
    AUTO_LEDGER struct ledger keeper = open_ledger(*state);
    AUTO_LEDGER struct ledger next = open_ledger(*state);
    struct ledger dead = open_ledger(*state);
    struct ledger_survey survey;

    assert_true(ledger_take(&dead, 8 * MIB, 10 * MIB));
    close(dead.fd); /* as if it was killed: what it may have written counts */
    assert_false(ledger_take(&next, 3 * MIB, 10 * MIB));
    assert_true(ledger_take(&next, 2 * MIB, 10 * MIB));
    ledger_begin_count(&keeper, &survey);
    assert_int_equal(survey.taken, 2 * MIB);
    ledger_end_count(&keeper, &survey, 0); /* nothing of it was there */
    assert_true(ledger_take(&next, 8 * MIB, 10 * MIB));
}

static void test_filled_during_a_count(void **state)
{
    AUTO_LEDGER struct ledger keeper = open_ledger(*state);
    AUTO_LEDGER struct ledger next = open_ledger(*state);
    struct ledger hook = open_ledger(*state);
    struct ledger_survey survey;

    assert_true(ledger_take(&hook, 4 * MIB, 10 * MIB));
    ledger_begin_count(&keeper, &survey);
    hook.filled = 4 * MIB;
    ledger_close(&hook);
    ledger_end_count(&keeper, &survey, 0);
    assert_false(ledger_take(&next, 7 * MIB, 10 * MIB)); /* too much is better than too little */
    ledger_add(&keeper, 6 * MIB);
    assert_false(ledger_take(&next, 1, 10 * MIB));
}

static void test_questions(void **state)
{
    AUTO_LEDGER struct ledger keeper = open_ledger(*state), second = open_ledger(*state);
    AUTO_LEDGER struct ledger hook = open_ledger(*state);
    struct ledger_survey survey;

    uint64_t question = ledger_ask(&hook, 3 * MIB);
    assert_false(ledger_is_answered(&hook, question));
    assert_true(ledger_begin_turn(&keeper));
    assert_false(ledger_begin_turn(&second));
    ledger_begin_count(&keeper, &survey);
    assert_int_equal(survey.wanted, 3 * MIB);
    uint64_t later = ledger_ask(&hook, 3 * MIB);
    ledger_end_count(&keeper, &survey, 0);
    assert_true(ledger_is_answered(&hook, question));
    assert_false(ledger_is_answered(&hook, later));
    assert_true(ledger_end_turn(&keeper)); /* once more */
    assert_true(ledger_begin_turn(&second));
    count(&second, 0);
    assert_true(ledger_is_answered(&hook, later));
    assert_false(ledger_end_turn(&second));
}

static void test_garbage(void **state)
{
    struct fixture *fixture = *state;
    char path[96];
    snprintf(path, sizeof path, "%s/new/" LEDGER_FILE, fixture->path);
    AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(write(fd, "garbage!", 8), 8);
    AUTO_LEDGER struct ledger keeper = open_ledger(fixture), hook = open_ledger(fixture);
    count(&keeper, 1 * MIB);
    assert_true(ledger_take(&hook, 1 * MIB, 2 * MIB));
    assert_false(ledger_take(&hook, 1, 2 * MIB));
}

/* ---- whose crash is explained next ---- */

static void test_turns(void **state)
{
    struct fixture *fixture = *state;
    struct pending pending = {0};
    int64_t order[6];

    for (int i = 0; i < 4; i++) {
        const struct example many = {
            .time_us = (100 + i) * INT64_C(1000000), .pid = 10 + i, .uid = 1000, .content = 10};
        crash_row_free(fixture_add(fixture, &many));
    }
    const struct example old = {.time_us = 1000000, .pid = 2, .uid = 1001, .content = 10};
    const struct example older = {.time_us = 999999, .pid = 3, .uid = 1002, .content = 10};
    crash_row_free(fixture_add(fixture, &old));
    crash_row_free(fixture_add(fixture, &older));

    for (size_t i = 0; i < 6; i++) {
        AUTO_CRASH_ROW struct crash_row *row = NULL;
        assert_int_equal(pending_next(&pending, fixture->store, &row, NULL), 1);
        order[i] = row->uid;
        pending.begun_us -= row->uid == 1000 ? 60 * UINT64_C(1000000) : 0; /* it took a minute */
        pending_charge(&pending, row);
        fixture_explain(fixture, row, "000000000000000a", row->id, "f", 5);
    }
    AUTO_CRASH_ROW struct crash_row *none = NULL;
    assert_int_equal(pending_next(&pending, fixture->store, &none, NULL), 0);
    for (size_t i = 3; i < 6; i++) /* the others waited for one of his at most */
        assert_int_equal(order[i], 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bounds, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dead_hook, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_filled_during_a_count, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_questions, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_garbage, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_turns, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
