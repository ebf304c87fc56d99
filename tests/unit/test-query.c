/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-query.c - which crashes match, in which order, and what they add up to. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/check.h"
#include "store/index.h"
#include "store/query.h"
#include "tests/unit/store_fixture.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1795305600) * SECOND) /* 2026-11-22 00:00:00 UTC */

enum { ROWS = 500 };

/*
 * Row N, at START + N seconds: pid 5000 + N, one of 5 programs, of 3 users, signal 6 or 11; the
 * even ones have the signature of N % 4.
 */
static void put_row(struct index *index, int n)
{
    char comm[32], exe[64], user[16], signature[32], stack[32];
    struct crash_row row = {
        .time_us = START + n * SECOND,
        .pid = 5000 + n,
        .ns_pid = CRASH_ABSENT,
        .tid = 5000 + n,
        .uid = 1000 + n % 3,
        .gid = 100,
        .signal = n % 2 ? 11 : 6,
        .si_code = CRASH_ABSENT,
        .core_size = n * 1000,
        .stored_size = 5000,
        .core = n % 7 ? RECORD_FULL : RECORD_TRUNCATED,
        .has_content = true,
        .count = n == 100 ? 10 : 1,
        .access_uid = CRASH_ABSENT,
    };
    int64_t seq;
    snprintf(comm, sizeof comm, "prog %d", n % 5);
    snprintf(exe, sizeof exe, "/opt/%s/real-%d", n % 2 ? "a=b" : "c", n % 5);
    snprintf(user, sizeof user, "user%d", n % 3);
    layout_id_format(row.id, row.time_us, (uint32_t)row.pid, 0);
    row.text[CRASH_COMM] = comm;
    row.text[CRASH_EXE] = exe;
    row.text[CRASH_NAME] = strrchr(exe, '/') + 1;
    row.text[CRASH_USER] = user;
    row.text[CRASH_UNIT] = n % 10 ? NULL : "ten.service";
    assert_int_equal(index_put(index, &row, &seq, NULL), 0);
    if (n % 2)
        return;
    snprintf(signature, sizeof signature, "%015x%x", 0xabcdef, n % 4);
    snprintf(stack, sizeof stack, "stack-%d", n % 8);
    const char *functions[] = {n % 4 ? "crash_here(int)" : "crash_there", "middle", "main"};
    const struct index_report report = {
        .analysis = CRASH_ANALYZED,
        .report_size = 100,
        .stack_id = stack,
        .signature = signature,
        .function = functions[0],
        .signature_frames = functions,
        .n_signature_frames = 3,
        .functions = functions,
        .n_functions = 3,
    };
    assert_int_equal(index_set_report(index, seq, &report, 5, NULL), 0);
}

static int setup(void **state)
{
    if (fixture_setup(state) < 0)
        return -1;
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    assert_int_equal(index_begin(index, NULL), 0);
    for (int n = 0; n < ROWS; n++)
        put_row(index, n);
    return index_commit(index, NULL);
}

static struct filter *filter_of(struct store *store, const char *const *matches)
{
    struct filter *filter = filter_new();
    struct error error = {0};
    for (; *matches; matches++)
        if (filter_add(filter, store, *matches, &error) < 0)
            fail_msg("%s: %s", *matches, error.text);
    return filter;
}

/* Every row that the list gives, in order, is one that `expected` holds for; and all of them. */
static void check_list(struct store *store, const struct filter *filter, bool (*expected)(int))
{
    static const enum query_order orders[] = {QUERY_NEWEST_FIRST, QUERY_OLDEST_FIRST};
    for (int o = 0; o < 2; o++) {
        AUTO_QUERY struct query *query = NULL;
        const struct crash_row *row;
        struct error error = {0};
        int n = o ? 0 : ROWS - 1, r;
        assert_int_equal(query_begin(store, filter, orders[o], 0, &query, &error), 0);
        while ((r = query_next(query, &row, &error)) == 1) {
            while (n >= 0 && n < ROWS && !expected(n))
                n += o ? 1 : -1;
            if (row->pid != 5000 + n)
                fail_msg("%s instead of row %d", row->id, n);
            n += o ? 1 : -1;
        }
        if (r < 0)
            fail_msg("%s", error.text);
        while (n >= 0 && n < ROWS && !expected(n))
            n += o ? 1 : -1;
        assert_int_equal(n, o ? ROWS : -1);
    }
    uint64_t count, due = 0;
    for (int n = 0; n < ROWS; n++)
        due += expected(n);
    assert_int_equal(query_count(store, filter, &count, NULL), 0);
    assert_int_equal(count, due);
}

