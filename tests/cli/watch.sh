#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch.sh - crashes are shown as they come, at once, as lines or JSON Lines.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

import_core 2026-11-01 pid=1 comm=before

# Waits until a file has so many lines.
has_lines() { # FILE COUNT
    local until=$((SECONDS + 10 * PATIENCE))
    until [ "$(wc -l <"$1")" -ge "$2" ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.05
    done
}

# Waits until a process of ours watches the store.
watches() { # PID
    local until=$((SECONDS + 30 * PATIENCE))
    until readlink "/proc/$1"/fd/* 2>/dev/null | grep -q inotify; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.05
    done
}
"$INQUEST" watch --json -n 2 >"$T/json" &
json_watch=$!
"$INQUEST" watch --no-legend >"$T/text" &
text_watch=$!
"$INQUEST" watch --json -1 comm=third >"$T/match" &
match_watch=$!
for pid in $json_watch $text_watch $match_watch; do
    watches "$pid" || bail "a watch does not watch"
done
import_core 2026-11-02 pid=2 comm=second
ok "a crash is shown as it comes" has_lines "$T/json" 1
import_core 2026-10-01 pid=3 comm=third
ok "an older one, too" has_lines "$T/json" 2
wait $json_watch # not in ok's subshell, which knows only of what ended before it began
is "-n 2 ends after two" $? 0
is "each is a line of JSON" "$(jq -c '[.pid,.comm]' "$T/json" | tr '\n' ' ')" \
    '[2,"second"] [3,"third"] '
ok "text has a line each" has_lines "$T/text" 2
kill $text_watch
wait $text_watch 2>/dev/null
is "and only new ones" "$(grep -c 20261101 "$T/text")" 0
wait $match_watch
is "a MATCH is heeded" $? 0
is "and shows only that" "$(jq .pid "$T/match")" 3
finish
