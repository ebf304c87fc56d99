#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p4-storm - 200 processes that crash at once: each core that the kernel hands over is stored
# whole and listed, whatever core_pipe_limit says. (No storm rules: lib.sh turns them off.)
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
CROWD=200
[ -z "$VALGRIND" ] || CROWD=20 # each is a memcheck of a hook and of a keeper

# The core of a process has its token, and its record no damaged frame.
core_is_its_own() { # RECORD PID
    zstd -dcq "$1" 2>/dev/null | grep -qaF "quick victim $2 was here"
}

each_is_whole() { # one line for each that is not
    local pid record
    while read -r pid; do
        record=("$STORE"/crashes/0/*-"$pid".core.zst)
        core_is_its_own "${record[0]}" "$pid" || echo "$pid: ${record[0]}"
    done <"$T/pids.handed"
}

storm() { # core_pipe_limit
    local limit=$1 p="collect-p4-limit-$1"
    rm -f "$T/handed"
    new_store
    with_hook -b log -l "$limit" crash crowd -n $CROWD -t 120 "$VICTIMS/quick"
    is "$p: no victim is held for ever" "$(jq -r 'select(.hung)' "$T/said.crowd")" ''
    ok "$p: the hooks end" wait_idle 120
    keeper --no-analysis

    jq -r .pid "$T/said.crowd" >"$T/pids.crowd" # others may crash meanwhile
    cut -d' ' -f1 "$T/handed" | grep -Fxf "$T/pids.crowd" | sort -n >"$T/pids.handed"
    jq -r 'select(.dumped).pid' "$T/said.crowd" | sort -n >"$T/pids.dumped"
    note "$(wc -l <"$T/pids.handed") of $CROWD were handed over with core_pipe_limit=$limit"
    is "$p: the kernel says the same of them" "$(cat "$T/pids.dumped")" "$(cat "$T/pids.handed")"

    inquest list --json >"$T/list"
    jq -r '.[] | select(.core == "full" and .comm == "quick").pid' "$T/list" | sort -n >"$T/pids.listed"
    is "$p: every one is listed as whole" "$(cat "$T/pids.listed")" "$(cat "$T/pids.handed")"
    is "$p: and is the core of its process" "$(each_is_whole)" ''
    ok "$p: check finds nothing wrong" inquest check
    ok "$p: nothing is left to adopt" test -z "$(ls "$STORE/new")"
}

storm 0
is "collect-p4-limit-0: the kernel skips nobody" "$(wc -l <"$T/pids.handed")" $CROWD
storm 16
# How many of them meet is the scheduler's doing; that some are handed over is the test's premise.
ok "collect-p4-limit-16: the kernel hands over some" test -s "$T/pids.handed"
storm 1024
is "collect-p4-limit-1024: the kernel skips nobody" "$(wc -l <"$T/pids.handed")" $CROWD
finish
