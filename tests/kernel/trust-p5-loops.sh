#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p5-loops - 32 crash loops of four users at once, whose cores come to many times max_use: all
# that is under the store stays within 64 MiB of it at every moment, pins and firsts survive, and each
# crash is a record or in a count.
. "$(dirname "$0")/../lib.sh"
needs_kernel
USERS=(61021 61022 61023 61024)
LOOPS=8      # of each user
ROUNDS=3     # crashes of each loop
CORE_MIB=12  # that nothing compresses
MAX_MIB=128  # 96 crashes bring 1152
MIB=$((1024 * 1024))

# A filesystem of its own says at any moment what is used, without a race with what is renamed.
mount -t tmpfs -o size=1g,mode=751 tmpfs "$STORE" 2>"$T/stderr.mount" ||
    skip_all "cannot mount a tmpfs: $(cat "$T/stderr.mount")"
unmount_finally "$STORE"
mkdir -m 751 "$STORE/crashes"
mkdir -m 700 "$STORE/new"
mkdir -m 750 "$STORE/modules"

used() {
    local blocks free size
    read -r blocks free size < <(stat -f -c '%b %f %S' "$STORE")
    echo $(((blocks - free) * size))
}

config_of() { # AUTO
    config <<END
[store]
max_use = ${MAX_MIB}M
keep_free = 0%
keep_per_signature = 1
[analyze]
auto = $1
END
}

# ---- a first of each of four signatures, one of another program that is pinned ----
cp "$VICTIMS"/{signals,quick,memory} "$T/"
SIGNALS=(BUS ABRT FPE ILL) # memory's is SEGV
crash_firsts() {
    local i
    for i in "${!USERS[@]}"; do
        crash "first.$i" -u "${USERS[i]}" -t 60 "$T/signals" "${SIGNALS[i]}"
    done
    crash pinned -u "${USERS[0]}" -t 60 "$T/memory" 2 random
}
config_of yes
with_hook crash_firsts
ok "trust-p5-loops: hooks and keepers of the firsts end" wait_idle 120
keeper
for i in "${!USERS[@]}"; do
    wait_listed "first.$i" || fail "trust-p5-loops: a first is listed"
done
wait_listed pinned || fail "trust-p5-loops: the pinned one is listed"
ok "trust-p5-loops: one is pinned" inquest pin "$(listed pinned id)"

# ---- the loops ----
loop() { # USER NUMBER
    local round
    for ((round = 0; round < ROUNDS; round++)); do
        crash "loop.$1.$2.$round" -u "$1" -t 300 "$T/memory" $CORE_MIB random
    done
}

watch_store() { # until $T/over is there
    local now most=0
    while [ ! -e "$T/over" ]; do
        now=$(used)
        ((now <= most)) || most=$now
    done
    echo "$most" >"$T/most"
}

crash_loops() {
    local user number pids=()
    for user in "${USERS[@]}"; do
        for ((number = 0; number < LOOPS; number++)); do
            loop "$user" $number &
            pids+=($!)
        done
    done
    wait "${pids[@]}"
}

config_of no
watch_store &
watcher=$!
with_hook -b log crash_loops
ok "trust-p5-loops: hooks and keepers end" wait_idle 300
keeper --no-analysis
touch "$T/over"
wait $watcher

is "trust-p5-loops: none is held for ever" "$(cat "$T"/said.loop.* | jq -r 'select(.hung).pid')" ''
inquest list --json >"$T/list"
states=$(jq -r '[.[] | select(.comm == "memory")] | group_by(.core) |
    map("\(.[0].core) \(map(.count) | add)") | join(" ")' "$T/list")
most=$(cat "$T/most")
note "$((most / MIB)) MiB at most, $(($(used) / MIB)) MiB in the end, of $MAX_MIB: $states"
ok "trust-p5-loops: never more than 64 MiB over max_use" test "$most" -le $(((MAX_MIB + 64) * MIB))
ok "trust-p5-loops: in the end, not more than max_use" test "$(used)" -le $((MAX_MIB * MIB))
cut -d' ' -f1 "$T/handed" | sort >"$T/pids.handed"
jq -r '.[] | select(.comm == "memory").pid' "$T/list" | sort >"$T/pids.listed"
is "trust-p5-loops: the kernel skips none" "$(wc -l <"$T/pids.handed")" $((4 * LOOPS * ROUNDS))
is "trust-p5-loops: each crash that the kernel handed over is a record, or in a count" \
    "$(jq '[.[] | select(.comm == "memory").count] | add' "$T/list")" \
    $(($(wc -l <"$T/pids.handed") + 1))
is "trust-p5-loops: and none is of a process that did not crash" \
    "$(comm -13 "$T/pids.handed" "$T/pids.listed")" "$(said pinned pid)"
json "trust-p5-loops: the budget was one: not every core is there" "$T/list" \
    'any(.[]; .comm == "memory" and .core != "full")'
ok "trust-p5-loops: the store is in order" inquest check
for id in $(jq -r '.[] | select(.core == "stacks" or .core == "facts").id' "$T/list"); do
    inquest info --json "$id" | jq -r 'select(.metadata.reason // "" | contains("max_use") | not).id'
done >"$T/unexplained"
is "trust-p5-loops: who kept less says why" "$(cat "$T/unexplained")" ''

# ---- what must survive ----
for tag in pinned first.{0..3}; do
    id=$(listed $tag id)
    inquest dump "$id" >"$T/core"
    ok "trust-p5-loops: the core of $tag survives" core_is_whole "$T/core"
    inquest info --json "$id" >"$T/info"
    json "trust-p5-loops: and its report" "$T/info" '.core == "full" and .report.signature != null'
done
finish
