#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p2-privileges - where Inquest's users exist and the store is theirs, what reads the core has no
# rights, what stays root has few, and none of them tells others whose crash it is: of each process and
# thread of a hook and a keeper at work, by /proc.
. "$(dirname "$0")/../lib.sh"
needs_kernel
needs_no_valgrind "what valgrind runs as has other arguments and threads"
! is_sanitized || skip_all "sanitizers do not live in a cage"
INQUEST_UID=61090 BOB=61002
WATCHER=00000000000001e5 # CHOWN DAC_READ_SEARCH KILL SETGID SETUID SETPCAP
KEEPER=00000000000000e5  # the same without SETPCAP
NONE=0000000000000000

# The users are in this test's files alone: the hook is started where these lie over the system's.
{ grep -v '^inquest' /etc/passwd; printf 'inquest%s::/:/bin/false\n' ":x:$INQUEST_UID:$INQUEST_UID" \
    "-analyzer:x:61091:61091"; } >"$T/passwd"
{ grep -v '^inquest' /etc/group; printf 'inquest%s:\n' ":x:$INQUEST_UID" "-analyzer:x:61091"; } >"$T/group"
cat >"$BIN/installed" <<END
#!/bin/sh
exec unshare --mount --propagation private /bin/sh -c '
    exec >>"$T/installed.log" 2>&1
    mount --bind "$T/passwd" /etc/passwd && mount --bind "$T/group" /etc/group || exit
    exec "$BIN/inquest-hook" "\$@" >&- 2>&-' sh "\$@"
END
cat >"$T/notify" <<END
#!/bin/sh
cat /proc/self/status >"$T/told/status"
for try in \$(seq 300); do [ ! -e "$T/told/enough" ] || break; sleep 0.1; done
END
chmod +x "$BIN/installed" "$T/notify"
mkdir -m 777 "$T/told"
chown -R $INQUEST_UID:$INQUEST_UID "$STORE"
NAME=a-program-of-somebodys
cp "$VICTIMS/memory" "$T/$NAME"

