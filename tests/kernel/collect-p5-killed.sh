#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p5-killed - the hook is killed with SIGKILL while it takes a core: its parent, its child or
# both, at moments all over the time it needs. Nothing hangs, nothing that is cut short is listed as
# whole, and what had a file when it happened is listed, with the reason.
#
# KILLS=N says how many moments (12 a target), POINT what to call it.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
KILLS=${KILLS:-12}
POINT=${POINT:-collect-p5-killed}
MEBIBYTES=32

victim() { # TAG
    crash "$1" -t 20 "$VICTIMS/memory" $MEBIBYTES mixed
}

# Where the kill came too late to disturb, or before there was a file, the outcome is no news; `hit`
# counts the others.
declare -A outcomes=()
hit=0

# "" where the crash was treated as it should be, else what is wrong.
verdict() { # TAG
    local tag=$1 pid state core try
    pid=$(said "$tag" pid)
    state=$(awk -v pid="$pid" '$1 == pid { print $3 }' "$T/killed")
    if [ "$(said "$tag" hung)" = true ]; then
        echo "pid $pid hung"
        return
    fi
    # A killed process keeps its locks for as long as it takes to take it apart.
    for ((try = 0; try < 100; try++)); do
        core=$(inquest list --json "pid=$pid" 2>/dev/null | jq -r '.[0].core')
        [ "$core" = capturing ] || break
        sleep 0.1
        keeper --no-analysis 2>/dev/null
    done
    outcomes[$state-$core]=$((${outcomes[$state-$core]:-0} + 1))
    [ "$state" != part ] || hit=$((hit + 1))
    case $core in
    null)
        [ "$state" = nothing ] || inquest_said "$pid" ||
            echo "pid $pid was there ($state) and is lost without a word"
        ;;
    full)
        inquest dump "pid=$pid" >"$T/dumped" && core_is_whole "$T/dumped" ||
            echo "pid $pid is listed as whole, and its core is not"
        ;;
    truncated | stacks | facts)
        [ -n "$(inquest info --json "pid=$pid" | jq -r '.metadata.reason // empty')" ] ||
            echo "pid $pid is $core for no reason"
        ;;
    *)
        echo "pid $pid is listed as $core"
        ;;
    esac
}

# One kill: its verdict is left in $said_of_it.
kill_once() { # TARGET MICROSECONDS
    printf '%s %s %s\n' "$1" "$2" "$STORE" >"$T/kill"
    kmsg_mark
    with_hook -b kill victim victim
    wait_idle 30 || echo "a hook or keeper does not end ($1 after $2 µs)"
    keeper --no-analysis
    verdict victim
}

UNDER='' with_hook victim undisturbed # as fast as those that are killed
wait_listed undisturbed || bail "nothing is collected even when nobody kills the hook"
duration=$(inquest info --json "$(listed undisturbed id)" | jq '.metadata.taken_us * 5 / 4 | floor')
note "undisturbed, the hook needs $duration µs; RANDOM=${SEED:=$RANDOM}"
RANDOM=$SEED

for target in parent child both; do
    wrong=
    for ((i = 0; i < KILLS; i++)); do
        # Somewhere in the i-th part of the time, so that the parts are all hit.
        part=$((duration / KILLS + 1))
        moment=$((i * part + (RANDOM << 15 | RANDOM) % part))
        kill_once $target $moment >"$T/wrong"
        [ ! -s "$T/wrong" ] || wrong+="$(cat "$T/wrong") (killed $target after $moment µs)"$'\n'
    done
    is "$POINT-$target: $KILLS times, and never a lie or a hang" "$wrong" ''
done
for outcome in "${!outcomes[@]}"; do
    note "there when killed, and listed then as: $outcome: ${outcomes[$outcome]}"
done
ok "$POINT: some kills came while the hook was writing" test $hit -ge 2
ok "$POINT: the store is in order" inquest check
ok "$POINT: no dead .part is left" test -z "$(ls "$STORE/new")"
finish
