#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-readable - for a crash that a user may read, the analysis opens the files that this user may
# open: the symbols of a program that is root's alone by now are not told to him; root's own are to root.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001
mkdir -m 755 "$T/open" "$T/closed"
for place in open closed; do
    cp "$VICTIMS/signals" "$T/$place/hers"
    cp "$VICTIMS/signals" "$T/$place/roots"
done
crash_all() {
    crash open -u $ALICE -t 30 "$T/open/hers" SEGV
    crash file -u $ALICE -t 30 "$T/open/roots" SEGV
    crash directory -u $ALICE -t 30 "$T/closed/hers" SEGV
    crash root -t 30 "$T/closed/roots" SEGV
}
with_hook crash_all
ok "trust-p1-readable: hooks and keepers end" wait_idle 60
keeper --no-analysis
chmod 700 "$T/open/roots" "$T/closed" # after the crash: the record is hers
config </dev/null                     # with analysis
keeper
# Of the report itself: the list calls equal stacks by the best names that anybody's report had.
names_of() { # TAG: whether the frames of the program have names
    wait_listed "$1" && inquest bt --json "$(listed "$1" id)" |
        jq "[.threads[0].frames[] | select(.function == \"fault_segv\")] | length > 0"
}
is "trust-p1-readable: what she may read has names" "$(names_of open)" true
is "trust-p1-readable: a file that she may not read has none" "$(names_of file)" false
is "trust-p1-readable: nor has one behind a directory that she may not enter" \
    "$(names_of directory)" false
is "trust-p1-readable: root's own crash has names" "$(names_of root)" true
finish
