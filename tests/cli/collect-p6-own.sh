#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p6-own - a user's list of thousands of his own crashes, by his own index: what each line
# costs in system calls and instructions. Milliseconds are bench/index.sh's.
. "$(dirname "$0")/../lib.sh"
command -v strace >/dev/null || skip_all "strace is not installed"
FEW=500 MANY=2500 OWNER=61001
as_user $OWNER true 2>"$T/err" || skip_all "needs a root who can be another user: a store's owner reads all of its index"

as_owner() {
    as_user $OWNER "$@"
}
mkdir "$T/his"
chown "$OWNER" "$T/his"
for rows in $FEW $MANY; do
    STORE=$T/$rows new_store
    "$top_builddir/inquest-fill" -D "$T/$rows" -u "$OWNER" "$rows" 300 >"$T/fill.out" 2>&1 ||
        bail "$(cat "$T/fill.out")"
    as_owner "$BIN/inquest" -D "$T/$rows" list --json >"$T/json" 2>"$T/err"
    is "collect-p6-own: all $rows are listed" "$(jq length "$T/json")" "$rows"
    as_owner "$BIN/inquest" -D "$T/$rows" list --no-legend >"$T/table" 2>"$T/err"
    is "collect-p6-own: and in the table, in the same order" "$(awk '{print $3}' "$T/table")" \
        "$(jq -r '.[].id' "$T/json")"
done

# As root the whole index would be read, if it were not for this.
as_owner strace -o "$T/his/strace" -e trace=openat "$BIN/inquest" -D "$T/$FEW" list >/dev/null
ok "collect-p6-own: by the index of his own" grep -q "crashes/$OWNER" "$T/his/strace"

# What the keeper saw of the files is remembered as long as nothing changes where they lie, so that
# only pages of the index are read, and a few rows' worth of output written, at a time.
calls() { # ROWS OPTION…
    local store=$T/$1
    shift
    as_owner strace -f -o "$T/his/strace" "$BIN/inquest" -D "$store" list "$@" >"$T/out"
    wc -l <"$T/his/strace"
}
for format in --no-legend --json; do
    few=$(calls $FEW $format)
    many=$(calls $MANY $format)
    note "list $format: $few system calls for $FEW rows, $many for $MANY"
    ok "collect-p6-own: it was counted ($format)" test "$few" -gt 50
    ok "collect-p6-own: one system call serves two rows ($format)" \
        test $(((many - few) * 2)) -le $((MANY - FEW))
done

# A line of libsmartcols takes 93,000 instructions and one of jansson's 127,000; ours 9,000 and 16,000.
instructions() { # ROWS OPTION…
    local store=$T/$1
    shift
    as_owner valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
        "$BIN/inquest" -D "$store" list "$@" 2>&1 >"$T/out" |
        sed -n 's/.*I *refs: *//p' | tr -d ,
}
if [ -n "$(instructions $FEW)" ]; then
    for format in --no-legend --json; do
        few=$(instructions $FEW $format)
        many=$(instructions $MANY $format)
        each=$(((many - few) / (MANY - FEW)))
        note "list $format: $few instructions for $FEW rows, $many for $MANY: $each each"
        ok "collect-p6-own: a row takes few instructions ($format)" test $each -le 50000
    done
else
    note "no valgrind that runs this build: instructions are not counted"
fi

# Fast is not blind: a file that somebody removed by hand is missed, also when the keeper has come by.
missing() {
    as_owner "$BIN/inquest" -D "$T/$MANY" list --json >"$T/json" 2>"$T/err"
    jq -r '.[] | select(.core == "missing") | .id' "$T/json"
}
config <<<$'[store]\nmax_use = unlimited\nkeep_free = 0\ncore_age = unlimited' # the files are empty, not pruned
id=$(jq -r '.[7].id' "$T/json")
record=$T/$MANY/crashes/$OWNER/$id.core.zst
mv "$record" "$T/kept"
is "collect-p6-own: a record that is gone is missing, and no other" "$(missing)" "$id"
keeper -D "$T/$MANY"
is "collect-p6-own: and so it is when the keeper has looked" "$(missing)" "$id"
mv "$T/kept" "$record"
is "collect-p6-own: one that is there again is not" "$(missing)" ''
asked=$(calls $MANY)
ok "collect-p6-own: all of them were asked for" test "$asked" -gt $MANY
keeper -D "$T/$MANY"
asked=$(calls $MANY)
ok "collect-p6-own: and none when the keeper has looked" test "$asked" -lt $MANY
is "collect-p6-own: nothing is missing then" "$(missing)" ''
finish
