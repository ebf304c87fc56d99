#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p7-flat - what a question costs follows the answer, not the store: counted in what is read
# from the index and in memory. Milliseconds are bench/index.sh's.
. "$(dirname "$0")/../lib.sh"
command -v strace >/dev/null || skip_all "strace is not installed"
[ -x /usr/bin/time ] || skip_all "time is not installed"
FEW=1000 MANY=30000

new_store_with() { # ROWS
    STORE=$T/$1 new_store
    "$top_builddir/inquest-fill" -D "$T/$1" "$1" 7 >"$T/fill.out" 2>&1 || bail "$(cat "$T/fill.out")"
}
new_store_with $FEW
new_store_with $MANY

# Reads of the index that a command makes.
reads() { # ROWS COMMAND…
    local store=$T/$1
    shift
    strace -f -o "$T/strace" -e trace=pread64 "$BIN/inquest" -D "$store" "$@" >"$T/out" 2>"$T/err"
    grep -c pread64 "$T/strace"
}

# A row is found through a few levels of a few trees: 6 pages each, and 60 to begin with, are enough
# for any size. A scan would read all of the thousands.
is_flat() { # NAME ROWS COMMAND…: prints at most ROWS
    local name=$1 rows=$2 few many
    shift 2
    few=$(reads $FEW "$@")
    many=$(reads $MANY "$@")
    note "$*: $few reads of $FEW rows, $many of $MANY"
    ok "collect-p7-flat: $name" test "$many" -le $((60 + rows * 6))
    ok "collect-p7-flat: $name: there is an answer" test -s "$T/out"
}
pages=$(($(stat -c %s "$T/$MANY/index.db") / 4096))
ok "collect-p7-flat: the index ($pages pages) is far bigger than that" test $pages -gt 3000
is "collect-p7-flat: the rows are there" "$(inquest -D "$T/$MANY" list --json | jq length)" $MANY
is_flat "the newest 50" 50 list -n 50
is_flat "as JSON" 50 list -n 50 --json
is_flat "of a program" 50 list -n 50 exe=/usr/bin/program-7
is_flat "of a user" 50 list -n 50 uid=1003
is_flat "since an hour" 50 list -n 50 --since -1h
is_flat "info of the latest" 1 info

peak() { # ROWS COMMAND…: KiB
    local store=$T/$1
    shift
    /usr/bin/time -o "$T/time" -f %M "$BIN/inquest" -D "$store" "$@" >"$T/out"
    tail -1 "$T/time"
}
for format in --json --no-pager; do
    few=$(peak $FEW list $format)
    many=$(peak $MANY list $format)
    note "list $format: $few KiB of $FEW rows, $many KiB of $MANY"
    if is_sanitized; then
        skip "collect-p7-flat: list of everything is not held in memory ($format)" \
            "sanitizers take memory of their own"
        continue
    fi
    # The page cache of SQLite fills up to 2 MiB; the rows themselves would be 20 MiB.
    ok "collect-p7-flat: list of everything is not held in memory ($format)" \
        test "$many" -le $((few + 6144))
done
finish
