#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p4-early - the backtrace is there before the core is: asked while the hook is still writing, and
# stopped in the middle of it.
. "$(dirname "$0")/../lib.sh"
needs_kernel
printf '[analyze]\nauto = no\n[capture]\nhold_buffer = 0\n' | config

victim() {
    crash victim -t 120 "$VICTIMS/memory" 256 mixed
}

# Stops all hooks of this test as soon as a record has some content. False where they were faster:
# looking for them takes a busy machine a while.
stop_hooks() {
    local until=$((SECONDS + 60)) part size hooks=
    while [ $SECONDS -lt $until ]; do
        for part in "$STORE"/new/*.part; do
            [ -e "$part" ] || continue
            [ -n "$hooks" ] || hooks=$(our_processes)
            size=$(stat -c %s "$part" 2>/dev/null || echo 0)
            [ "$size" -gt $((1 << 20)) ] || continue
            # shellcheck disable=SC2086
            kill -STOP $hooks 2>/dev/null && [ -e "$part" ]
            return
        done
    done
    return 1
}

early() {
    local crashed stopped=no
    until [ "$stopped" = yes ] || [ $((++tries)) -gt 9 ]; do
        victim &
        crashed=$!
        if stop_hooks; then
            inquest list --json >"$T/early.list"
            inquest bt --json >"$T/early.bt" 2>"$T/early.stderr"
            # Stopped between its last byte and its name, a record is whole already.
            ! jq -e '.[0].core == "capturing"' "$T/early.list" >/dev/null || stopped=yes
        fi
        # shellcheck disable=SC2046
        kill -CONT $(our_processes) 2>/dev/null
        wait "$crashed"
    done
}
tries=0
with_hook early
wait_listed victim
json "letgo-p4-early: listed as being captured" "$T/early.list" '.[0].core == "capturing"'
json "letgo-p4-early: with a backtrace of the thread that crashed" "$T/early.bt" \
    '[.threads[] | select(.crashed)][0].frames | map(.function) | index("main")'
is "letgo-p4-early: the core is whole in the end" "$(listed victim core)" full
inquest bt --json "$(listed victim id)" >"$T/bt"
functions='[.threads[] | select(.crashed)][0].frames | map(.function)'
is "letgo-p4-early: and its backtrace is the same" "$(jq -c "$functions" "$T/early.bt")" \
    "$(jq -c "$functions" "$T/bt")"
finish
