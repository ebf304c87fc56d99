#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh - builds the fuzz targets with clang in a tree of their own and runs each on its corpus
# for FUZZ_SECONDS (3). New inputs that reach new code go to fuzz/found/ in the build tree, and an
# input that breaks a target is left in fuzz/ and named.
set -u

: "${top_srcdir:?is set by make}" "${FUZZ_SECONDS:=3}"
tree=$PWD/fuzz

skip()
{
    echo "1..0 # SKIP $1"
    exit 0
}

command -v clang >/dev/null || skip "no clang"
printf 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n){return p && n > 1;}' |
    clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null || skip "clang has no libFuzzer"

mkdir -p "$tree" && cd "$tree" || exit 1
{
    [ -e Makefile ] || "$top_srcdir/configure" -q --enable-fuzzing CC=clang
    make -s --no-print-directory fuzz-programs
} >build.log 2>&1 || {
    tail -n 20 build.log | sed 's/^/# /'
    echo "1..1"
    echo "not ok 1 - fuzz targets build"
    exit 1
}

targets=$(make -s --no-print-directory fuzz-names)
# shellcheck disable=SC2086 # a list of words
set -- $targets
echo "1..$#"
number=0
for target; do
    number=$((number + 1))
    corpus=$top_srcdir/tests/fuzz/corpus/${target#fuzz-}
    mkdir -p "found/$target"
    [ -d "$corpus" ] || corpus=
    # shellcheck disable=SC2086 # absent where there is no corpus
    if ./"$target" -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        "found/$target" $corpus >"$target.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$target.log")
        echo "ok $number - trust-p4-fuzz: $target: $runs inputs"
    else
        tail -n 30 "$target.log" | sed 's/^/# /'
        echo "not ok $number - trust-p4-fuzz: $target"
    fi
done
