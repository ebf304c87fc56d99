#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage.sh - the command's arguments: verbs, options, help, and what is refused with exit code 64.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

refused() { # NAME ARGUMENT…
    local name=$1
    shift
    is "refuses $name" "$(exit_of inquest "$@")" 64
    [ ! -s "$T/out" ] || fail "refuses $name without output" "$(cat "$T/out")"
    [ -s "$T/err" ] || fail "says why it refuses $name"
}

refused "an unknown verb" nonsense
refused "an unknown option" list --nonsense
refused "an unknown letter" list -Z
refused "an option of another verb" stats --oldest-first
refused "-n 0" list -n 0
refused "-n without a number" list -n
refused "-n with a word" list -n many
refused "a bad JSON mode" list --json=yaml
refused "an empty time" list --since=
refused "a bad time" list --until=someday
refused "reversed times" list --since=2026-11-22 --until=2026-11-21
refused "a value for a flag" list --reverse=yes
refused "an ambiguous option" list --no
refused "an unknown key" list nonsense=1
refused "an unknown column" list --columns=nonsense
refused "an unknown field" list -F nonsense
refused "rm without an argument" rm
refused "rm --all without an argument" rm --all -y
refused "pin without an argument" pin
refused "unpin without an argument" unpin
refused "import without a file" import
refused "an argument too many" stats one
refused "help for an unknown verb" help nonsense

for pair in lst:list lisst:list ifno:info bakctrace:backtrace docter:doctor expotr:export remvoe: unpni:unpin rn:rm anal:analyze; do
    inquest "${pair%%:*}" >"$T/out" 2>"$T/err"
    is "a misspelt verb, ${pair%%:*}: names the one that was meant" \
        "$(sed -n "s/.*did you mean '\(.*\)'?$/\1/p" "$T/err")" "${pair#*:}"
done
inquest help lst >"$T/out" 2>"$T/err"
ok "help names it, too" grep -q "did you mean 'list'" "$T/err"
refused "an order of groups" top --oldest-first
refused "the other order of groups" top -r

ok "prints its version" grep -q '^inquest [0-9]' <(inquest --version)
inquest help >"$T/help"
is "--help is help" "$(inquest --help)" "$(cat "$T/help")"
verbs=$(sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p' "$T/help")
for verb in list info dump watch stats rm pin unpin prune import check reindex setup unsetup doctor; do
    ok "help lists $verb" grep -qx "$verb" <<<"$verbs"
done
for verb in $verbs; do
    ok "help $verb tells its usage" grep -q "^Usage: inquest $verb" <(inquest help "$verb")
    is "$verb --help is help $verb" "$(inquest "$verb" --help)" "$(inquest help "$verb")"
done

# Options before the verb, attached, cut short, bundled, and behind the words.
import_core 2026-11-20 pid=100 comm=one
import_core 2026-11-21 pid=200 comm=two
is "no verb lists" "$(inquest -q -F pid)" $'200\n100'
is "options before the verb" "$(inquest -n 1 -F pid list)" 200
is "a letter that is a flag of another verb" "$(inquest -n prune --json | jq .dry_run)" true
is "attached values" "$(inquest list -n1 -Fpid)" 200
is "bundled letters" "$(inquest list -q1Fpid)" 200
is "names cut short" "$(inquest list --fie=pid --oldest)" $'100\n200'
is "options behind words" "$(inquest list comm=one -F pid)" 100
is "-- ends the options" "$(inquest list -F pid -- comm=one)" 100
is "show is info" "$(inquest show --json 100 | jq .pid)" 100
finish
