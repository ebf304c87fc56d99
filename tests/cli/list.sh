#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# list.sh - which crashes list shows, in which order, and the JSON that others rely on.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

is "an empty store has nothing" "$(exit_of inquest list)" 2
is "which is an empty array" "$(inquest list --json 2>/dev/null)" "[]"
is "a store that is not there fails" "$(exit_of inquest -D "$T/nowhere" list)" 1

import_core "2026-11-20 10:00" pid=101 comm=alpha exe=/usr/bin/alpha uid=0 signal=11
import_core "2026-11-20 11:00" pid=102 comm=beta exe=/usr/bin/beta uid=1000 gid=1000 signal=6 code=-6
import_core "2026-11-21 12:00" pid=103 comm=alpha exe=/opt/alpha uid=1000 gid=1000 signal=11
import_core "2026-11-22 13:00" pid=101 comm=gamma exe=/usr/bin/gamma uid=0 signal=8

newest=20261122-130000-101
is "newest first" "$(inquest list -F pid | tr '\n' ' ')" "101 103 102 101 "
is "-r changes nothing" "$(ids -r)" "$(ids)"
is "oldest first" "$(inquest list --oldest-first -F pid | tr '\n' ' ')" "101 102 103 101 "
is "-n 2" "$(inquest list -n 2 -F comm | tr '\n' ' ')" "gamma alpha "
is "-1" "$(ids -1)" $newest
is "-n 1 --oldest-first" "$(ids -n 1 --oldest-first)" 20261120-100000-101
is "since" "$(ids --since '2026-11-21')" "$newest 20261121-120000-103"
is "until" "$(ids -U '2026-11-20 10:30')" 20261120-100000-101
is "since and until" "$(ids -S 2026-11-20T10:30:00Z -U '2026-11-21 12:30')" \
    "20261121-120000-103 20261120-110000-102"
is "since the epoch's seconds" "$(ids -S "@$(date -d '2026-11-22 12:00' +%s)")" $newest
is "by id" "$(ids $newest)" $newest
is "by pid" "$(ids 101)" "$newest 20261120-100000-101"
is "by name" "$(ids alpha)" "20261121-120000-103 20261120-100000-101"
is "by path" "$(ids /opt/alpha)" 20261121-120000-103
is "by the beginning of an id" "$(ids 20261120)" "20261120-110000-102 20261120-100000-101"
is "by key" "$(ids signal=8)" $newest
is "by coredumpctl's key" "$(ids COREDUMP_COMM=beta)" 20261120-110000-102
is "by signal name" "$(ids signal_name=SIGABRT)" 20261120-110000-102
is "the same key is either" "$(ids comm=gamma comm=beta)" "$newest 20261120-110000-102"
is "different keys are both" "$(ids comm=alpha uid=1000)" 20261121-120000-103
is "two words are either" "$(ids gamma beta)" "$newest 20261120-110000-102"
is "words that are nothing, beside one that is" "$(ids /foo bar gamma)" $newest
is "an empty value beside another" "$(ids COREDUMP_COMM=aaa COREDUMP_COMM= COREDUMP_COMM=gamma)" $newest
is "nothing matches" "$(exit_of inquest list nosuch)" 2
is "and prints an empty array" "$(inquest list --json nosuch 2>/dev/null)" "[]"
is "an ambiguous beginning is an error for one" "$(exit_of inquest info 20261120)" 1
ok "that lists the candidates" grep -q '20261120-110000-102.*20261120-100000-101' "$T/err"

inquest list --json >"$T/list.json"
json "JSON has exactly the promised keys, in order" "$T/list.json" \
    'all(.[]; keys_unsorted == ["id","time","pid","ns_pid","tid","uid","gid","user","signal",
     "signal_name","comm","exe","hostname","container","unit","package","core","core_size",
     "stored_size","signature","function","count"])'
json "integers are integers" "$T/list.json" \
    'all(.[]; [.pid,.tid,.uid,.gid,.signal,.core_size,.stored_size,.count] | all(type == "number"))'
json "what is unknown is null" "$T/list.json" 'all(.[]; .container == null and .unit == null)'
json "times are RFC 3339 in UTC with microseconds" "$T/list.json" \
    '.[0].time == "2026-11-22T13:00:00.000000Z"'
json "a signal's name" "$T/list.json" 'map(.signal_name) == ["SIGFPE","SIGSEGV","SIGABRT","SIGSEGV"]'
json "whole cores are full" "$T/list.json" 'all(.[]; .core == "full" and .core_size > .stored_size/2)'
is "JSON does not depend on the zone" "$(TZ=Asia/Tokyo inquest list --json)" "$(cat "$T/list.json")"
is "short JSON has a line a crash" "$(inquest list --json=short | wc -l)" 4
is "pretty JSON is the same" "$(inquest list --json=pretty | jq -c .)" "$(jq -c . "$T/list.json")"
is "--json=off is none" "$(inquest list --json=off)" "$(inquest list)"
is "chosen columns in JSON" "$(inquest list --json --columns pid,comm -1 | jq -c .)" \
    '[{"pid":101,"comm":"gamma"}]'

inquest list >"$T/table"
ok "the table has a header" \
    grep -qE '^TIME +ID +PROGRAM +PID +USER +SIGNAL +CORE +SIZE +WHERE$' "$T/table"
is "a line a crash" "$(wc -l <"$T/table")" 5
is "--no-legend" "$(inquest list --no-legend | wc -l)" 4
ok "times are local" grep -q '^2026-11-22 22:00:00' <(TZ=Asia/Tokyo inquest list --no-legend -1)
is "no colour in a pipe" "$(grep -c $'\033' "$T/table")" 0
is "no pager in a pipe" "$(PAGER=false inquest list | wc -l)" 5
on_terminal() { # COMMAND
    script -qec "$1" /dev/null </dev/null | tr -d '\r'
}
is "a pager on a terminal" "$(TERM=xterm on_terminal "PAGER='sed s/gamma/paged/' '$INQUEST' list" | grep -c paged)" 1
is "but not with --no-pager" \
    "$(TERM=xterm on_terminal "PAGER='sed s/gamma/paged/' '$INQUEST' list --no-pager" | grep -c paged)" 0
is "colour on a terminal" "$(TERM=xterm on_terminal "'$INQUEST' list --no-pager" | grep -c $'\033')" 5
is "but not with NO_COLOR" "$(TERM=xterm on_terminal "NO_COLOR=1 '$INQUEST' list --no-pager" | grep -c $'\033')" 0

rm "$STORE"/crashes/*/$newest.core.zst
is "a core that is gone is missing" "$(inquest list -1 -F core)" missing

# Write errors are errors.
is "list to a full disk fails" "$(inquest list >/dev/full 2>/dev/null; echo $?)" 1
is "JSON to a full disk fails" "$(inquest list --json >/dev/full 2>/dev/null; echo $?)" 1
is "help to a full disk fails" "$(inquest help >/dev/full 2>/dev/null; echo $?)" 1
finish
