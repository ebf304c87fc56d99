#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p4-signatures - one bug has one signature however the program was built, in each of its
# versions and at each run; two bugs have two.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"

# A second version: lines have moved, and a function stands before the others.
{
    printf '%s\n' '#define _GNU_SOURCE' '#include <stdio.h>' '__attribute__((noinline)) void version(void)' \
        '{' '    puts("2");' '}' '' ''
    sed 's/^    return choose/    version();\n    return choose/' "$EXPLAIN/faults.c"
} >"$T/faults-2.c"

variants=()
build_variant() { # NAME COMMAND…
    local name=$1
    shift
    has "$1" && build "$name" "$@" -w -pthread && variants+=("$name")
}
build_variant O0 gcc -g -O0 "$EXPLAIN/faults.c"
build_variant O2 gcc -g -O2 "$EXPLAIN/faults.c"
build_variant O3 gcc -g -O3 "$EXPLAIN/faults.c"
build_variant lto gcc -g -O2 -flto "$EXPLAIN/faults.c"
build_variant no-debug gcc -O2 "$EXPLAIN/faults.c"
build_variant version-2 gcc -g -O2 "$T/faults-2.c"
[[ " ${variants[*]} " == *" version-2 "* ]] || bail "no second version"
build_variant static gcc -g -O2 -static "$EXPLAIN/faults.c"
build_variant clang clang -g -O2 "$EXPLAIN/faults.c"
cpp_variants=()
for level in O0 O1 O2 lto; do
    flags=-$level
    [ $level = lto ] && flags='-O2 -flto'
    # shellcheck disable=SC2086 # two flags
    has g++ && build "names-$level" g++ -std=c++17 -g $flags "$EXPLAIN/names.cc" &&
        cpp_variants+=("$level")
done
ways=(null-read recursion assert double-free through-handler)

crash_all() {
    local name way run
    for name in "${variants[@]}"; do
        for way in "${ways[@]}"; do
            for run in 1 2; do
                core_of "$name.$way.$run" "$T/$name" "$way"
            done
        done
    done
    for name in "${cpp_variants[@]}"; do
        core_of "names-$name.null.1" "$T/names-$name" null
        core_of "names-$name.throw.1" "$T/names-$name" throw
    done
}
with_plain_cores crash_all

# The signatures of cores, with the functions they are made of.
signatures() { # PATTERN OF CORES
    local core name
    # shellcheck disable=SC2231 # a pattern
    for core in "$T"/$1.core; do
        name=$(basename "$core" .core)
        explain "$name"
        fact_of "$name" '.signature + " " + (.signature_frames | join(" "))'
    done | sort -u
}

for way in "${ways[@]}"; do
    signatures "*.$way.?" >"$T/signatures.$way"
    is "explain-p4-signatures: one signature of $way in ${#variants[@]} builds, run twice" \
        "$(wc -l <"$T/signatures.$way") $(cut -d' ' -f1 "$T/signatures.$way" | grep -cxE '[0-9a-f]{16}')" "1 1"
    note "$(cat "$T/signatures.$way")"
done
is "explain-p4-signatures: different bugs of one program have different ones" \
    "$(cat "$T"/signatures.* | sort -u | wc -l)" "${#ways[@]}"

signatures 'names-*.null.1' >"$T/signatures-null"
signatures 'names-*.throw.1' >"$T/signatures-throw"
is "explain-p4-signatures: one signature of a C++ bug from -O0 to LTO" "$(wc -l <"$T/signatures-null")" 1
note "$(cat "$T/signatures-null")"
is "explain-p4-signatures: one of an uncaught exception, made of who threw it" \
    "$(cut -d' ' -f2- "$T/signatures-throw")" shop::refuse

# The exact stack is another thing: it tells builds apart, but not runs.
is "explain-p4-signatures: the stack's id is the same in each run, and another in each build" \
    "$(fact_of O0.null-read.1 .stack_id | grep -cxE '[0-9a-f]{16}') $(fact_of O0.null-read.1 .stack_id)" \
    "1 $(fact_of O0.null-read.2 .stack_id)"
[ "$(fact_of O0.null-read.1 .stack_id)" != "$(fact_of O2.null-read.1 .stack_id)" ]
is "explain-p4-signatures: -O0 and -O2 have different stacks" $? 0

