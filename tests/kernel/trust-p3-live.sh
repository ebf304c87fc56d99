#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-live - `inquest check` beside those who adopt, explain, dump, pin, prune, remove, import and list
# crashes of a user finds nothing wrong: what is between two steps of theirs is no damage, and none of
# them dies of another, or is told what is not so. Nor does any where the index is made anew meanwhile.
. "$(dirname "$0")/../lib.sh"
needs_kernel
needs_no_valgrind "how long others are in the middle of something is seen in an ordinary build"
ALICE=61001

# Room for some records: each adoption prunes or removes others.
printf '[store]\nmax_use = 8M\n[analyze]\nauto = no\n' | config
cp "$VICTIMS/signals" "$T/signals" # where she may start it
with_hook crash hers -u $ALICE "$T/signals" SEGV
wait_listed hers
wait_idle # her own index comes last
id=$(listed hers id)
ok "trust-p3-live: she has an index of her own" test -s "$STORE/crashes/$ALICE/index.db"
cp "$(record_of hers)" "$T/record"
inquest pin "$id"
cp "$T/record" "$STORE/new/20261101-000000-77.core.zst"
ok "trust-p3-live: what nobody has adopted is analysed" inquest analyze 20261101-000000-77

# Each until $T/stop is there, and says how often.
until_stopped() { # NAME COMMAND…
    local n
    for ((n = 0; n < 100000; n++)); do
        [ ! -e "$T/stop" ] || break
        "${@:2}" "$n" >>"$T/out.$1" 2>>"$T/err.$1"
    done
    echo "$n" >"$T/times.$1"
}
adopts() { # N: as a hook leaves it, and the keeper that it starts
    local new i
    for i in 1 2 3 4 5 6; do
        new=20261102-000000-$((BASHPID % 1000 * 10000 + $1 * 6 + i))
        cp "$T/record" "$STORE/new/.$new.tmp" && mv "$STORE/new/.$new.tmp" "$STORE/new/$new.core.zst"
    done
    keeper --no-analysis
}
explains() { # the latest, which may be gone by then
    inquest bt --json comm=signals || true
    inquest dump -n 1 -o "$T/dumped" comm=signals || true
    inquest prune
}
pins() {
    inquest pin -1 comm=signals
    inquest unpin -1 comm=signals
    inquest pin "$id"
}
removes() {
    inquest rm -y -n 2 --oldest-first comm=signals
    inquest rm -y -n 6 comm=signals
    sleep 0.05
}
imports() {
    inquest import --no-analysis "$T/record"
    sleep 0.05
}
lists() {
    as_user $ALICE "$INQUEST" list -D "$STORE" --json | jq length
}
reindexes() {
    inquest reindex
    sleep 0.1
}
others=()
begin() { # NAME…
    local name
    rm -f "$T/stop"
    for name in "$@"; do
        until_stopped "$name" "$name" &
        others+=($!)
    done
}
stop() {
    touch "$T/stop"
    wait "${others[@]}"
    others=()
}
finally stop
begin adopts adopts explains pins removes imports lists

wrong=0
for ((round = 0; round < 30; round++)); do
    for options in --dry-run ''; do
        # shellcheck disable=SC2086 # none or one
        inquest check --json $options >"$T/check.$round$options" 2>>"$T/err.check" || wrong=$((wrong + 1))
    done
done
stop
note "rounds: $(cd "$T" && grep -H . times.* | sed 's/times.//' | tr '\n' ' ')"
is "trust-p3-live: exit codes" "$wrong" 0
is "trust-p3-live: nothing is found" \
    "$(jq -c '.findings[] | [.kind, .path, .text]' "$T"/check.*[0-9n] | sort | uniq -c | head -20)" ''
is "trust-p3-live: nor said" "$(cat "$T/err.check" | sort -u | head -5)" ''
is "trust-p3-live: nobody died" \
    "$(grep -hiE 'bus error|segmentation|core dumped|malformed|corrupt|damaged' "$T"/err.* | sort -u | head -5)" ''
is "trust-p3-live: nobody is told what is not so" \
    "$(grep -hE 'No such file|use sudo' "$T"/err.{imports,removes,pins} | sort -u | head -5)" ''

begin adopts explains removes lists reindexes
died=0
for ((round = 0; round < 20; round++)); do
    inquest check --json >>"$T/out.check" 2>>"$T/err.check"
    [ $? -lt 128 ] || died=$((died + 1))
done
stop
is "trust-p3-live: nor dies anybody while the index is made anew" "$died" 0
is "trust-p3-live: in the end all is well" "$(inquest check --json | jq .found)" 0
is "trust-p3-live: and the pinned one is there" "$(inquest list --json "$id" | jq length)" 1
for name in adopts explains pins removes imports lists reindexes; do
    ok "trust-p3-live: $name: they were at work" test "$(cat "$T/times.$name")" -ge 2
done
finish
