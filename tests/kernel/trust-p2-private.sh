#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p2-private - a crash is root's alone until it is known whose it is: where the hook is killed
# before that, its watcher's record of it is, and the keeper's where the watcher was killed, too.
. "$(dirname "$0")/../lib.sh"
needs_kernel
command -v strace >/dev/null || skip_all "strace is not installed"
config_to_collect
ALICE=61001
cp "$VICTIMS/signals" "$T/"

# The worker names its file a second time once it knows all: before that call, it waits.
cat >"$BIN/held" <<END
#!/bin/sh
exec strace -f -qq -o "$T/trace" -e trace=renameat -e inject=renameat:delay_enter=60000000 \\
    "$BIN/inquest-hook" "\$@"
END
chmod +x "$BIN/held"

is_waiting() { # the first file is there, and the hook is two processes, one of which is at renameat
    grep -q 'renameat(' "$T/trace" 2>/dev/null && compgen -G "$STORE/new/*-*.core.zst.part" >/dev/null
}
worker() { # the one of our processes that another one has started
    local pid
    for pid in $(our_processes); do
        [[ $(readlink "/proc/$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")/exe") == "$BIN"/* ]] &&
            echo "$pid"
    done
}

# Kills whom $1 says at that moment: worker, or everybody.
crash_and_kill() {
    local crash try tracer
    rm -f "$T/trace"
    crash "$1" -u $ALICE -t 60 "$T/signals" SEGV &
    crash=$!
    for ((try = 0; try < 600; try++)); do
        ! is_waiting || break
        sleep 0.05
    done
    find "$STORE/new" -name '*.part' -printf '%u %m\n' | sort -u >"$T/part.$1"
    # And who traces them, for it has the pipe, too.
    tracer=$(awk '$1 == "TracerPid:" { print $2 }' "/proc/$(worker)/status")
    # shellcheck disable=SC2046
    if [ "$1" = worker ]; then kill -KILL $(worker); else kill -KILL $(our_processes); fi
    kill -KILL "$tracer"
    wait $crash
}

for whom in worker everybody; do
    p="trust-p2-private: $whom killed"
    pattern_take 1024 '' "|$BIN/held -C $CONF $SPECIFIERS" 2
    crash_and_kill $whom
    pattern_give_back
    ok "$p: hook and keeper end" wait_idle 60
    is "$p: while it was written, nobody but its owner could read it" \
        "$(cat "$T/part.$whom")" "$(stat -c %U "$STORE/new") 600"
    keeper --no-analysis
    ok "$p: the crash is listed" wait_listed $whom 10
    id=$(listed $whom id)
    inquest info --json "$id" >"$T/info"
    json "$p: as one cut short, of hers" "$T/info" \
        '.uid == 61001 and .core != "full" and (.metadata.reason | contains($by))' \
        --arg by "$([ $whom = worker ] && echo 'killed by signal 9' || echo 'the hook died')"
    is "$p: and is root's alone" "$(stat -c '%a %n' "$(record_of $whom)")" \
        "600 $STORE/crashes/0/$id.core.zst"
    is "$p: without an ACL" "$(getfacl -cpE "$(record_of $whom)" | grep -c "user:[^:]\|mask")" 0
    is "$p: not in her list" "$(as_user $ALICE "$INQUEST" list --json 2>/dev/null)" '[]'
    is "$p: and nothing else is left" "$(find "$STORE/new" -name '*.part')" ''
done
finish
