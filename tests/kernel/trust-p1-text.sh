#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-text - what a victim calls itself reaches nobody's terminal as control characters, no shell
# as words, no line as a line of its own; and what is secret in its environment is not told.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

# A window title, a colour, a bell, a carriage return, DEL, a C1 control, a right-to-left override.
EVIL=$'x\e]0;owned\a\e[31mred\rover\177\xc2\x9b31m\xe2\x80\xae'
INJECTED='$(touch '$T'/injected)`touch '$T'/injected`;touch '$T'/injected'
cp "$VICTIMS/signals" "$T/$EVIL"
cp "$VICTIMS/signals" "$T/${INJECTED//\//_}"

crash_all() {
    (
        export AWS_SECRET_ACCESS_KEY=the-secret-environment "EVIL=$EVIL" "container=$EVIL" \
            "INVOCATION_ID=$INJECTED" "LANG=$EVIL"
        crash evil -0 "$EVIL" "$T/$EVIL" SEGV "$EVIL" $'\nPID: 1 (init)\nSignal: 9'
        crash injected -0 "$INJECTED" "$T/${INJECTED//\//_}" SEGV "$INJECTED" '%s%n' '-n'
    )
}
with_hook crash_all
wait_listed evil || fail "trust-p1-text: listed"
wait_listed injected || fail "trust-p1-text: listed"
wait_idle

# Control bytes other than the line's end, and tabs; C1 controls and bidi overrides too, as UTF-8.
has_no_controls() { # FILE
    ! grep -naP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1"
}

# As has_no_controls, but of colours, which a terminal gets: those of Inquest are plain SGR.
has_only_colours() { # FILE
    sed -E $'s/\e\\[[0-9;]*m//g; s/\r$//' "$1" >"$1.plain"
    ! grep -qF $'\e[31mred' "$1" && has_no_controls "$1.plain"
}

id=$(listed evil id)
for command in list "info $id" "list --columns id,comm,exe" "list -F comm" "list -F exe" stats top \
    "bt $id"; do
    # shellcheck disable=SC2086
    inquest $command --no-pager >"$T/out" 2>&1
    ok "trust-p1-text: inquest ${command/ $id/}: into a pipe" has_no_controls "$T/out"
    script -qec "'$INQUEST' $command --no-pager" /dev/null </dev/null >"$T/out" 2>&1
    ok "trust-p1-text: inquest ${command/ $id/}: on a terminal" has_only_colours "$T/out"
done
inquest info --json "$id" >"$T/info"
json "trust-p1-text: JSON has every byte" "$T/info" \
    '.exe_b64 // (.exe | @base64) == $said' --arg said "$(said evil exe)"
ok "trust-p1-text: JSON into a pipe has the controls of ASCII escaped" \
    bash -c "! grep -nP '[\\x00-\\x09\\x0b-\\x1f]' '$T/info'"
script -qec "'$INQUEST' info --json --no-pager '$id'" /dev/null </dev/null | tr -d '\177' >"$T/out"
ok "trust-p1-text: JSON on a terminal has all of them escaped" has_only_colours "$T/out"
inquest info "$id" --no-pager >"$T/out"
is "trust-p1-text: a newline makes no line" "$(grep -c '^Signal: 9$' "$T/out")" 0
inquest info --json "$(listed injected id)" >>"$T/info"
ok "trust-p1-text: secrets of the environment are not told" \
    bash -c "! grep -qa the-secret-environment '$T/info'"
ok "trust-p1-text: nobody ran what it is called" test ! -e "$T/injected"
finish