static bool all(int n)
{
    return n >= 0;
}
static bool none(int n)
{
    return n < 0;
}
static bool program_2(int n)
{
    return n % 5 == 2;
}
static bool programs_2_3(int n)
{
    return n % 5 == 2 || n % 5 == 3;
}
static bool user_1(int n)
{
    return n % 3 == 1;
}
static bool user_1_program_2(int n)
{
    return n % 3 == 1 && n % 5 == 2;
}
static bool aborted(int n)
{
    return n % 2 == 0;
}
static bool row_77(int n)
{
    return n == 77;
}
static bool rows_77_78(int n)
{
    return n == 77 || n == 78;
}
static bool path_2(int n)
{
    return n % 5 == 2 && n % 2 == 1;
}
static bool signed_0(int n)
{
    return n % 4 == 0;
}
static bool signed_any(int n)
{
    return n % 2 == 0;
}
static bool signed_2(int n)
{
    return n % 4 == 2;
}
static bool minute_1(int n)
{
    return n >= 60 && n < 70;
}
static bool unit_ten(int n)
{
    return n % 10 == 0;
}
static bool truncated(int n)
{
    return n % 7 == 0;
}

static void test_matches(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *matches[4];
        bool (*expected)(int);
    } examples[] = {
        {{NULL}, all},
        {{"prog 2", NULL}, program_2},
        {{"real-2", NULL}, program_2},
        {{"/opt/a=b/real-2", NULL}, path_2},
        {{"EXE=/opt/a=b/real-2", NULL}, path_2},
        {{"comm=prog 2", NULL}, program_2},
        {{"COREDUMP_COMM=prog 2", NULL}, program_2},
        {{"prog 2", "prog 3", NULL}, programs_2_3},
        {{"comm=prog 2", "Comm=prog 3", NULL}, programs_2_3},
        {{"uid=1001", NULL}, user_1},
        {{"COREDUMP_UID=1001", NULL}, user_1},
        {{"user=user1", NULL}, user_1},
        {{"user=user1", "prog 2", NULL}, user_1_program_2},
        {{"uid=1001", "comm=prog 2", "gid=100", NULL}, user_1_program_2},
        {{"signal=6", NULL}, aborted},
        {{"signal=SIGABRT", NULL}, aborted},
        {{"signal_name=abrt", NULL}, aborted},
        {{"COREDUMP_SIGNAL_NAME=SIGABRT", NULL}, aborted},
        {{"5077", NULL}, row_77},
        {{"pid=5077", NULL}, row_77},
        {{"pid=5077", "pid=5078", NULL}, rows_77_78},
        {{"pid=5077", "uid=1001", NULL}, none},
        {{"20261122-000117-5077", NULL}, row_77},
        {{"id=20261122-000117-5077", NULL}, row_77},
        {{"20261122-000117-5077", "20261122-000118-5078", NULL}, rows_77_78},
        {{"20261122-00010", NULL}, minute_1},
        {{"000000000abcdef0", NULL}, signed_0},
        {{"000000000ABCDEF", NULL}, signed_any},
        {{"signature=000000000abcdef0", NULL}, signed_0},
        {{"function=crash_there", NULL}, signed_0},
        {{"unit=ten.service", NULL}, unit_ten},
        {{"core=truncated", NULL}, truncated},
        {{"nothing", NULL}, none},
        {{"comm=nothing", NULL}, none},
        {{"/opt/c/real-2/", NULL}, none},
        {{"ffffffffff", NULL}, none},
        {{"' OR 1 --", NULL}, none},
    };
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        AUTO_FILTER struct filter *filter = filter_of(fixture->store, examples[i].matches);
        print_message("# %s\n", examples[i].matches[0] ? examples[i].matches[0] : "everything");
        check_list(fixture->store, filter, examples[i].expected);
    }
}

