#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-keeper - system calls of the keeper fail, or end in SIGKILL, one at a time, while it adopts
# one crash, salvages another and prunes a third: the next keeper makes it all good.
#
# POINTS=N tries that many of the points, drawn by SEED (25); POINTS=all tries every one.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../faults.sh"
needs_faults
POINTS=${POINTS:-25}
CALLS_OF_A_KIND=40 # of each system call, the first so many are points

# A store with an old core that retention will take, a complete record nobody has adopted, and a dead
# hook's half of one.
make_template() {
    local id
    "$top_builddir/make-core" >"$T/core" || bail "make-core failed"
    mkdir -p "$T/template"
    inquest -D "$T/other" import --no-analysis "$T/core" >"$T/said" || bail "import: $(cat "$T/said")"
    id=$(inquest -D "$T/other" list --json | jq -r '.[0].id')
    record=$T/other/crashes/0/$id.core.zst
    inquest -D "$T/template" import --no-analysis "$T/core" >/dev/null || bail "import failed"
    old=$(inquest -D "$T/template" list --json | jq -r '.[0].id')
    cp "$record" "$T/template/new/20261122-000001-11.core.zst"
    head -c $(($(stat -c %s "$record") * 2 / 3)) "$record" \
        >"$T/template/new/20261122-000002-22.core.zst.part"
    printf '[store]\ncore_age = 1s\nkeep_free = 0\nmax_use = 90%% at most 1T\n' >"$CONF"
}

fresh_store() {
    rm -rf "$STORE"
    cp -a "$T/template" "$STORE"
}

keeper() { # STRACE-OPTIONS…
    timeout 30 strace -f -qq -o "$T/trace" "$@" "$BIN/inquest-keeper" -C "$CONF" -D "$STORE" \
        --no-analysis --foreground >"$T/keeper.said" 2>&1
}

state_of() { # ID
    inquest list --json "id=$1" 2>/dev/null | jq -r '.[0].core // "not listed"'
}

# Nothing where all is as it should be, after the fault and one more keeper.
verdict() { # STATUS
    local left
    [ "$1" != 124 ] || echo "it hangs"
    [ "$(state_of 20261122-000001-11)" = "full" ] || [ "$(state_of 20261122-000001-11)" = pruned ] ||
        echo "right after it, the new crash is $(state_of 20261122-000001-11)"
    keeper -e trace=none || echo "the next keeper fails: $(cat "$T/keeper.said")"
    [ "$(state_of "$old")" = pruned ] || echo "the old core is $(state_of "$old")"
    [ "$(state_of 20261122-000001-11)" = pruned ] ||
        echo "the new crash is $(state_of 20261122-000001-11)"
    [ "$(state_of 20261122-000002-22)" = truncated ] || # without content: its only frame is cut
        echo "the dead hook's crash is $(state_of 20261122-000002-22)"
    [ "$(inquest list --json | jq length)" = 3 ] || echo "$(inquest list --json | jq length) listed"
    inquest check >"$T/check" 2>&1 || echo "check: $(head -n 3 "$T/check")"
    left=$(find "$STORE/new" -mindepth 1 ! -name .lock ! -name .analysis ! -name .ledger)
    [ -z "$left" ] || echo "left in new/: $left"
}

make_template
sleep 1
fresh_store
keeper -e trace=all
calls_made "$T/trace" | points_of "$CALLS_OF_A_KIND" >"$T/all"
verdict $? >"$T/wrong"
is "trust-p3-keeper: undisturbed, all is done" "$(cat "$T/wrong")" ""
ok "trust-p3-keeper: and shows its system calls" test "$(wc -l <"$T/all")" -gt 100
SEED=${SEED:-$RANDOM}
draw_points "$T/all" >"$T/points"
note "$(wc -l <"$T/points") of $(wc -l <"$T/all") points; SEED=$SEED"

failed=
while read -r name number fault; do
    fresh_store
    { keeper -e "trace=$name" -e "inject=$name:$fault:when=$number"; } 2>/dev/null # "Killed"
    verdict $? >"$T/wrong"
    [ ! -s "$T/wrong" ] || failed+="$name number $number, $fault: $(cat "$T/wrong")"$'\n'
done <"$T/points"
is "trust-p3-keeper: $(wc -l <"$T/points") points, and nothing lost, hung or left" "$failed" ""
finish