# PID KEY: one value of its status, tabs as blanks.
value() {
    awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' "/proc/$1/status" 2>/dev/null
}
rights() { # PID: who it is, and what it may
    local key
    for key in Uid CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do
        printf '%s ' "$(value "$1" $key)"
    done
}
named() { # COMM: our processes of that name
    local pid
    for pid in $(pgrep -x "$1"); do # our_processes takes its time
        [[ $(readlink "/proc/$pid/exe") != "$BIN"/* ]] || echo "$pid"
    done
}
worker() {
    local pid
    for pid in $(named inquest-hook); do
        [[ $(value "$pid" NoNewPrivs) == 1 && $(value "$pid" Threads) -gt 1 ]] && echo "$pid"
    done
}
# What another user can read of it: names and contents.
seen_by_bob() { # PID
    as_user $BOB sh -c 'for f in "$1"/* "$1"/task/*/*; do
        [ ! -f "$f" ] || { echo; cat "$f"; } done 2>/dev/null' sh "/proc/$1" | tr '\0' '\n'
}
awaited() { # COMMAND…: until it says something
    local try said
    for ((try = 0; try < 1000; try++)); do
        said=$("$@")
        [ -z "$said" ] || break
        sleep 0.02
    done
    echo "$said"
}
p=trust-p2-privileges

# ---- the hook ------------------------------------------------------------------------------------

look_at_hook() {
    local crash worker watcher task
    crash hook -t 60 "$T/$NAME" 64 random &
    crash=$!
    worker=$(awaited worker)
    if [ -z "$worker" ]; then
        fail "$p: a worker is seen at work"
        wait $crash
        return
    fi
    watcher=$(value "$worker" PPid)
    kill -STOP "$worker"
    ok "$p: the worker has threads" [ "$(ls "/proc/$worker/task" | wc -l)" -gt 1 ]
    for task in "/proc/$worker/task"/*; do
        rights "${task#/proc/}"
        echo
    done | sort -u >"$T/worker"
    is "$p: the worker, in all its threads, is the store's user without rights" "$(cat "$T/worker")" \
        "$INQUEST_UID $INQUEST_UID $INQUEST_UID $INQUEST_UID $NONE $NONE $NONE $NONE $NONE 1 2 "
    is "$p: it has no group of root's" "$(value "$worker" Gid), $(value "$worker" Groups)" \
        "$INQUEST_UID $INQUEST_UID $INQUEST_UID $INQUEST_UID, "
    is "$p: the watcher has few rights" "$(rights "$watcher")" \
        "0 0 0 0 $NONE $WATCHER $WATCHER $WATCHER $NONE 1 0 "
    for pid in $worker $watcher; do
        is "$p: its arguments are nobody's business" "$(tr -d '\0' <"/proc/$pid/cmdline")" \
            "$BIN/inquest-hook"
        seen_by_bob "$pid" >"$T/seen"
        ok "$p: bob sees something of it" grep -q inquest-hook "$T/seen"
        ok "$p: but not the program that crashed" [ "$(grep -c "$NAME" "$T/seen")" = 0 ]
    done
    kill -CONT "$worker"
    wait $crash
}
# The pieces of with_hook, for a program of another name.
with_installed() { # COMMAND…
    pattern_take 1024 '' "|$BIN/installed -C $CONF $SPECIFIERS" 2
    "$@"
    pattern_give_back
}
printf '[capture]\ncompression = 19\n[analyze]\nauto = no\n' | config
with_installed look_at_hook
ok "$p: the record of such a hook is listed" wait_listed hook 60
is "$p: and whole" "$(listed hook core)" full
is "$p: and its store's" "$(stat -c '%u %g' "$(record_of hook)")" "$INQUEST_UID $INQUEST_UID"

# ---- a watcher that has to do the rest -----------------------------------------------------------

kill_worker() {
    local crash
    crash cut -t 60 "$T/$NAME" 64 random &
    crash=$!
    # shellcheck disable=SC2046
    kill -KILL $(awaited worker)
    wait $crash
}
with_installed kill_worker
wait_idle
ok "$p: what a dead worker left is listed" wait_listed cut 60
is "$p: as cut" "$(listed cut core)" truncated
is "$p: it was the watcher that ended it" "$(inquest info --json "$(listed cut id)" |
    jq -r '.metadata.reason | contains("killed by signal 9")')" true

# ---- a program that is gone ----------------------------------------------------------------------

crash_deleted() {
    cp "$VICTIMS/deleted" "$T/"
    crash deleted -t 60 "$T/deleted"
}
with_installed crash_deleted
ok "$p: the crash of a deleted program is listed" wait_listed deleted 60
wait_idle
is "$p: the watcher has kept a copy, the store's" \
    "$(find "$STORE/modules" -type f -printf '%u %g %m\n' | sort -u)" "$INQUEST_UID $INQUEST_UID 640"

# ---- the keeper ----------------------------------------------------------------------------------

look_at_keeper() {
    local crash keeper
    crash kept -t 60 "$T/$NAME" 1 text &
    crash=$!
    awaited cat "$T/told/status" >/dev/null 2>&1
    keeper=$(named inquest-keeper | head -1)
    is "$p: the keeper is at work" "${keeper:+yes}" yes
    is "$p: it works as the store's user, and may become root of few rights" "$(rights "$keeper")" \
        "0 $INQUEST_UID 0 $INQUEST_UID $NONE $KEEPER $NONE $KEEPER $NONE 1 0 "
    is "$p: it has no argument of the crash" "$(tr '\0' ' ' <"/proc/$keeper/cmdline")" \
        "$BIN/inquest-keeper -C $CONF "
    touch "$T/told/enough"
    wait $crash
}
printf '[analyze]\nauto = yes\n[notify]\nprogram = %s\n' "$T/notify" | config
with_installed look_at_keeper
ok "$p: hooks and keepers end" wait_idle 60
is "$p: what is notified has no rights" "$(awk '/^(Uid|CapPrm|CapEff|NoNewPrivs):/ { $1 = ""; print }' \
    "$T/told/status" | tr -d '\n')" \
    " $INQUEST_UID $INQUEST_UID $INQUEST_UID $INQUEST_UID $NONE $NONE 1"
is "$p: the analysis ran" "$(find "$STORE/crashes" -name '*.report.json' | grep -c .)" 4
# ---- an analyzer that is to be ended by another user ---------------------------------------------

crash_slept() {
    crash slept -t 60 "$T/$NAME" 1 text
}
if command -v gcc >/dev/null; then
    gcc -std=gnu11 -O1 -D_GNU_SOURCE -I"$top_srcdir" -DKIND=SLEEPS -DFILES='"\0"' -DASKED='"\0"' \
        -DPLACES='"\0"' -DALLOWED='"/"' -o "$T/sleeper" "$top_srcdir/tests/victims/intruder.c" ||
        bail "the intruder does not build"
    printf '[analyze]\nauto = yes\ndeadline = 500ms\n' | config
    rm "$BIN/inquest-analyzer"
    cp "$T/sleeper" "$BIN/inquest-analyzer"
    kmsg_mark
    with_installed crash_slept
    ok "$p: an analyzer that never ends is ended, though it is another user's" wait_idle 30
    ok "$p: at its deadline" grep -qaE "cannot be explained: .*(deadline|time)" <(kmsg_since)
else
    skip "$p: an analyzer that never ends" "no compiler"
fi
finish
