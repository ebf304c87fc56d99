#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hostile.sh - whatever a program calls itself, the terminal stays as it is and JSON stays JSON.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

# Escape sequences, line feeds, invalid UTF-8, C1 controls, direction overrides, quotes, percent.
import_core 2026-11-01 pid=1 comm='%1b[31mred' args='%1b]0;title%07' exe='/tmp/%1b[2Jx'
import_core 2026-11-02 pid=2 comm='a%0ab%0dc%09d' exe='/tmp/new%0aline'
import_core 2026-11-03 pid=3 comm='%ff%fe%80bad' exe='/tmp/%c3%28'
import_core 2026-11-04 pid=4 comm='c1%c2%9b31m' exe='/tmp/%e2%80%aertl'
# shellcheck disable=SC2016,SC1003 # as it is
import_core 2026-11-05 pid=5 comm='"%25s'"'"'\' exe='/tmp/${x}`y` z'
import_core 2026-11-06 pid=6 comm='na%c3%afve' exe='/opt/na%c3%afve'

# Control characters other than line feeds, and what is no UTF-8, as bytes.
is_clean() { # FILE
    ! grep -qaP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' "$1" &&
        iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}
for command in list 'info -n 6' 'info -a -n 6' stats 'list --columns comm,exe' 'list -F comm' \
    'list -F exe'; do
    # shellcheck disable=SC2086 # words
    inquest $command >"$T/out" 2>&1
    ok "$command prints nothing raw" is_clean "$T/out"
done
is "a name is a line" "$(inquest list --no-legend | wc -l)" 6
is "a good name is as it is" "$(inquest list -F comm 6)" naïve
ok "the table has it, too" grep -q naïve <(inquest list 6)
is "messages are clean" "$(inquest list $'\033[31mx' 2>&1 | grep -c $'\033')" 0

inquest list --json >"$T/list.json"
json "JSON parses" "$T/list.json" 'length == 6'
json "bad bytes are U+FFFD, and in _b64" "$T/list.json" \
    '.[] | select(.pid == 3) | .comm == "\ufffd\ufffd\ufffdbad" and .comm_b64 == "//6AYmFk"'
json "good bytes have no _b64" "$T/list.json" '.[] | select(.pid == 6) | has("comm_b64") | not'
json "controls are escaped" "$T/list.json" '.[] | select(.pid == 1) | .comm == "\u001b[31mred"'
json "quotes and backslashes hold" "$T/list.json" \
    '.[] | select(.pid == 5) | .comm == "\"%s'"'"'\\"'
is "JSON has no control characters in it" \
    "$(tr -d '\n' <"$T/list.json" | grep -caP '[\x00-\x1f]')" 0
inquest info --json 3 >"$T/info.json"
json "the facts have _b64, too" "$T/info.json" '.metadata.exe_b64 == "L3RtcC/DKA=="'

# The names can be looked for.
is "by a name with a line feed" "$(inquest list -F pid $'comm=a\nb\rc\td')" 2
# shellcheck disable=SC1003
is "by a name with quotes" "$(inquest list -F pid 'comm="%s'"'"'\')" 5
# shellcheck disable=SC2016
is "by a path" "$(inquest list -F pid '/tmp/${x}`y` z')" 5
finish