static void test_what_is_no_match(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad[] = {"nokey=1",   "pid=",        "pid=x", "signal=SIGNO",
                                      "core=what", "signature=x", "id=1",  "pid=-1"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_FILTER struct filter *filter = filter_new();
        struct error error = {0};
        if (filter_add(filter, fixture->store, bad[i], &error) != -EINVAL || !*error.text)
            fail_msg("%s was taken", bad[i]);
    }
}

static bool from_100_to_199(int n)
{
    return n >= 100 && n < 200;
}
static bool there_from_100(int n)
{
    return n % 4 == 0 && n >= 100;
}

static void test_times_and_functions(void **state)
{
    struct fixture *fixture = *state;
    AUTO_FILTER struct filter *span = filter_new();
    filter_set_since(span, START + 100 * SECOND);
    filter_set_until(span, START + 199 * SECOND);
    check_list(fixture->store, span, from_100_to_199);

    static const struct {
        const char *name;
        bool (*expected)(int);
    } examples[] = {
        {"crash_there", signed_0},       {"crash_here", signed_2}, {"crash_here(int)", signed_2},
        {"crash_*", signed_any},         {"middle", signed_any},   {"crash_", none},
        {"crash_here(int) const", none},
    };
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        AUTO_FILTER struct filter *filter = filter_new();
        assert_int_equal(filter_add_function(filter, examples[i].name, NULL), 0);
        print_message("# %s\n", examples[i].name);
        check_list(fixture->store, filter, examples[i].expected);
    }
    AUTO_FILTER struct filter *both = filter_new();
    assert_int_equal(filter_add_function(both, "crash_there", NULL), 0);
    filter_set_since(both, START + 100 * SECOND);
    check_list(fixture->store, both, there_from_100);
}

static void test_limit(void **state)
{
    struct fixture *fixture = *state;
    static const char *const matches[] = {"prog 2", "prog 3", NULL};
    AUTO_FILTER struct filter *filter = filter_of(fixture->store, matches);
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    int n = 0;
    assert_int_equal(query_begin(fixture->store, filter, QUERY_NEWEST_FIRST, 3, &query, NULL), 0);
    static const int due[] = {498, 497, 493};
    for (; n < 3 && query_next(query, &row, NULL) == 1; n++)
        assert_int_equal(row->pid, 5000 + due[n]);
    assert_int_equal(n, 3);
    assert_int_equal(query_next(query, &row, NULL), 0);
}

static void resolves_to(struct store *store, const char *crash, int64_t pid)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct error error = {0};
    if (query_resolve(store, crash, &row, &error) < 0)
        fail_msg("%s: %s", crash ? crash : "the latest", error.text);
    assert_int_equal(row->pid, pid);
}

static void test_resolve(void **state)
{
    struct fixture *fixture = *state;
    struct crash_row *row = NULL;
    struct error error = {0};
    resolves_to(fixture->store, NULL, 5499);
    resolves_to(fixture->store, "", 5499);
    resolves_to(fixture->store, "prog 2", 5497);
    resolves_to(fixture->store, "real-3", 5498);
    resolves_to(fixture->store, "5077", 5077);
    resolves_to(fixture->store, "20261122-000117-5077", 5077);
    resolves_to(fixture->store, "20261122-000117", 5077); /* the beginning of one id */
    resolves_to(fixture->store, "000000000abcdef2", 5498);

    assert_int_equal(query_resolve(fixture->store, "20261122-00011", &row, &error), -ENOTUNIQ);
    assert_non_null(strstr(error.text, "20261122-000119-5079"));
    assert_non_null(strstr(error.text, "20261122-000112-5072"));
    assert_null(row);
    assert_int_equal(query_resolve(fixture->store, "nobody", &row, &error), -ENOENT);
    assert_int_equal(query_resolve(fixture->store, "2026112", &row, &error),
                     -ENOENT); /* too short */
}

struct seen {
    int n;
    uint64_t counts[4];
    size_t users[4], programs[4], ids[4], frames[4];
    char functions[4][32];
    uint64_t bars;
    char newest[LAYOUT_ID_SIZE];
};

