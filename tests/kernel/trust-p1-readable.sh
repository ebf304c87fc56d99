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
# Programs that she may start, by name or as anybody, and read or not: by an access control list.
cp "$VICTIMS/credentials" "$T/listed-x"
cp "$T/listed-x" "$T/listed-rx"
has_lists=
if setfacl -m u:$ALICE:--x "$T/listed-x" 2>/dev/null && chmod 711 "$T/listed-rx" &&
    setfacl -m u:$ALICE:r-x,m::r-x "$T/listed-rx"; then
    has_lists=yes
fi
crash_all() {
    if [ -n "$has_lists" ]; then
        crash listed-x -u $ALICE -t 30 "$T/listed-x" $ALICE
        crash listed-rx -u $ALICE -t 30 "$T/listed-rx" $ALICE
    fi
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
# They say of themselves that they may be dumped.
if [ -n "$has_lists" ]; then
    for tag in listed-x listed-rx; do
        ok "trust-p1-readable: $tag is listed" wait_listed $tag
    done
    is "trust-p1-readable: a program that a list lets her start alone is root's" \
        "$(stat -c '%u %a %n' "$(record_of listed-x)")" \
        "0 600 $STORE/crashes/0/$(listed listed-x id).core.zst"
    is "trust-p1-readable: one that a list lets her read is hers" "$(record_of listed-rx)" \
        "$STORE/crashes/$ALICE/$(listed listed-rx id).core.zst"
else
    skip "trust-p1-readable: access control lists" "the filesystem has none"
fi
finish
