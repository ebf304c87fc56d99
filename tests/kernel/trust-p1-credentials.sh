#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-credentials - a process with more rights than its user had, or memory from such a time, is
# kept for root alone, whatever fs.suid_dumpable says; an ordinary one is its user's, and not that of
# others who are in his primary group.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001 BOB=61002
cp "$VICTIMS"/signals "$T/plain"
for kind in setuid setgid capable unreadable; do
    cp "$T/plain" "$T/$kind"
done
chmod 4755 "$T/setuid"
chmod 2755 "$T/setgid"
chmod 0711 "$T/unreadable"
setcap cap_net_bind_service+ep "$T/capable" 2>/dev/null || rm "$T/capable"

crash_all() {
    crash plain -u $ALICE "$T/plain"
    crash setuid -u $ALICE "$T/setuid"
    crash setgid -u $ALICE "$T/setgid"
    crash unreadable -u $ALICE "$T/unreadable"
    [ ! -e "$T/capable" ] || crash capable -u $ALICE "$T/capable"
    crash changed "$VICTIMS/credentials" $ALICE
    # Capabilities without anything in the file or the user ids that tells of them.
    crash ambient /usr/bin/setpriv --reuid=$ALICE --regid=$ALICE --clear-groups \
        --inh-caps=+net_raw --ambient-caps=+net_raw "$T/plain"
}

is_root_s_alone() { # NAME TAG
    if wait_listed "$2" 10; then
        is "$1: root's alone" "$(stat -c '%u %a' "$(record_of "$2")") $(record_of "$2")" \
            "0 600 $STORE/crashes/0/$(listed "$2" id).core.zst"
        is "$1: no ACL" "$(getfacl -cpE "$(record_of "$2")" | grep -c "user:[^:]\|mask")" 0
        is "$1: not in her list" \
            "$(as_user $ALICE "$INQUEST" list --json "pid=$(said "$2" pid)" 2>/dev/null)" '[]'
    else
        fail "$1: listed"
    fi
}

for dumpable in 0 1 2; do
    p="trust-p1-suid-dumpable-$dumpable"
    with_hook -d $dumpable crash_all
    wait_listed plain
    is "$p-plain: hers" "$(record_of plain)" \
        "$STORE/crashes/$ALICE/$(listed plain id).core.zst"
    ok "$p-plain: she can read it" as_user $ALICE zstd -tq "$(record_of plain)"
    for group in --clear-groups --groups=$ALICE; do # as the only one, as one of many
        setpriv --reuid=$BOB --regid=$ALICE $group cat "$(record_of plain)" >"$T/cat" 2>/dev/null
        is "$p-plain: nobody of her group can ($group)" "$? $(stat -c %s "$T/cat")" "1 0"
    done
    is "$p-plain: its group is the store's, and its ACL names none" \
        "$(stat -c %g "$(record_of plain)") $(getfacl -cpE "$(record_of plain)" | grep -c 'group:[^:]')" \
        "$(stat -c %g "$STORE") 0"
    is "$p-plain: nor the directory's" "$(getfacl -cpE "$STORE/crashes/$ALICE" | grep -c 'group:[^:]')" 0
    is_root_s_alone "$p-changed" changed
    is_root_s_alone "$p-ambient" ambient
    for tag in setuid setgid unreadable capable; do
        if [ ! -e "$T/$tag" ]; then
            skip "$p-$tag" "no file capabilities here"
        elif [ $dumpable = 0 ]; then
            is "$p-$tag: the kernel starts no hook" "$(said $tag dumped)" false
        else
            is_root_s_alone "$p-$tag" $tag
        fi
    done
done
finish
