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

fill() { # NAME ARGUMENT… of inquest-fill
    local store=$stores/$1/store name=$1
    shift
    [ ! -e "$stores/$name/done" ] || return 0
    rm -rf "${stores:?}/$name"
    mkdir -p "$stores/$name"
    mkdir -m 751 "$store" "$store/crashes"
    mkdir -m 700 "$store/new"
    "$build/inquest-fill" -D "$store" "$@"
    touch "$stores/$name/done"
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
    fill "$rows" "$rows" 1
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

# One user with 10,000 crashes of his own, a crash every five minutes, by the index that is his.
if [ "$(id -u)" = 0 ]; then
    rm -rf "${stores:?}/own" # the first time is one of the figures
    fill own -u 65534 10000 300
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    inquest=("$build/inquest" -D "$stores/own/store")
    start_of() { # COMMAND…: without setpriv's own
        local inner='s=${EPOCHREALTIME/./}; "$@" >/dev/null 2>&1; echo $((${EPOCHREALTIME/./} - s))'
        "${as_user[@]}" bash -c "$inner" - "$@"
    }
    median_of() { # COMMAND…
        local i
        for ((i = 0; i < repeat; i++)); do start_of "$@"; done | sort -n | sed -n "$(((repeat + 1) / 2))p"
    }
    own_row() { # NAME, then microseconds for the bare start and for the command
        printf '%-28s %8d.%03d ms   %d.%d bare starts\n' "$1" $(($3 / 1000)) $(($3 % 1000)) \
            $(($3 / $2)) $(($3 * 10 / $2 % 10))
    }
    first=$(start_of "${inquest[@]}" list)
    bare=$(median_of "$build/inquest" --version)
    printf '\n10000 rows of a user'"'"'s own (bare start: %d.%03d ms)\n' $((bare / 1000)) $((bare % 1000))
    own_row "list, the first time" "$bare" "$first"
    own_row "list, again" "$bare" "$(median_of "${inquest[@]}" list)"
    own_row "list --json" "$bare" "$(median_of "${inquest[@]}" list --json)"
    own_row "list -n 50" "$bare" "$(median_of "${inquest[@]}" list -n 50)"
fi
