/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-base.c - numbers, sizes, spans and texts from untrusted bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/io.h"
#include "store/base/parse.h"
#include "store/base/text.h"

static void numbers_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned base;
        uint64_t max;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 10, 10, 0, 0},
        {" 10 ", 10, 10, 0, 10},
        {"11", 10, 10, -ERANGE, 0},
        {"18446744073709551615", 10, UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", 10, UINT64_MAX, -ERANGE, 0},
        {"0xff", 16, UINT64_MAX, 0, 255},
        {"ff", 16, UINT64_MAX, 0, 255},
        {"777", 8, UINT64_MAX, 0, 511},
        {"8", 8, UINT64_MAX, -EINVAL, 0},
        {"", 10, 10, -EINVAL, 0},
        {"-1", 10, 10, -EINVAL, 0},
        {"+1", 10, 10, -EINVAL, 0},
        {"1x", 10, 10, -EINVAL, 0},
        {"1 2", 10, 10, -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t value = 0;
        assert_int_equal(parse_u64(cases[i].text, cases[i].base, cases[i].max, &value),
                         cases[i].result);
        assert_int_equal(value, cases[i].value);
    }
}

static void sizes_have_suffixes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},           {"32G", 0, 32ull << 30},
        {"4 MiB", 0, 4 << 20}, {"7kb", 0, 7 << 10},
        {"1T", 0, 1ull << 40}, {"12B", 0, 12},
        {"G", -EINVAL, 0},     {"1.5G", -EINVAL, 0},
        {"1X", -EINVAL, 0},    {"99999999999T", -ERANGE, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t value = 0;
        assert_int_equal(parse_size(cases[i].text, &value), cases[i].result);
        assert_int_equal(value, cases[i].value);
    }
}

static void spans_add_up(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        uint64_t seconds;
    } cases[] = {
        {"90", 0, 90},
        {"5min", 0, 300},
        {"2h 30min", 0, 9000},
        {"14d", 0, 14 * 86400},
        {"1w", 0, 7 * 86400},
        {"1y", 0, 31557600},
        {"1 hour", 0, 3600},
        {"", -EINVAL, 0},
        {"soon", -EINVAL, 0},
        {"1h-", -EINVAL, 0},
        {"999999999999999y", -ERANGE, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t us = 0;
        assert_int_equal(parse_span(cases[i].text, &us), cases[i].result);
        assert_int_equal(us, cases[i].seconds * 1000000);
    }
}

static void utf8_is_what_rfc_3629_says(void **state)
{
    (void)state;
    static const char *const good[] = {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x92\xa5"};
    static const char *const bad[] = {"\x80",         "\xc0\xaf", "\xe0\x80\xaf",
                                      "\xed\xa0\x80", "\xf5\x80", "\xf4\x90\x80\x80",
                                      "\xc3",         "\xff"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
}

static void invalid_bytes_become_replacement_characters(void **state)
{
    (void)state;
    AUTO_FREE char *text = text_to_utf8("a\xff\0\xc3\xa4\xe2\x82", 7);
    assert_string_equal(text, "a\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
}

static void nothing_unsafe_reaches_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *shown;
    } cases[] = {
        {"plain \xc3\xa4", "plain \xc3\xa4"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"two\nlines\t", "two\\nlines\\t"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"}, /* C1's CSI */
        {"a\xe2\x80\xae"
         "b",
         "a\\xe2\\x80\\xaeb"}, /* U+202E turns the direction */
        {"\xff\x7f", "\\xff\\x7f"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *shown = text_printable(cases[i].raw, strlen(cases[i].raw));
        assert_string_equal(shown, cases[i].shown);
    }
}

static void bytes_are_written_in_hex(void **state)
{
    (void)state;
    char text[9] = "........";

    text_hex("\x00\x7f\xff", 3, text);
    assert_string_equal(text, "007fff");
    assert_int_equal(text[7], '.');
    text_hex("", 0, text);
    assert_string_equal(text, "");
}

static void errors_gather_context(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(error_errno(&error, ENOENT, "cannot open %s", "/x"), -ENOENT);
    error_prefix(&error, "crash %d", 7);
    assert_string_equal(error.text, "crash 7: cannot open /x: No such file or directory");
    assert_int_equal(error.code, ENOENT);
    assert_int_equal(error_set(NULL, EINVAL, "nobody listens"), -EINVAL);

    char much[600];
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    error_set(&error, EIO, "%s", much);
    error_prefix(&error, "context");
    assert_true(strlen(error.text) < sizeof error.text);
    assert_memory_equal(error.text, "context: xxx", 12);
}

static void reading_is_bounded(void **state)
{
    (void)state;
    AUTO_FD int fd = memfd_create("bytes", MFD_CLOEXEC);
    AUTO_BYTES struct bytes bytes = {0};
    assert_int_equal(io_write(fd, "0123456789", 10), 0);

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(io_read_all(fd, 10, &bytes), 0);
    assert_int_equal(bytes.size, 10);
    bytes_clear(&bytes);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(io_read_all(fd, 9, &bytes), -EFBIG);
    assert_string_equal(bytes.data, "012345678");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(sizes_have_suffixes),
        cmocka_unit_test(spans_add_up),
        cmocka_unit_test(utf8_is_what_rfc_3629_says),
        cmocka_unit_test(invalid_bytes_become_replacement_characters),
        cmocka_unit_test(nothing_unsafe_reaches_a_terminal),
        cmocka_unit_test(bytes_are_written_in_hex),
        cmocka_unit_test(errors_gather_context),
        cmocka_unit_test(reading_is_bounded),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
