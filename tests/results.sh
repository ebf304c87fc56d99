#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# results.sh - counts the results below the current directory, and says which skips are not allowed.
#
#   results.sh STRICT SKIPS.ALLOWED
#
# STRICT is yes where nothing but what the file lists may be skipped: each of its lines is a glob of
# "TEST: POINT # SKIP REASON" and, behind " | ", why that is all right. Exits with 1 if anything
# failed or nothing ran.
set -u
strict=$1 allowed=$2

results=$(mktemp) && trap 'rm -f "$results"' EXIT
sh "$(dirname "$0")/tap.sh" >"$results"

count() {
    grep -cE "^($1) " "$results"
}

is_allowed() { # WHAT
    [ -f "$allowed" ] || return 1
    while IFS= read -r line; do
        case $line in '' | '#'*) continue ;; esac
        # shellcheck disable=SC2254 # a glob is what it is
        case $1 in ${line%% | *}) return 0 ;; esac
    done <"$allowed"
    return 1
}

refused=0
if [ "$strict" = yes ]; then
    grep '^SKIP ' "$results" >"$results.skips"
    while read -r _ what; do
        is_allowed "$what" && continue
        echo "Skipped, and not listed in tests/skips.allowed: $what"
        refused=$((refused + 1))
    done <"$results.skips"
    rm -f "$results.skips"
fi
grep -E '^(FAIL|ERROR) ' "$results" | sed 's/^/  /'

passed=$(count PASS)
failed=$(($(count 'FAIL|ERROR') + refused))
skipped=$(($(count SKIP) - refused))
if [ $((passed + failed)) -eq 0 ]; then
    echo "Nothing ran."
    failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
