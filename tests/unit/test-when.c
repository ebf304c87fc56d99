/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-when.c - points in time, as people write them and as they are shown. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store/when.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* Sunday, 22 November 2026, 12:30:00 UTC; 13:30 in Berlin. */
#define NOW (INT64_C(1795350600) * SECOND)

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

struct example {
    const char *text;
    int64_t due;
};

static void check_all(const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t is = 0;
        int r = when_parse(examples[i].text, NOW, &is);
        if (r != 0 || is != examples[i].due)
            fail_msg("%s: %d, %lld instead of %lld", examples[i].text, r, (long long)is,
                     (long long)examples[i].due);
    }
}

static void test_relative(void **state)
{
    (void)state;
    use_zone("UTC");
    static const struct example examples[] = {
        {"now", NOW},
        {" NOW ", NOW},
        {"-1h", NOW - HOUR},
        {"- 1h", NOW - HOUR},
        {"+30min", NOW + HOUR / 2},
        {"-90", NOW - 90 * SECOND},
        {"-1h 30min", NOW - HOUR - HOUR / 2},
        {"2 hours ago", NOW - 2 * HOUR},
        {"2h ago", NOW - 2 * HOUR},
        {"1 day 1h ago", NOW - DAY - HOUR},
        {"3 days left", NOW + 3 * DAY},
        {"-2w", NOW - 14 * DAY},
        {"@1795350600", NOW},
        {"@0", 0},
        {"@1795350600.25", NOW + SECOND / 4},
    };
    check_all(examples, sizeof examples / sizeof *examples);
}

static void test_calendar_in_utc(void **state)
{
    (void)state;
    use_zone("UTC");
    static const int64_t midnight = NOW - 12 * HOUR - HOUR / 2;
    const struct example examples[] = {
        {"today", midnight},
        {"yesterday", midnight - DAY},
        {"tomorrow", midnight + DAY},
        {"yesterday 13:00", midnight - DAY + 13 * HOUR},
        {"2026-11-22", midnight},
        {"2026-11-22 13:00", midnight + 13 * HOUR},
        {"2026-11-22 13:00:05", midnight + 13 * HOUR + 5 * SECOND},
        {"2026-11-22 13:00:05.25", midnight + 13 * HOUR + 5 * SECOND + SECOND / 4},
        {"2026-11-22T13:00:05", midnight + 13 * HOUR + 5 * SECOND},
        {"2026-11-22T13:00:05Z", midnight + 13 * HOUR + 5 * SECOND},
        {"2026-11-22T13:00:05.000001Z", midnight + 13 * HOUR + 5 * SECOND + 1},
        {"2026-11-22T13:00:05+01:00", midnight + 12 * HOUR + 5 * SECOND},
        {"2026-11-22 13:00 -0530", midnight + 18 * HOUR + HOUR / 2},
        {"13:00", midnight + 13 * HOUR},
        {"9:05", midnight + 9 * HOUR + 5 * 60 * SECOND},
        {"13:00:05", midnight + 13 * HOUR + 5 * SECOND},
        {"Sun 2026-11-22", midnight},
        {"sunday 2026-11-22 13:00", midnight + 13 * HOUR},
        {"1969-12-31 23:59:59", -SECOND},
        {"2024-02-29", INT64_C(1709164800) * SECOND},
    };
    check_all(examples, sizeof examples / sizeof *examples);
}

static void test_calendar_in_local_time(void **state)
{
    (void)state;
    use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    static const int64_t midnight = NOW - 13 * HOUR - HOUR / 2; /* in Berlin */
    const struct example examples[] = {
        {"today", midnight},
        {"13:00", midnight + 13 * HOUR},
        {"2026-11-22 13:00", midnight + 13 * HOUR},
        {"2026-11-22 13:00 CET", midnight + 13 * HOUR},
        {"2026-11-22 13:00 UTC", midnight + 14 * HOUR},
        {"2026-07-01 12:00", INT64_C(1782900000) * SECOND}, /* summer time */
    };
    check_all(examples, sizeof examples / sizeof *examples);
}

static void test_what_is_no_time(void **state)
{
    (void)state;
    use_zone("UTC");
    static const char *const bad[] = {
        "",
        " ",
        "soon",
        "-",
        "ago",
        "h ago",
        "2026-13-01",
        "2026-02-30",
        "2026-11-22x",
        "25:00",
        "12:60",
        "12:00:61",
        "12",
        "@",
        "@x",
        "@1.x",
        "2026-11",
        "Mon 2026-11-22",
        "Mon",
        "13:00 XYZ",
        "-1parsec",
        "2026-11-22 13:00 +99:00",
        "today today",
        "@99999999999999999999",
        "1:2",
        "2026-11-22T",
        "2026-11-22 13:00:00.",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t is = 42;
        int r = when_parse(bad[i], NOW, &is);
        if (r >= 0 || is != 42)
            fail_msg("\"%s\" was taken for %lld", bad[i], (long long)is);
    }
}

static void test_shown(void **state)
{
    (void)state;
    char text[WHEN_LOCAL_SIZE], utc[WHEN_UTC_SIZE];
    int64_t again;
    use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    when_local(text, NOW + 250000);
    assert_string_equal(text, "Sun 2026-11-22 13:30:00.250000 CET");
    assert_int_equal(when_parse(text, 0, &again), 0); /* what is shown can be read back */
    assert_true(again == NOW + 250000);
    when_utc(utc, NOW + 250000);
    assert_string_equal(utc, "2026-11-22T12:30:00.250000Z");
    assert_int_equal(when_parse(utc, 0, &again), 0);
    assert_true(again == NOW + 250000);
    assert_int_equal(when_parse("0226-11-22T13:00:00Z", NOW, &again), 0); /* found by fuzzing */
    when_utc(utc, again);
    assert_string_equal(utc, "0226-11-22T13:00:00.000000Z");
    when_utc(utc, -1);
    assert_string_equal(utc, "1969-12-31T23:59:59.999999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relative),
        cmocka_unit_test(test_calendar_in_utc),
        cmocka_unit_test(test_calendar_in_local_time),
        cmocka_unit_test(test_what_is_no_time),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
