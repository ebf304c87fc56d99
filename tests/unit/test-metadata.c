/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-metadata.c - facts survive encoding, and broken ones are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/base/cleanup.h"
#include "store/metadata.h"

static void facts_survive_encoding(void **state)
{
    (void)state;
    AUTO_METADATA struct metadata *facts = metadata_new(), *decoded = NULL;
    AUTO_BYTES struct bytes bytes = {0};
    uint64_t number;
    int64_t signed_number;

    assert_int_equal(metadata_set(facts, "cmdline", "a\0b\xff", 4), 0);
    assert_int_equal(metadata_set_i64(facts, "si_code", -6), 0);
    assert_int_equal(metadata_set_u64(facts, "pid", 1), 0);
    assert_int_equal(metadata_set_u64(facts, "pid", UINT64_MAX), 0);
    assert_int_equal(metadata_set(facts, "empty", NULL, 0), 0);
    assert_int_equal(metadata_encode(facts, &bytes), 0);
    assert_int_equal(metadata_decode(bytes.data, bytes.size, &decoded, NULL), 0);

    assert_int_equal(metadata_count(decoded), 4);
    assert_int_equal(metadata_get(decoded, "cmdline")->size, 4);
    assert_memory_equal(metadata_get(decoded, "cmdline")->value, "a\0b\xff", 4);
    assert_int_equal(metadata_i64(decoded, "si_code", &signed_number), 0);
    assert_int_equal(signed_number, -6);
    assert_int_equal(metadata_u64(decoded, "pid", &number), 0);
    assert_true(number == UINT64_MAX);
    assert_string_equal(metadata_text(decoded, "empty"), "");
    assert_null(metadata_get(decoded, "absent"));
    assert_int_equal(metadata_u64(decoded, "absent", &number), -ENOENT);
    assert_int_equal(metadata_u64(decoded, "cmdline", &number), -EINVAL);
}

static void keys_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "Upper",  "with space",
        "new\nline", "slash/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    AUTO_METADATA struct metadata *facts = metadata_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(metadata_set_text(facts, bad[i], "x"), -EINVAL);
}

static void bounds_hold(void **state)
{
    (void)state;
    AUTO_METADATA struct metadata *facts = metadata_new();
    AUTO_FREE char *much = calloc(1, METADATA_MAX_SIZE);
    char key[] = "k0000";

    assert_int_equal(metadata_set(facts, "much", much, METADATA_MAX_SIZE), -E2BIG);
    assert_int_equal(metadata_set(facts, "much", much, METADATA_MAX_SIZE / 2), 0);
    assert_int_equal(metadata_set(facts, "more", much, METADATA_MAX_SIZE / 2), -E2BIG);
    assert_int_equal(metadata_set(facts, "much", much, 1), 0);
    assert_int_equal(metadata_set(facts, "more", much, METADATA_MAX_SIZE / 2), 0);
    for (int i = 0; i < METADATA_MAX_FACTS - 2; i++) {
        for (int digit = 4, rest = i; digit > 0; digit--, rest /= 10)
            key[digit] = (char)('0' + rest % 10);
        assert_int_equal(metadata_set_text(facts, key, ""), 0);
    }
    assert_int_equal(metadata_set_text(facts, "one.too.many", ""), -E2BIG);
}

/* Every cut and every flipped byte of an encoding decodes or is refused; never more than that. */
static void broken_encodings_are_refused(void **state)
{
    (void)state;
    AUTO_METADATA struct metadata *facts = metadata_new();
    AUTO_BYTES struct bytes bytes = {0};
    struct error error = {0};

    metadata_set_text(facts, "comm", "victim");
    metadata_set_text(facts, "exe", "/usr/bin/victim");
    assert_int_equal(metadata_encode(facts, &bytes), 0);
    for (size_t cut = 0; cut < bytes.size; cut++) {
        AUTO_METADATA struct metadata *decoded = NULL;
        AUTO_FREE char *copy =
            malloc(cut + 1); /* its own block, so that sanitizers see an overrun */
        if (!copy)
            abort();
        memcpy(copy, bytes.data, cut);
        int r = metadata_decode(copy, cut, &decoded, &error);
        assert_true(r == -EBADMSG || (r == 0 && metadata_count(decoded) < 2));
    }
    for (size_t i = 0; i < bytes.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            AUTO_METADATA struct metadata *decoded = NULL;
            bytes.data[i] = (char)(bytes.data[i] ^ 1 << bit);
            int r = metadata_decode(bytes.data, bytes.size, &decoded, NULL);
            assert_true(r == 0 || r == -EBADMSG || r == -EPROTONOSUPPORT);
            bytes.data[i] = (char)(bytes.data[i] ^ 1 << bit);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_survive_encoding),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(broken_encodings_are_refused),
    };
    return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
