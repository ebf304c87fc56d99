#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-explained - system calls of the keeper, its broker and its analyzer fail, or end in
# SIGKILL, one at a time, while a crash is explained and the cache is filled: the crash is whole, its
# report is there or why it is not, the next one who asks gets it, and nothing is left.
#
# POINTS=N tries that many of the points, drawn by SEED (12); POINTS=all tries every one, from number
# FROM on.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../faults.sh"
needs_kernel
needs_faults
POINTS=${POINTS:-12} SEED=${SEED:-19}
CALLS_OF_A_KIND=12

victim() { crash victim "$VICTIMS/signals" ABRT; }

printf '[analyze]\nauto = no\n' | config
with_hook victim
wait_listed victim || bail "no crash to explain"
wait_idle
config </dev/null
id=$(listed victim id)
cp -a "$STORE" "$T/template"

keeper_with() { # STRACE-OPTION…
    rm -rf "$STORE"
    cp -a "$T/template" "$STORE"
    timeout 60 strace -f -qq -o "$T/trace" "$@" "$BIN/inquest-keeper" -C "$CONF" --foreground \
        >"$T/keeper.said" 2>&1
}

# Nothing where all is as it should be.
verdict() { # STATUS
    local left
    [ "$1" != 124 ] || echo "it hangs"
    wait_idle 30 || echo "a process is left: $(our_processes)"
    timeout 60 "$BIN/inquest-keeper" -C "$CONF" --foreground >"$T/next.said" 2>&1 ||
        echo "the next keeper fails: $(cat "$T/next.said")"
    [ "$(inquest list --json "id=$id" | jq -r '.[0].core')" = full ] || echo "the core is not whole"
    inquest bt --json "$id" >"$T/report" 2>"$T/bt.err"
    case $? in
    0) ;;
    3) jq -e '.problems | length > 0' "$T/report" >/dev/null || echo "a part of a backtrace for no reason" ;;
    *) echo "no backtrace: $(cat "$T/bt.err")" ;;
    esac
    jq -e '([.threads[].frames[].function] | index("main")) or (.problems | length > 0)' \
        "$T/report" >/dev/null || echo "a backtrace without main(), for no reason"
    inquest check >"$T/check" 2>&1 || echo "check: $(head -n 3 "$T/check")"
    left=$(find "$STORE" -name '.*.new' -o -name part -o -path "$STORE/new/*" \
        ! -name .lock ! -name .analysis ! -name .ledger)
    [ -z "$left" ] || echo "left: $left"
}

keeper_with -e trace=all
calls_made "$T/trace" | points_of "$CALLS_OF_A_KIND" >"$T/all"
verdict $? >"$T/wrong"
is "trust-p3-explained: undisturbed, all is done" "$(cat "$T/wrong")" ""
ok "trust-p3-explained: the cache is filled" test -n "$(find "$STORE/cache" -type f)"
ok "trust-p3-explained: it shows its system calls" test "$(wc -l <"$T/all")" -gt 200
draw_points "$T/all" >"$T/points"
note "$(wc -l <"$T/points") of $(wc -l <"$T/all") points; SEED=$SEED"

failed='' tried=0
while read -r name number fault; do
    ((++tried % 50)) || note "$tried tried, the last one $name $number"
    { keeper_with -e "trace=$name" -e "inject=$name:$fault:when=$number"; } 2>/dev/null # "Killed"
    verdict $? >"$T/wrong"
    if [ -s "$T/wrong" ]; then
        failed+="$name number $number, $fault: $(cat "$T/wrong")"$'\n'
        note "$name number $number, $fault: $(cat "$T/wrong")"
    fi
done <"$T/points"
is "trust-p3-explained: $(wc -l <"$T/points") points, and nothing lost, hung or left" "$failed" ""
finish
