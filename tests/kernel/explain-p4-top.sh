#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p4-top - `top` and `list` show one bug as one, through hook and keeper, however the program was
# built; two bugs of it are two. What a signature is made of: explain-p4-signatures.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config </dev/null

CC=${CC:-cc}
WAYS=(O0 O1 O2 O3 LTO v2)
declare -A FLAGS=(
    [O0]=-O0 [O1]=-O1 [O2]=-O2 [O3]=-O3 [LTO]='-O2 -flto' [v2]='-O2 -DVERSION=2'
)
if command -v clang >/dev/null; then
    WAYS+=(clang)
    FLAGS[clang]=-O2
fi

for way in "${WAYS[@]}"; do
    compiler=$CC
    [ "$way" != clang ] || compiler=clang
    mkdir "$T/$way"
    # shellcheck disable=SC2086
    $compiler -g ${FLAGS[$way]} -o "$T/$way/recipe" "$top_srcdir/tests/victims/recipe.c" ||
        bail "$compiler ${FLAGS[$way]} fails"
done

crash_all() {
    for way in "${WAYS[@]}"; do
        for run in 1 2; do
            crash "salt.$way.$run" "$T/$way/recipe" salt
            crash "pepper.$way.$run" "$T/$way/recipe" pepper
        done
    done
}
with_hook crash_all
wait_idle 120 || fail "explain-p4-top: the keeper ends"

# The pids tell which crash is which.
signature_of() { # TAG
    inquest list --json "pid=$(said "$1" pid)" | jq -r '.[0].signature'
}

for bug in salt pepper; do
    first=$(signature_of "$bug.O0.1")
    [[ $first =~ ^[0-9a-f]{16}$ ]]
    is "explain-p4-top: $bug at -O0 has one" $? 0
    for way in "${WAYS[@]}"; do
        for run in 1 2; do
            is "explain-p4-top: $bug, $way, run $run" "$(signature_of "$bug.$way.$run")" "$first"
        done
    done
    eval "$bug=\$first"
done
# shellcheck disable=SC2154 # set by eval
[ "$salt" != "$pepper" ]
is "explain-p4-top: two bugs are two signatures" $? 0

inquest top --json >"$T/top"
json "explain-p4-top: two groups" "$T/top" 'length == 2'
json "explain-p4-top: each has all its crashes" "$T/top" \
    'map({(.signature): .count}) | add == {($salt): $n, ($pepper): $n}' \
    --arg salt "$salt" --arg pepper "$pepper" --argjson n $((2 * ${#WAYS[@]}))
json "explain-p4-top: a group tells what it is" "$T/top" \
    'length > 0 and all(.[]; .signal_name == "SIGSEGV" and .comm == "recipe" and (.frames | length) > 1 and
         (.frames | index("cook")) != null and .first < .last and (.users | length) == 1 and
         (.ids | length) == ([.count, 20] | min))'
json "explain-p4-top: newest ids first" "$T/top" \
    '.[] | select(.signature == $salt) | .ids == $ids' --arg salt "$salt" \
    --argjson ids "$(inquest list --json "signature=$salt" -n 20 | jq 'map(.id)')"
inquest top "$T/O0/recipe" --json >"$T/top"
json "explain-p4-top: MATCH narrows it" "$T/top" 'length == 2 and all(.[]; .count == 2)'
inquest top -n 1 --json >"$T/top"
json "explain-p4-top: -n bounds it" "$T/top" 'length == 1'
inquest top -S tomorrow --json >"$T/top" 2>/dev/null
is "explain-p4-top: nothing is exit 2" $? 2
json "explain-p4-top: and an empty array" "$T/top" '. == []'
inquest top >"$T/top"
is "explain-p4-top: the table has a line a group" "$(grep -c recipe "$T/top")" 2

inquest list --function boil --json >"$T/list"
json "explain-p4-function: list --function finds one bug's crashes" "$T/list" \
    'length == $n and all(.[]; .signature == $salt)' \
    --arg salt "$salt" --argjson n $((2 * ${#WAYS[@]}))

# Two assertions of one function: the words that tell them apart are not in a core of the stacks alone,
# which joins those of its stack all the same, whichever comes first.
cat >"$T/two.c" <<'END'
#include <assert.h>
int main(int argc, char **argv)
{
    assert(argc == 1 || argv[1][0] != 'a');
    assert(argc == 1);
    return 0;
}
END
$CC -g -O1 -o "$T/two" "$T/two.c" || bail "$CC fails"
crash_two() { # RUN
    crash "two.a.$1" "$T/two" a
    crash "two.b.$1" "$T/two" b
}
stacks_only() {
    config <<<$'[capture]\nmode = stacks'
}
stacks_only
with_hook crash_two before
wait_idle 60
config </dev/null
with_hook crash_two whole
wait_idle 60
stacks_only
with_hook crash_two after
wait_idle 60
inquest top two --json >"$T/top"
json "explain-p4-top: two assertions of one function are two groups, also of cores of the stacks alone" "$T/top" \
    'map([.count, .function]) == [[3, "main"], [3, "main"]]'
json "explain-p4-top: and each has the crashes of one" "$T/top" \
    'map([.ids[] | sub(".*-"; "") | tonumber] | sort) | sort == ([$a, $b] | sort)' \
    --argjson a "[$(said two.a.before pid),$(said two.a.whole pid),$(said two.a.after pid)]" \
    --argjson b "[$(said two.b.before pid),$(said two.b.whole pid),$(said two.b.after pid)]"
# A report that is made on the spot, and says another signature by itself, shows the group's.
inquest list --json "pid=$(said two.a.after pid)" | jq '.[0]' >"$T/two"
rm "$STORE/crashes/0/$(jq -r .id "$T/two").report.json"
is "explain-p4-top: bt prints the signature that lists find" \
    "$(inquest bt --json "$(jq -r .id "$T/two")" | jq -r .signature)" "$(jq -r .signature "$T/two")"
finish
