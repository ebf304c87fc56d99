#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# manual.sh - inquest(1) tells every verb, option and JSON key that the command has.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

sed 's/\\-/-/g; s/\\f[PRBI]//g' "$top_srcdir/man/inquest.1" >"$T/man"
tells() { # WORD
    grep -qF -- "$1" "$T/man"
}

import_core 2026-11-01 pid=1
verbs=$(inquest help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p')
missing=
for verb in $verbs; do
    ok "tells of $verb" grep -qE "^\.SS .*\b$verb\b" "$T/man"
    for option in $(inquest help "$verb" | sed -n 's/^  \(-.\|   \),\? *\(--[a-z-]*\)\?.*/\1 \2/p'); do
        tells "$option" || missing="$missing $verb:$option"
    done
done
is "tells of every option" "$missing" ""
missing=
for key in $(inquest list --json | jq -r '.[0] | keys[]') $(inquest stats --json | jq -r 'keys[]') \
    $(inquest prune --dry-run --json | jq -r 'keys[]') $(inquest check --json | jq -r 'keys[]') \
    $(inquest stats --json | jq -r '.states | keys[]') metadata report; do
    tells "$key" || missing="$missing $key"
done
is "tells of every JSON key" "$missing" ""
is "groff takes it" "$(groff -man -Tutf8 -wall "$top_srcdir/man/inquest.1" 2>&1 >/dev/null)" ""

# The completion works from the same help.
complete_words() { # WORD…
    # shellcheck disable=SC2016 # expanded there
    INQUEST=$INQUEST bash -c '
        inquest() { "$INQUEST" "$@"; }
        compopt() { :; }
        . "$1"
        shift
        COMP_WORDS=(inquest "$@") COMP_CWORD=$#
        _inquest
        echo "${COMPREPLY[*]}"' - "$top_srcdir/cli/completions/inquest" "$@"
}
is "completes verbs" "$(complete_words du)" dump
is "completes options" "$(complete_words list --old)" --oldest-first
is "completes ids" "$(complete_words info 2026)" "$(ids)"
is "completes keys" "$(complete_words list -F signal_)" signal_name
finish
