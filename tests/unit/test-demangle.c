/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-demangle.c - names as compilers write them and as people do: C++, Rust, D, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/demangle.h"
#include "store/base/cleanup.h"

/* D's are those of gdc 12 for tests/victims/explain/shelf.d, and of druntime. */
static const struct {
    const char *symbol, *name;
} names[] = {
    {"_Z4walkR5shelfi", "walk(shelf&, int)"},
    {"_ZN12_GLOBAL__N_15shelf4takeEv.cold", "(anonymous namespace)::shelf::take() [clone .cold]"},
    {"_ZN5panic4walk17h0123456789abcdefE", "panic::walk"},
    {"_RNvCs15kBYyAo9fc_5panic4walk", "panic::walk"},
    {"_Dmain", "D main"},
    {"_D5shelf4walkFDFiZiiZi", "shelf.walk(int(int) delegate, int)"},
    {"_D5shelf6Reader4lookMFSQv__T4BookTiZQiAxaZi",
     "shelf.Reader.look(shelf.Book!(int).Book, const(char)[])"},
    {"_D5shelf__T4BookTiZQi4readMFNaNbNiAiZi", "shelf.Book!(int).Book.read(int[])"},
    {"_D5shelf4mainFAAyaZ9__lambda3MFiZi", "shelf.main(immutable(char)[][]).__lambda3(int)"},
    {"_D5shelf6Reader7__ClassZ", "ClassInfo for shelf.Reader"},
};

static void writes_names_as_people_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *name = demangle(names[i].symbol);
        assert_non_null(name);
        assert_string_equal(name, names[i].name);
    }
}

static void leaves_other_names_alone(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",         "main", "_start", "__libc_start_main", "_D", "_D5", "_D99shelf",
        "_DYNAMIC", "_Z",   "_Z99x",
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_null(demangle(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_names_as_people_do),
        cmocka_unit_test(leaves_other_names_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
