#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p6-storm - a crash loop keeps so many cores, stacks and facts, and a count of the rest; 40
# crashes of 16 MiB at the same moment are all stored; rules say what a program keeps.
. "$(dirname "$0")/../lib.sh"
needs_kernel
LOOPER=61007
forget_storms
chmod 755 "$T"

states() { # FILTER: how many crashes are in which state
    inquest list --json | jq -r "[.[] | select($1)] | group_by(.core) |
        map(\"\(.[0].core) \(map(.count) | add)\") | join(\" \")"
}

# ---- a storm: 40 at once, of one program and user ----
config <<'END'
[analyze]
auto = no
[storm]
window = 10min
full = 5
stacks = 4
facts = 3
END
cp "$VICTIMS/quick" "$T/looper"
with_hook crash loop -n 40 -u $LOOPER -t 60 "$T/looper"
is "letgo-p6-loop: none is held for ever" "$(jq -r 'select(.hung)' "$T/said.loop")" ''
ok "letgo-p6-loop: the hooks end" wait_idle 60
keeper --no-analysis
is "letgo-p6-loop: so many of each, and all are counted" "$(states '.comm == "looper"')" \
    "counted 28 facts 3 full 5 stacks 4"
inquest list --json >"$T/list"
json "letgo-p6-loop: one record stands for the counted" "$T/list" \
    '[.[] | select(.core == "counted")] | length == 1'
inquest info --json "$(jq -r '[.[] | select(.core == "counted")][0].id' "$T/list")" >"$T/info"
json "letgo-p6-loop: and says why" "$T/info" '.metadata.reason | contains("[storm]")'
json "letgo-p6-loop: a full one is whole" "$T/list" \
    '[.[] | select(.core == "full")][0].core_size > 100000'
ok "letgo-p6-loop: the store is in order" inquest check

# ---- 40 of 16 MiB at the same moment, without storm rules ----
new_store
config_to_collect
with_hook crash crowd -n 40 -t 120 "$VICTIMS/memory" 16 mixed
is "letgo-p6-crowd: none is held for ever" "$(jq -r 'select(.hung)' "$T/said.crowd")" ''
ok "letgo-p6-crowd: the hooks end" wait_idle 120
keeper --no-analysis
is "letgo-p6-crowd: every one is whole" "$(states '.comm == "memory"')" "full 40"

# ---- rules ----
new_store
config <<'END'
[analyze]
auto = no
[rule ignored]
exe = */ignored
mode = ignore
[rule small]
comm = small*
mode = stacks
[rule facts]
exe = */justfacts
signal = SEGV
mode = facts
[rule big]
comm = big
max_core = 100K
END
for name in ignored small-one justfacts big other; do
    cp "$VICTIMS/quick" "$T/$name"
done
crash_each() {
    local name
    for name in ignored small-one justfacts big other; do
        crash "$name" -t 30 "$T/$name" </dev/null
    done
}
with_hook crash_each
ok "letgo-p6-rules: the hooks end" wait_idle 60
keeper --no-analysis
is "letgo-p6-rules: each program keeps what its rule says" \
    "$(inquest list --json | jq -r '.[] | "\(.comm) \(.core)"' | sort | tr '\n' ' ')" \
    "big stacks ignored counted justfacts facts other full small-one stacks "
inquest info --json big >"$T/info"
json "letgo-p6-rules: the record names the rule" "$T/info" '.metadata.rule == "big"'
json "letgo-p6-rules: and why the core is small" "$T/info" '.metadata.reason | contains("max_core")'
finish
