#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# keep.sh - stats, check, reindex and prune say what is there, and repair and delete what they say.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

for i in 1 2 3; do
    import_core "2026-11-0$i" pid=$i comm=c$i
done
inquest stats --json >"$T/stats"
json "stats counts" "$T/stats" '.crashes == 3 and .records == 3 and .states.full == 3'
json "and weighs" "$T/stats" '.used > 0 and .record_bytes > 0 and .used >= .record_bytes'
ok "stats for people" grep -qE 'in all +3$' <(inquest stats)

is "check of a sound store exits 0" "$(exit_of inquest check)" 0
is "and finds nothing" "$(inquest check --json | jq -c '[.crashes,.found,.findings]')" '[3,0,[]]'

record=$(echo "$STORE"/crashes/*/20261102-000000-2.core.zst)
printf 'xxxx' | dd of="$record" bs=1 seek=30000 conv=notrunc status=none
is "a damaged core is found" "$(exit_of inquest check --json)" 1
json "by name" "$T/out" \
    '.found == 1 and .findings[0].id == "20261102-000000-2" and (.findings[0].repaired | not)'
is "--quick does not read cores" "$(exit_of inquest check --quick)" 0
rm "$record"
is "--dry-run repairs nothing" "$(exit_of inquest check --dry-run)" 1
is "a row without a file is repaired" "$(exit_of inquest check --json)" 0
json "and told" "$T/out" '.found >= 1 and .repaired == .found'
is "then all is well" "$(exit_of inquest check)" 0

inquest list --json | jq -c 'map([.id,.core,.core_size])' >"$T/before"
rm -f "$STORE"/index.db*
ok "reindex" inquest reindex
is "brings everything back" \
    "$(inquest list --json | jq -c 'map(select(.core != "missing") | [.id,.core,.core_size])')" \
    "$(jq -c 'map(select(.[1] != "missing"))' "$T/before")"

is "prune --dry-run" "$(exit_of inquest prune --dry-run --json)" 0
json "says what it would do" "$T/out" \
    '.dry_run and (.decisions | type == "array") and (.used | type == "number")'

# What a keeper puts into the cache, hooks hear of before the next count: by `filled` of the ledger.
filled() {
    od -An -t u8 -j 24 -N 8 "$STORE/new/.ledger" | tr -d ' '
}
printf '[store]\nmax_use = 2G\nkeep_free = 0\n' | config
keeper --no-analysis
was=$(filled)
import_core 2026-11-05 pid=5 comm=c5
keeper >"$T/keeper" 2>&1
cached=$(find "$STORE/cache" -type f -printf '%b\n' 2>/dev/null | awk '{ n += $1 } END { print n * 512 }')
if [[ ${cached:-0} -lt 65536 ]]; then
    skip "the ledger hears of the cache" "nothing was put into it: $(head -n1 "$T/keeper")"
else
    ok "the ledger hears of the cache" test $(($(filled) - was)) -ge "$cached"
fi
finish
