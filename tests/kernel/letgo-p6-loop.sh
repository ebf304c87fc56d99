#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p6-loop - a program of 64 MiB that crashes again and again: every crash is counted, the first
# and the configured number are whole, and one of the last minute; the disk has no more than that.
# With --long some 2,000 crashes by the default rules.
. "$(dirname "$0")/../lib.sh"
needs_kernel
if [ -n "${INQUEST_LONG:-}" ]; then
    crashes=2008 full=20 # the default of inquest.conf(5)
    printf '[store]\npath = %s\nkeep_per_signature = unlimited\n' "$STORE" >"$CONF"
else
    crashes=118 full=4
    printf '[analyze]\nauto = no\n[storm]\nwindow = 10min\nfull = %s\nstacks = 8\nfacts = 16\n' $full |
        config
fi
LOOPER=61007
forget_storms
cp "$VICTIMS/memory" "$T/looper"
worst=0

loop() {
    local i began
    crash first -t 120 -u $LOOPER "$T/looper" 64 mixed
    for ((i = 1; i < crashes; i += 9)); do
        crash batch -n 9 -t 120 -u $LOOPER "$T/looper" 64 mixed
        jq -r 'select(.hung) | .pid' "$T/said.batch" >>"$T/hung"
        began=${EPOCHREALTIME/./}
        inquest list -n 5 >/dev/null
        began=$((${EPOCHREALTIME/./} - began))
        ((began <= worst)) || worst=$began
    done
}
chmod 755 "$T"
began=$SECONDS
with_hook loop
note "$crashes crashes in $((SECONDS - began)) s; meanwhile a list took at most $((worst / 1000)) ms"
is "letgo-p6-loop: none was held for ever" "$(cat "$T/hung")" ''
ok "letgo-p6-loop: the hooks end" wait_idle 120
keeper --no-analysis

inquest list --json >"$T/all"
jq --argjson uid $LOOPER 'map(select(.uid == $uid))' "$T/all" >"$T/list" # others may have crashed, too
note "$(jq -r 'group_by(.core) | map("\(.[0].core): \(map(.count) | add)") | join(", ")' "$T/list")"
is "letgo-p6-loop: every crash is counted" "$(jq '[.[].count] | add' "$T/list")" $crashes
is "letgo-p6-loop: the first one is whole" \
    "$(jq -r --argjson pid "$(said first pid)" '.[] | select(.pid == $pid).core' "$T/list")" full
json "letgo-p6-loop: and as many as the rules say" "$T/list" \
    "[.[] | select(.core == \"full\")] | length >= $full"
json "letgo-p6-loop: and one of the last minute" "$T/list" \
    'def seconds: .time | sub("[.].*"; "Z") | fromdate;
        (map(seconds) | max) as $last |
        any(.[]; .core == "full" and seconds >= $last - 61)'
used=$(du -sm "$STORE" | cut -f1)
cores=$(jq '[.[] | select(.core == "full") | .stored_size] | add / 1048576 | ceil' "$T/list")
ok "letgo-p6-loop: the disk has little more than the $cores MiB of whole cores: $used MiB" \
    test "$used" -le $((cores + crashes / 20 + 8))
ok "letgo-p6-loop: the store is in order" inquest check
finish