static int see_group(void *context, const struct crash_group *group)
{
    struct seen *seen = context;
    assert_in_range(seen->n, 0, 3);
    int n = seen->n++;
    seen->counts[n] = group->count;
    seen->users[n] = group->user_count;
    seen->programs[n] = group->program_count;
    seen->ids[n] = group->id_count;
    seen->frames[n] = group->frame_count;
    snprintf(seen->functions[n], sizeof seen->functions[n], "%s", group->function);
    for (int i = 0; i < GROUP_BARS; i++)
        seen->bars += group->bars[i];
    if (n == 0)
        memcpy(seen->newest, group->ids[0], sizeof seen->newest);
    return 0;
}

static void test_groups(void **state)
{
    struct fixture *fixture = *state;
    struct seen seen = {0};
    struct error error = {0};
    if (query_top(fixture->store, NULL, 0, see_group, &seen, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.counts[0], 125 + 9); /* one of them stands for ten */
    assert_int_equal(seen.counts[1], 125);
    assert_int_equal(seen.bars, 259);
    assert_int_equal(seen.users[0], 3);
    assert_int_equal(seen.programs[0], 5);
    assert_int_equal(seen.ids[0], GROUP_IDS);
    assert_int_equal(seen.frames[0], 3);
    assert_string_equal(seen.functions[0], "crash_there");
    assert_string_equal(seen.newest, "20261122-000816-5496");

    AUTO_FILTER struct filter *filter = filter_new();
    assert_int_equal(filter_add(filter, fixture->store, "uid=1001", NULL), 0);
    filter_set_since(filter, START + 490 * SECOND);
    seen = (struct seen){0};
    assert_int_equal(query_top(fixture->store, filter, 1, see_group, &seen, &error), 0);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.users[0], 1);
    assert_int_equal(seen.counts[0], 1); /* 490, 496 of user 1: two groups, one each */
}

static void test_stack_renamed(void **state)
{
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, "20261122-000000-5000");
    assert_non_null(row);
    /* Better symbols: of the stack, and so of all its crashes, at once. */
    fixture_explain(fixture, row, "00000000feedface", row->stack_id, "better_name", 5);
    AUTO_FILTER struct filter *filter = filter_new();
    uint64_t n;
    assert_int_equal(filter_add(filter, fixture->store, "feedface", NULL), 0);
    assert_int_equal(query_count(fixture->store, filter, &n, NULL), 0);
    assert_int_equal(n, 0); /* not a prefix */
    AUTO_FILTER struct filter *renamed = filter_new();
    assert_int_equal(filter_add(renamed, fixture->store, "00000000feedface", NULL), 0);
    assert_int_equal(query_count(fixture->store, renamed, &n, NULL), 0);
    assert_int_equal(n, 63); /* every eighth of 500 */
    int64_t count;
    assert_int_equal(database_get(index_database(index), NULL, &count,
                                  "SELECT count FROM signature WHERE name = '00000000feedface'",
                                  ""),
                     0);
    assert_int_equal(count, 63);
    AUTO_FILTER struct filter *by_function = filter_new();
    assert_int_equal(filter_add_function(by_function, "better_name", NULL), 0);
    assert_int_equal(query_count(fixture->store, by_function, &n, NULL), 0);
    assert_int_equal(n, 63);
}

/* A stripped build of the same code has the same stacks and fewer names. */
static void test_better_names_stay(void **state)
{
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, "20261122-000000-5000");
    assert_non_null(row);
    fixture_explain(fixture, row, "00000000feedface", row->stack_id, "better_name", 5);
    fixture_explain(fixture, row, "00000000bad0bad0", row->stack_id, "main", 5);
    AUTO_CRASH_ROW struct crash_row *after = fixture_row(fixture, "20261122-000000-5000");
    assert_string_equal(after->signature, "00000000feedface");
    assert_string_equal(after->text[CRASH_FUNCTION], "better_name");
    int64_t count;
    assert_int_equal(database_get(index_database(index), NULL, &count,
                                  "SELECT count(*) FROM signature WHERE count = 0", ""),
                     0);
    assert_int_equal(count, 0);
}

