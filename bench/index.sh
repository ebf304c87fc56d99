#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# index.sh - how long questions to a big store take, against a bare start of the same program.
#
#   bench/index.sh [ROWS…]       (1000 100000 1000000), from the build folder; REPEAT=N (21)
#
# Prints medians in milliseconds and, for each, how much more than the bare start that is. The stores
# are made once and kept below ${TMPDIR:-/tmp}/inquest-bench-index for the next run.
set -eu
build=${top_builddir:-$PWD}
repeat=${REPEAT:-21}
stores=${TMPDIR:-/tmp}/inquest-bench-index
[ $# -gt 0 ] || set -- 1000 100000 1000000

fill() { # ROWS
    [ ! -e "$stores/$1/done" ] || return 0
    rm -rf "${stores:?}/$1"
    mkdir -p "$stores/$1"
    mkdir -m 751 "$stores/$1/store" "$stores/$1/store/crashes"
    mkdir -m 700 "$stores/$1/store/new"
    "$build/inquest-fill" -D "$stores/$1/store" "$1" 1
    touch "$stores/$1/done"
}

# The median time of a command, in microseconds.
median() { # COMMAND…
    local i start
    for ((i = 0; i < repeat; i++)); do
        start=${EPOCHREALTIME/./}
        "$@" >/dev/null 2>&1 || true
        echo $((${EPOCHREALTIME/./} - start))
    done | sort -n | sed -n "$(((repeat + 1) / 2))p"
}

row() { # NAME, then microseconds for the bare start and for the command
    printf '%-28s %8d.%03d ms   bare start + %d.%03d ms\n' "$1" $(($3 / 1000)) $(($3 % 1000)) \
        $((($3 - $2) / 1000)) $((($3 - $2) % 1000))
}

for rows; do
    fill "$rows"
    inquest=("$build/inquest" -D "$stores/$rows/store")
    id=$("${inquest[@]}" list -1 --json | sed 's/.*"id":"\([^"]*\)".*/\1/')
    bare=$(median "$build/inquest" --version)
    printf '\n%s rows (bare start: %d.%03d ms)\n' "$rows" $((bare / 1000)) $((bare % 1000))
    row "list -n 50" "$bare" "$(median "${inquest[@]}" list -n 50)"
    row "list -n 50 EXE" "$bare" "$(median "${inquest[@]}" list -n 50 /usr/bin/program-7)"
    row "list -n 50 uid=" "$bare" "$(median "${inquest[@]}" list -n 50 uid=1003)"
    row "list -n 50 --since -1h" "$bare" "$(median "${inquest[@]}" list -n 50 --since -1h)"
    row "info ID" "$bare" "$(median "${inquest[@]}" info "$id")"
done

# One user with 10,000 crashes of his own, all of them listed.
if [ "$(id -u)" = 0 ]; then
    fill 10000
    chown -R 65534:65534 "$stores/10000/store"
    inquest=(setpriv --reuid=65534 --regid=65534 --clear-groups "$build/inquest"
        -D "$stores/10000/store")
    bare=$(median "${inquest[@]:0:4}" "$build/inquest" --version)
    printf '\n10000 rows, as their user\n'
    row "list (all of them)" "$bare" "$(median "${inquest[@]}" list)"
    row "list --json (all of them)" "$bare" "$(median "${inquest[@]}" list --json)"
    row "list -n 50" "$bare" "$(median "${inquest[@]}" list -n 50)"
fi
