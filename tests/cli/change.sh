#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# change.sh - rm, pin and unpin do what was said, and nothing that was not.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

for day in 1 2 3 4 5 6; do
    import_core "2026-11-0$day" pid=10$day comm=many exe=/usr/bin/many
done
import_core 2026-11-10 pid=200 comm=single exe=/usr/bin/single

is "several matches are refused" "$(exit_of inquest rm many)" 1
ok "with a word how to say it" grep -q -- --all "$T/err"
is "and none is touched" "$(ids | wc -w)" 7
is "one match is deleted" "$(exit_of inquest rm single)" 0
is "and gone" "$(exit_of inquest list single)" 2
is "with its file" "$(find "$STORE" -name '*-200*' | wc -l)" 0
is "nothing that matches exits 2" "$(exit_of inquest rm single)" 2
is "JSON of nothing is an empty array" "$(inquest rm --json single 2>/dev/null)" "[]"

is "pin" "$(exit_of inquest pin 101)" 0
is "is seen" "$(inquest list 101 -F pinned)" yes
is "and found by it" "$(inquest list pinned=yes -F id)" 20261101-000000-101
is "the others by not having it" "$(exit_of inquest list 101 pinned=no)" 2
is "which is yes or no" "$(exit_of inquest list pinned=perhaps)" 64
is "and is a file" "$(find "$STORE/crashes" -name '*.pin' -printf '%f\n')" 20261101-000000-101.pin
is "a pinned one is left alone" "$(exit_of inquest rm 101)" 1
is "and still there" "$(ids 101)" 20261101-000000-101
is "rm --all leaves it, too" "$(exit_of inquest rm --all pid=101 pid=102)" 1
is "but takes the other" "$(exit_of inquest list 102)" 2
is "unpin" "$(exit_of inquest unpin 101)" 0
is "is seen, too" "$(inquest list 101 -F pinned)" no
inquest pin -q 101
is "--force takes pinned ones" "$(exit_of inquest rm --force 101)" 0
is "with the pin" "$(find "$STORE" -name '*.pin' | wc -l)" 0

is "several ids need no --all" "$(exit_of inquest rm 20261103-000000-103 20261104-000000-104)" 0
is "both are gone" "$(inquest list -F pid many | tr '\n' ' ')" "106 105 "
is "JSON says what was done" "$(inquest pin --json --all many | jq -c 'map([.id,.pinned,.why])')" \
    '[["20261106-000000-106",true,null],["20261105-000000-105",true,null]]'
is "and what was not" "$(inquest rm --json --all many 2>/dev/null | jq -c 'map(.deleted)')" '[false,false]'
inquest unpin -q --all many

# On a terminal it asks.
ask() { # ANSWER ARGUMENT…
    local answer=$1
    shift
    script -qec "'$INQUEST' $*" /dev/null >"$T/out" 2>&1 <<<"$answer"
}
ask n rm 106
is "no is no" "$(ids 106 | wc -w)" 1
ok "it shows what it is about" grep -q 20261106-000000-106 "$T/out"
ask y rm 106
is "yes is yes" "$(ids 106 2>/dev/null | wc -w)" 0
ask n rm -y 105
is "-y does not ask" "$(ids 105 2>/dev/null | wc -w)" 0

import_core 2026-11-01 pid=1
import_core 2026-11-02 pid=2
import_core 2026-11-03 pid=3
is "by time" "$(exit_of inquest rm --until=2026-11-02 --all)" 0
is "only those" "$(inquest list -F pid)" 3

if [ "$(id -u)" = 0 ]; then
    before=$(find "$STORE/crashes" | sort)
    is "others may not delete" \
        "$(as_user 4242 "$INQUEST" rm 3 >"$T/out" 2>"$T/err"; echo $?)" 1
    ok "and are told who may" grep -q sudo "$T/err"
    is "nothing is gone" "$(find "$STORE/crashes" | sort)" "$before"
fi
finish