/* A core of which only the stacks are left has the same names, and lacks words of the signature. */
static void test_words_stay(void **state)
{
    struct fixture *fixture = *state;
    struct index *index = store_writable_index(fixture->store);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, "20261122-000000-5000");
    assert_non_null(row);
    const char *functions[] = {"function", "middle(int)", "main"};
    struct index_report wordless = {
        .analysis = CRASH_ANALYZED,
        .stack_id = row->stack_id,
        .signature = "00000000bad0bad0",
        .function = "function",
        .is_wordless = true,
        .functions = functions,
        .n_functions = 3,
    };
    static const char *const expected[] = {"00000000feedface", "00000000bad0bad0"};
    fixture_explain(fixture, row, "00000000feedface", row->stack_id, "function", 5);
    for (int i = 0; i < 2; i++) {
        wordless.is_wordless = i == 0;
        assert_int_equal(index_begin(index, NULL), 0);
        assert_int_equal(index_set_report(index, row->seq, &wordless, 5, NULL), 0);
        assert_int_equal(index_commit(index, NULL), 0);
        AUTO_CRASH_ROW struct crash_row *after = fixture_row(fixture, "20261122-000000-5000");
        assert_string_equal(after->signature, expected[i]);
    }
}

static void test_totals(void **state)
{
    struct fixture *fixture = *state;
    struct store_stats stats;
    assert_int_equal(query_stats(fixture->store, &stats, NULL), 0);
    assert_int_equal(stats.rows, ROWS);
    assert_int_equal(stats.crashes, ROWS + 9);
    assert_int_equal(stats.states[RECORD_TRUNCATED], 72);
    assert_int_equal(stats.states[RECORD_FULL], ROWS - 72);
    assert_int_equal(stats.signatures, 2);
    assert_int_equal(stats.pending, ROWS / 2);
    assert_int_equal(stats.record_bytes, ROWS * 8192);
    assert_int_equal(stats.report_bytes, ROWS / 2 * 4096);
    assert_true(stats.first_us == START);

    /* What goes is taken off again. */
    struct index *index = store_writable_index(fixture->store);
    AUTO_CRASH_ROW struct crash_row *row = fixture_row(fixture, "20261122-000140-5100");
    assert_int_equal(index_remove(index, row->seq, NULL), 0);
    assert_int_equal(query_stats(fixture->store, &stats, NULL), 0);
    assert_int_equal(stats.rows, ROWS - 1);
    assert_int_equal(stats.crashes, ROWS - 1);
    assert_int_equal(stats.record_bytes, (ROWS - 1) * 8192);
}

