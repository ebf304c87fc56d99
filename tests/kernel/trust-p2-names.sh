#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p2-names - a user cannot tell by the filesystem what crashed, whose, how often or how large
# (systemd #20848): crashes/ can be passed but not listed, others' directories not even that, and no
# file's name has a word of the victim's.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001 BOB=61002
cp "$VICTIMS/signals" "$T/secret-project"
crash_both() {
    crash hers -u $ALICE -t 30 "$T/secret-project" SEGV
    crash his -u $BOB -t 30 "$T/secret-project" ABRT
}
with_hook crash_both
ok "trust-p2-names: hooks and keepers end" wait_idle 60
keeper --no-analysis
wait_listed hers || fail "trust-p2-names: hers is listed"
wait_listed his || fail "trust-p2-names: his is listed"

sees() { # PATH: what ALICE finds there
    as_user $ALICE find "$1" -mindepth 1 2>/dev/null
}
is "trust-p2-names: she cannot list the store" "$(sees "$STORE")" ''
is "trust-p2-names: nor who has crashes" "$(sees "$STORE/crashes")" ''
is "trust-p2-names: nor what he has" "$(sees "$STORE/crashes/$BOB")" ''
is "trust-p2-names: nor what waits" "$(sees "$STORE/new")" ''
ok "trust-p2-names: nor ask for one of his by name" \
    bash -c "! setpriv --reuid=$ALICE --regid=$ALICE --clear-groups stat '$(record_of his)'"
ok "trust-p2-names: but has her own" as_user $ALICE zstd -tq "$(record_of hers)"
is "trust-p2-names: no name has a word of the victim's" \
    "$(find "$STORE" -name '*secret*' -o -name '*signals*')" ''
is "trust-p2-names: what files are called is time and process" \
    "$(find "$STORE/crashes" -type f ! -name 'index.db*' -printf '%f\n' |
        grep -vxE '[0-9]{8}-[0-9]{6}-[0-9]+\.(core\.zst|report\.json|pin)')" ''
finish
