/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-storm.c - how much of a crash loop is kept. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/storm.h"
#include "store/base/cleanup.h"
#include "tests/unit/runtime_fixture.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)

static const struct storm_limits few = {10 * MINUTE, 2, 3, 4};

static enum storm_verdict judge(struct storm *storm, const struct storm_key *key, uint64_t now)
{
    enum storm_verdict verdict = STORM_FULL;
    assert_int_equal(storm_judge(storm, key, &few, now, &verdict), 0);
    return verdict;
}

static void storm_steps(void **state)
{
    static const enum storm_verdict expected[] = {
        STORM_FULL,  STORM_FULL,  STORM_STACKS, STORM_STACKS, STORM_STACKS, STORM_FACTS,
        STORM_FACTS, STORM_FACTS, STORM_FACTS,  STORM_COUNT,  STORM_COUNT,
    };
    struct storm_key key = {1, 2, 1000};
    AUTO_STORM struct storm *storm = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        assert_int_equal(judge(storm, &key, 100 * MINUTE + i * SECOND), expected[i]);
    /* one a minute stays full; and a new window begins anew */
    assert_int_equal(judge(storm, &key, 101 * MINUTE + 2 * SECOND), STORM_FULL);
    assert_int_equal(judge(storm, &key, 101 * MINUTE + 3 * SECOND), STORM_COUNT);
    assert_int_equal(judge(storm, &key, 110 * MINUTE), STORM_FULL);
    assert_int_equal(judge(storm, &key, 110 * MINUTE + SECOND), STORM_FULL);
    assert_int_equal(judge(storm, &key, 110 * MINUTE + 2 * SECOND), STORM_STACKS);
}

static void storm_is_shared(void **state)
{
    struct storm_key key = {1, 3, 1000};
    AUTO_STORM struct storm *one = NULL;
    AUTO_STORM struct storm *two = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &one, NULL), 0);
    assert_int_equal(storm_open((int)(intptr_t)*state, &two, NULL), 0);
    assert_int_equal(judge(one, &key, 100 * MINUTE), STORM_FULL);
    assert_int_equal(judge(two, &key, 100 * MINUTE), STORM_FULL);
    assert_int_equal(judge(one, &key, 100 * MINUTE), STORM_STACKS);
}

/* Whoever looked at the clock first may get the lock last. */
static void storm_late_arrival(void **state)
{
    struct storm_key key = {1, 4, 1000};
    AUTO_STORM struct storm *storm = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    assert_int_equal(judge(storm, &key, 100 * MINUTE + 2), STORM_FULL);
    assert_int_equal(judge(storm, &key, 100 * MINUTE + 1), STORM_FULL);
    assert_int_equal(judge(storm, &key, 100 * MINUTE), STORM_STACKS);
    assert_true(storm_count(storm, &key, 100 * MINUTE + 2));
    assert_false(storm_count(storm, &key, 100 * MINUTE + 1));
}

/* A user who makes a new program for each crash has his bound, too; another user is not harmed. */
static void storm_of_one_user(void **state)
{
    AUTO_STORM struct storm *storm = NULL;
    unsigned kept[STORM_COUNT + 1] = {0};

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    for (uint64_t i = 0; i < 100; i++) {
        struct storm_key key = {1, 100 + i, 1000};
        kept[judge(storm, &key, 100 * MINUTE + i * 1000)]++;
    }
    assert_int_equal(kept[STORM_FULL], few.full * STORM_USER_SHARE);
    assert_int_equal(kept[STORM_STACKS], few.stacks * STORM_USER_SHARE);
    assert_int_equal(kept[STORM_FACTS], few.facts * STORM_USER_SHARE);

    struct storm_key other = {1, 5000, 1001};
    assert_true(judge(storm, &other, 100 * MINUTE + SECOND) <= STORM_FACTS);
}

/* A user at his bound uses up his own share of the machine's, however often he goes on. */
static void storm_spares_others(void **state)
{
    AUTO_STORM struct storm *storm = NULL;
    struct storm_key other = {1, 1, 1001};

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    for (uint64_t i = 0; i < 5000; i++) {
        struct storm_key key = {1, 100 + i, 1000};
        (void)judge(storm, &key, 100 * MINUTE + i * 1000);
    }
    for (uint64_t i = 0; i < few.full; i++)
        assert_int_equal(judge(storm, &other, 100 * MINUTE + 6 * SECOND + i), STORM_FULL);
    assert_int_equal(judge(storm, &other, 100 * MINUTE + 7 * SECOND), STORM_STACKS);
}

static void storm_counts(void **state)
{
    struct storm_key key = {1, 2, 1000}, other = {1, 3, 1000};
    AUTO_STORM struct storm *storm = NULL;

    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    assert_true(storm_count(storm, &key, 100 * MINUTE));
    assert_false(storm_count(storm, &key, 100 * MINUTE + SECOND));
    assert_true(storm_count(storm, &other, 100 * MINUTE));
    assert_int_equal(storm_collect(storm, &key), 2);
    assert_true(storm_count(storm, &key, 100 * MINUTE + 2 * SECOND));
    /* whoever should have written died: the next one takes over what he left */
    assert_true(storm_count(storm, &key, 200 * MINUTE));
    assert_int_equal(storm_collect(storm, &key), 2);
    assert_int_equal(storm_collect(storm, &other), 1);
}

static void storm_garbage(void **state)
{
    AUTO_FD int fd = openat((int)(intptr_t)*state, STORM_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct storm_key key = {1, 2, 1000};
    AUTO_STORM struct storm *storm = NULL;

    for (int i = 0; i < 5000; i++)
        assert_int_equal(write(fd, "garbage!", 8), 8);
    assert_int_equal(storm_open((int)(intptr_t)*state, &storm, NULL), 0);
    assert_int_equal(judge(storm, &key, 100 * MINUTE), STORM_FULL);
}

/* Another name of it may be anybody's file. */
static void storm_of_another_name(void **state)
{
    int dir = (int)(intptr_t)*state;
    AUTO_FD int fd = openat(dir, "another", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    AUTO_STORM struct storm *storm = NULL;
    struct stat st;

    assert_int_equal(linkat(dir, "another", dir, STORM_FILE, 0), 0);
    assert_int_equal(storm_open(dir, &storm, NULL), -EBADMSG);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(unlinkat(dir, "another", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(storm_steps, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_is_shared, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_late_arrival, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_of_one_user, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_spares_others, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_counts, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_garbage, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(storm_of_another_name, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