/* Everything that adds up goes on: the sums are of no use, but they are sums. */
static void check_sums(struct fixture *fixture, uint64_t least)
{
    struct filter *filters[] = {NULL, filter_new()};
    struct error error = {0};
    struct store_stats stats;
    if (query_stats(fixture->store, &stats, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(stats.crashes >= least && stats.core_bytes >= least && stats.last_day >= least);
    assert_int_equal(stats.rows, 3);
    filter_set_since(filters[1], 1);
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        struct seen seen = {0};
        if (query_top(fixture->store, filters[i], 0, see_group, &seen, &error) < 0)
            fail_msg("%s", error.text);
        assert_int_equal(seen.n, 1);
    }
    filter_free(filters[1]);
}

static void test_hostile_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct check_result result;
    struct error error = {0};
    uint64_t crashes;
    for (int i = 0; i < 3; i++) {
        const struct example example = {.time_us = i < 2 ? INT64_MAX - i : INT64_MIN + 2,
                                        .pid = 1 + i,
                                        .content = 100,
                                        .core_size = INT64_MAX,
                                        .count = INT64_MAX};
        AUTO_CRASH_ROW struct crash_row *row = fixture_add(fixture, &example);
        assert_in_range(row->core_size, INT64_C(1) << 47, INT64_C(1) << 50);
        assert_in_range(row->count, UINT32_MAX, INT64_C(1) << 50);
        assert_in_range(row->time_us, 0, INT64_C(1) << 60);
        fixture_explain(fixture, row, "000000000000000a", "000000000000000a", "f", 5);
    }
    check_sums(fixture, UINT32_MAX);
    if (check_run(fixture->store, 0, NULL, NULL, &result, &error) < 0)
        fail_msg("%s", error.text);

    /* An index of before. */
    assert_int_equal(database_script(index_database(store_writable_index(fixture->store)),
                                     "UPDATE crash SET core_size = 9223372036854775807,"
                                     " count = 9223372036854775807",
                                     NULL),
                     0);
    check_sums(fixture, INT64_MAX);
    if (check_reindex(fixture->store, NULL, NULL, &crashes, &error) < 0 ||
        check_run(fixture->store, 0, NULL, NULL, &result, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(crashes, 3);
}

/* Whoever watches sees what comes after another has made the index anew, and nothing twice. */
static void test_arrivals_in_another_index(void **state)
{
    struct fixture *fixture = *state;
    struct query_position position;
    const struct crash_row *row;
    struct store *reader;
    assert_int_equal(store_open(fixture->path, STORE_READ, &reader, NULL), 0);
    assert_int_equal(query_position_now(reader, &position, NULL), 0);
    (void)store_changed(reader);
    for (int round = 0; round < 2; round++) {
        AUTO_QUERY struct query *query = NULL, *nothing = NULL;
        const struct example example = {.time_us = START + (round + 500) * SECOND, .uid = 1000};
        assert_int_equal(store_rebuild_index(fixture->store, NULL, NULL, NULL, NULL), 0);
        assert_true(store_changed(reader));
        assert_int_equal(query_begin_arrivals(reader, NULL, &position, &nothing, NULL), 0);
        assert_int_equal(query_next(nothing, &row, NULL), 0);
        AUTO_CRASH_ROW struct crash_row *added = fixture_add(fixture, &example);
        assert_true(store_changed(reader));
        assert_int_equal(query_begin_arrivals(reader, NULL, &position, &query, NULL), 0);
        assert_int_equal(query_next(query, &row, NULL), 1);
        assert_string_equal(row->id, added->id);
        assert_int_equal(query_next(query, &row, NULL), 0);
    }
    store_free(reader);
}

static void test_arrivals(void **state)
{
    struct fixture *fixture = *state;
    struct query_position position;
    const struct crash_row *row;
    assert_int_equal(query_position_now(fixture->store, &position, NULL), 0);
    (void)store_changed(fixture->store);
    for (int round = 0; round < 2; round++) {
        AUTO_QUERY struct query *query = NULL;
        const struct example example = {.time_us = START - (round + 1) * SECOND, .uid = 1000};
        AUTO_CRASH_ROW struct crash_row *added = fixture_add(fixture, &example);
        assert_int_equal(query_begin_arrivals(fixture->store, NULL, &position, &query, NULL), 0);
        assert_int_equal(query_next(query, &row, NULL), 1); /* the new one, although it is oldest */
        assert_string_equal(row->id, added->id);
        assert_int_equal(query_next(query, &row, NULL), 0);
    }
}

static void test_unadopted(void **state)
{
    struct fixture *fixture = *state;
    char id[LAYOUT_ID_SIZE];
    const struct example live = {.time_us = START + 1000 * SECOND,
                                 .uid = 1000,
                                 .comm = "live",
                                 .content = 1000,
                                 .unfinished = true};
    const struct example done = {
        .time_us = START + 999 * SECOND, .uid = 1000, .comm = "done", .content = 1000};
    fixture_write(fixture, &live, LAYOUT_PART_SUFFIX, id);
    AUTO_CRASH_ROW struct crash_row *first = NULL, *second = NULL;
    assert_int_equal(query_resolve(fixture->store, NULL, &first, NULL), 0);
    assert_string_equal(first->id, id);
    assert_int_equal(first->core, RECORD_CAPTURING);
    assert_int_equal(store_row_core(fixture->store, first), RECORD_CAPTURING);
    fixture_write(fixture, &done, LAYOUT_RECORD_SUFFIX, id);
    assert_int_equal(query_resolve(fixture->store, "done", &second, NULL), 0);
    assert_int_equal(second->core, RECORD_FULL);
    AUTO_FD int fd = store_open_record(fixture->store, second, NULL);
    assert_true(fd >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_matches, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_match, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_times_and_functions, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_resolve, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_groups, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stack_renamed, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_better_names_stay, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_words_stay, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_totals, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_hostile_numbers, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_arrivals_in_another_index, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_arrivals, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unadopted, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
