/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-signature.c - names without what changes from build to build, and what is hashed of a stack.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/demangle.h"
#include "analyzer/messages.h"
#include "analyzer/sha256.h"
#include "analyzer/signature.h"
#include "store/base/cleanup.h"

static void assert_hash(const char *text, size_t size, const char *expected)
{
    uint8_t digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    sha256(text, size, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(hex, expected);
}

/* FIPS 180-4's examples, and the sizes around a block's end. */
static void hashes_as_the_standard(void **state)
{
    (void)state;
    char a[200];
    memset(a, 'a', sizeof(a));
    assert_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_hash(a, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    assert_hash(a, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    assert_hash(a, 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
}

static void names_lose_what_changes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"main", "main"},
        {"foo.part.0.constprop.12", "foo"},
        {"foo.cold", "foo"},
        {"foo.lto_priv.3", "foo"},
        {"version.1", "version.1"},
        {"fopen@@GLIBC_2.2.5", "fopen"},
        {"__GI_raise", "raise"},
        {"__libc_malloc", "malloc"},
        {"__memmove_avx_unaligned_erms", "memmove"},
        {"__strlen_sse2", "strlen"},
        {"ns::Foo<int, std::pair<a, b> >::bar(int, char const*) const", "ns::Foo<>::bar"},
        {"void ns::apply<int>(int&&)", "ns::apply<>"},
        {"(anonymous namespace)::hidden(int)", "{anon}::hidden"},
        {"Foo::operator()(int) const", "Foo::operator()"},
        {"Foo::operator<(Foo const&) const", "Foo::operator<"},
        {"Foo::operator<<(int)", "Foo::operator<<"},
        {"Foo::operator->() const", "Foo::operator->"},
        {"main::{lambda(int)#2}::operator()(int) const", "main::{lambda}::operator()"},
        {"foo(int) [clone .isra.0]", "foo"},
        {"std::string::find[abi:cxx11](char)", "std::string::find"},
        {"alloc::vec::Vec<T>::push::h0123456789abcdef", "alloc::vec::Vec<>::push"},
        {"<shop::Item<u8> as core::fmt::Debug>::fmt", "shop::Item<>::fmt"},
        {"<shop::Item>::new::{closure#3}", "shop::Item::new::{lambda}"},
        {"app::run::{{closure}}", "app::run::{lambda}"},
        {"core[846817f741e54dfd]::ptr::read", "core::ptr::read"},
        {"<", "<"},
        {"", ""},
        {"(((", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *name = signature_name(cases[i][0]);
        assert_non_null(name);
        assert_string_equal(name, cases[i][1]);
    }
}

static void knows_the_machinery(void **state)
{
    (void)state;
    static const char *const machinery[] = {
        "raise",
        "abort",
        "__assert_fail",
        "malloc_printerr",
        "_int_free",
        "memcpy",
        "strlen",
        "std::terminate",
        "__cxa_throw",
        "core::panicking::panic_fmt",
        "pthread_kill",
        "operator new",
        "operator delete[]",
        "runtime.sigpanic",
        "g_logv",
    };
    static const char *const others[] = {
        "main",     "memory_pool_get",          "stream_read",        "freeze",       "raise_error",
        "abortive", "std::vector<>::push_back", "operator_new_thing", "string_parse",
    };
    for (size_t i = 0; i < ARRAY_SIZE(machinery); i++)
        assert_true(signature_is_machinery(machinery[i]));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(signature_is_machinery(others[i]));
}

/* "abort main" as frames; "^" is a trampoline, "?" has no name. */
static void make_with(const char *names, int signal, const struct signature_words *words,
                      struct signature *ret)
{
    struct signature_frame frames[64] = {0};
    char *list = strdup(names), *rest = list;
    static const uint8_t build_id[] = {0xab, 0xcd};
    size_t count = 0;
    for (char *name; (name = strsep(&rest, " ")); count++) {
        frames[count] = (struct signature_frame){
            .function = *name == '^' || *name == '?' ? NULL : name,
            .trampoline = *name == '^',
            .build_id = build_id,
            .build_id_size = sizeof(build_id),
            .module = "/bin/app",
            .module_offset = 0x1000 + count,
        };
    }
    assert_int_equal(signature_make(frames, count, signal, words, ret), 0);
    free(list);
}

static void make(const char *names, int signal, struct signature *ret)
{
    make_with(names, signal, &(struct signature_words){0}, ret);
}

static void assert_made_of(const char *frames, int signal, const char *expected)
{
    struct signature signature = {0};
    char text[1024] = "";
    make(frames, signal, &signature);
    for (size_t i = 0; i < signature.frame_count; i++) {
        strncat(text, i ? " " : "", sizeof(text) - strlen(text) - 1);
        strncat(text, signature.frames[i], sizeof(text) - strlen(text) - 1);
    }
    assert_string_equal(text, expected);
    assert_int_equal(strlen(signature.text), SIGNATURE_SIZE - 1);
    signature_free(&signature);
}

static void takes_the_frames_that_matter(void **state)
{
    (void)state;
    assert_made_of("a b c main start", SIGSEGV, "a b c");
    assert_made_of("raise abort __assert_fail a b main", SIGABRT, "a b");
    assert_made_of("a b c d e f g main", SIGSEGV, "a b c d e");
    assert_made_of("a a a b b main", SIGSEGV, "a b");
    assert_made_of("a ? b main", SIGSEGV, "a b");
    assert_made_of("main __libc_start_main", SIGSEGV, "main");
    assert_made_of("memcpy a main", SIGSEGV, "a");
    assert_made_of("raise abort handler ^ a b main", SIGABRT, "a b");
    assert_made_of("handler ^ raise b main", SIGSEGV, "handler raise b");
    assert_made_of("raise guessed abort a main", SIGABRT, "a");
    assert_made_of("memcpy __libc_start_main _start", SIGSEGV, "");
    assert_made_of("? ? ?", SIGSEGV, "");
}

static void differs_where_it_should(void **state)
{
    (void)state;
    struct signature one = {0}, same = {0}, other_signal = {0}, other_frames = {0}, places = {0};
    make("a b main", SIGSEGV, &one);
    make("? a.part.0 b main x", SIGSEGV, &same);
    make("a b main", SIGBUS, &other_signal);
    make("a c main", SIGSEGV, &other_frames);
    make("? ?", SIGSEGV, &places);
    assert_string_equal(one.text, same.text);
    assert_string_not_equal(one.text, other_signal.text);
    assert_string_not_equal(one.text, other_frames.text);
    assert_string_not_equal(one.text, places.text);
    struct signature *all[] = {&one, &same, &other_signal, &other_frames, &places};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        signature_free(all[i]);
}

/* Dying in several ways in one function: several bugs; in one way, whatever symbols there are: one.
 */
static void tells_ways_to_die_apart(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "raise abort main",
        "raise abort __assert_fail_base __assert_fail main",
        "raise abort __libc_message malloc_printerr _int_free free main",
        "raise abort __fortify_fail __stack_chk_fail main",
        "raise abort std::terminate() __cxa_throw main",
        "raise abort ? ? __assert_fail main",
        "raise abort ? ? free main",
    };
    enum { DIFFERENT = 5, ALL = 7 };
    struct signature made[ALL] = {0};
    for (size_t i = 0; i < ALL; i++)
        make(ways[i], SIGABRT, &made[i]);
    for (size_t i = 0; i < DIFFERENT; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(made[i].text, made[j].text);
    assert_string_equal(made[1].text, made[5].text);
    assert_string_equal(made[2].text, made[6].text);
    for (size_t i = 0; i < ALL; i++)
        signature_free(&made[i]);
}

/* Two assertions of one function are two bugs; other machinery does not care for those words. */
static void tells_words_apart(void **state)
{
    (void)state;
    static const char asserts[] = "raise abort __assert_fail_base __assert_fail main";
    static const char throws[] = "raise abort std::terminate() __cxa_throw main";
    static const char frees[] = "raise abort __libc_message malloc_printerr free main";
    const struct signature_words salt = {.assertion = "salt"}, pepper = {.assertion = "pepper"};
    const struct signature_words thrown = {.exception = "std::bad_alloc"};
    struct signature made[7] = {0};
    make_with(asserts, SIGABRT, &salt, &made[0]);
    make_with(asserts, SIGABRT, &pepper, &made[1]);
    make(asserts, SIGABRT, &made[2]);
    make_with(throws, SIGABRT, &thrown, &made[3]);
    make_with(throws, SIGABRT, &salt, &made[4]);
    make_with(frees, SIGABRT, &salt, &made[5]);
    make(frees, SIGABRT, &made[6]);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(made[i].text, made[j].text);
    assert_string_equal(made[5].text, made[6].text);
    assert_false(made[0].wordless);
    assert_true(made[2].wordless);
    assert_true(made[4].wordless);
    assert_false(made[6].wordless);
    for (size_t i = 0; i < ARRAY_SIZE(made); i++)
        signature_free(&made[i]);
}

static void reads_assertions(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a: b.c:3: main: Assertion `x < 2' failed.", "x < 2"},
        {"a: b.c:3: f(int): Assertion `c == '`' && \"' failed\"' failed.",
         "c == '`' && \"' failed\""},
        {"a: b.c:3: main: Assertion `x < 2", NULL},
        {"free(): invalid pointer", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *expression = message_assertion(cases[i][0]);
        if (cases[i][1]) {
            assert_non_null(expression);
            assert_string_equal(expression, cases[i][1]);
        } else {
            assert_null(expression);
        }
    }
}

static void demangles_all_schemes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"_ZN2ns3Foo3barEiPKc", "ns::Foo::bar(int, char const*)"},
        {"_ZN4core3ptr4read17h0123456789abcdefE", "core::ptr::read"},
        {"_RNvC5panic4main", "panic::main"},
        {"_D3std5stdio7writelnFZv", "std.stdio.writeln()"},
        {"main", NULL},
        {"_start", NULL},
        {"_Z", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *name = demangle(cases[i][0]);
        if (cases[i][1]) {
            assert_non_null(name);
            assert_string_equal(name, cases[i][1]);
        } else {
            assert_null(name);
        }
    }
    AUTO_FREE char *type = demangle_type("St13runtime_error");
    assert_string_equal(type, "std::runtime_error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_as_the_standard),  cmocka_unit_test(names_lose_what_changes),
        cmocka_unit_test(knows_the_machinery),     cmocka_unit_test(takes_the_frames_that_matter),
        cmocka_unit_test(differs_where_it_should), cmocka_unit_test(demangles_all_schemes),
        cmocka_unit_test(tells_ways_to_die_apart), cmocka_unit_test(tells_words_apart),
        cmocka_unit_test(reads_assertions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