# Two bugs of main itself, each one at all levels.
cat >"$T/both.c" <<'END'
#include <assert.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    char *volatile twice = malloc(100);
    assert(argc < 2 || *argv[1] != 'a');
    free(twice);
    free(twice);
    return 0;
}
END
for level in O0 O2 lto; do
    flags=-$level
    [ $level = lto ] && flags='-O2 -flto'
    # shellcheck disable=SC2086 # two flags
    build "both-$level" gcc -g $flags "$T/both.c" -w || bail "not built"
done
crash_both() {
    for level in O0 O2 lto; do
        core_of "both-$level.assert" "$T/both-$level" a
        core_of "both-$level.twice" "$T/both-$level"
    done
}
with_plain_cores crash_both
signatures 'both-*.assert' >"$T/both-assert"
signatures 'both-*.twice' >"$T/both-twice"
is "explain-p4-signatures: a failed assertion and a double free in one function are two, at each level" \
    "$(cut -d' ' -f2 "$T/both-assert" "$T/both-twice" | tr '\n' ' ')$(
        cut -d' ' -f1 "$T/both-assert" "$T/both-twice" | sort -u | wc -l)" "main main 2"

# Two assertions of one function are two bugs, and so are two exceptions, wherever their lines are.
cat >"$T/words.cc" <<'END'
#include <cassert>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#if VERSION == 2
// Lines have moved, and some code stands before.
static int moved(int n)
{
    return n ? n * 3 : std::rand();
}
#else
#define moved(n) (n)
#endif
__attribute__((noinline)) int cook(const std::string &order, int salt)
{
    if (order == "pepper")
        assert(moved(salt) == 0 && "no pepper");
    assert(order != "salt" || salt < 0);
    if (order == "oven")
        throw std::runtime_error("the oven is at " + std::to_string(std::rand()));
    if (order == "alloc")
        throw std::bad_alloc();
    return salt;
}
int main(int argc, char **argv)
{
    return cook(argv[1], argc);
}
END
orders=(pepper salt oven alloc)
words_levels=(O0 O2 lto 2)
has g++ || words_levels=()
for level in "${words_levels[@]}"; do
    flags=-$level
    [ "$level" != lto ] || flags='-O2 -flto'
    [ "$level" != 2 ] || flags='-O1 -DVERSION=2'
    # shellcheck disable=SC2086 # two flags
    build "words-$level" g++ -g $flags "$T/words.cc" -w || bail "not built"
done
crash_words() {
    local level order run
    for level in "${words_levels[@]}"; do
        for order in "${orders[@]}"; do
            for run in 1 2; do
                core_of "words-$level.$order.$run" "$T/words-$level" "$order"
            done
        done
    done
}
with_plain_cores crash_words
if [ ${#words_levels[@]} -gt 0 ]; then
    for order in "${orders[@]}"; do
        signatures "words-*.$order.?" >"$T/words-$order"
    done
    is "explain-p4-signatures: two assertions and two exceptions in one function: four, each one in 4 builds" \
        "$(wc -l <"$T/words-pepper") $(wc -l <"$T/words-salt") $(wc -l <"$T/words-oven") $(
            wc -l <"$T/words-alloc") $(cat "$T"/words-{pepper,salt,oven,alloc} | sort -u | wc -l) $(
            cut -d' ' -f2 "$T"/words-{pepper,salt,oven,alloc} | sort -u)" "1 1 1 1 4 cook"
    note "$(cat "$T"/words-{pepper,salt,oven,alloc})"
fi

# Programs without names are not all one.
build bare gcc -O2 -s "$EXPLAIN/faults.c" -w -pthread
crash_bare() {
    core_of bare.null-read.1 "$T/bare" null-read
    core_of bare.null-read.2 "$T/bare" null-read
    core_of bare.divide.1 "$T/bare" divide
}
with_plain_cores crash_bare
signatures 'bare.null-read.*' >"$T/signatures-bare"
signatures 'bare.*' >"$T/signatures-bare-all"
is "explain-p4-signatures: without names one bug has one signature, made of places; two have two" \
    "$(wc -l <"$T/signatures-bare") $(wc -l <"$T/signatures-bare-all") $(cut -d' ' -f2- "$T/signatures-bare")" "1 2 "
finish
