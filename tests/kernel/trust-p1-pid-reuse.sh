#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-pid-reuse - the victim is killed the moment its core is to be taken, or while it is, and its
# pid goes to another process: root's, one that runs a setuid program, or, where the victim was such a
# program, an ordinary one of the user's (CVE-2025-4598). Nothing of the new process gets into the
# record, and the old one's memory stays with whom it belongs to.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001
cp "$VICTIMS"/{signals,memory} "$T/"
cp "$T/memory" "$T/setuid"
cp /bin/sleep "$T/setuid-sleep"
chmod 4755 "$T/setuid" "$T/setuid-sleep"
[ -w /proc/sys/kernel/ns_last_pid ] || skip_all "no /proc/sys/kernel/ns_last_pid, to choose a pid"
ALICES="setpriv --reuid=$ALICE --regid=$ALICE --clear-groups"

# The hook's script: kills the victim after DELAY and starts NEW, with its pid and a secret. With a
# delay, the hook is at work meanwhile.
write_script() { # DELAY NEW…
    local delay=$1
    shift
    cat >"$T/first" <<END
take_pid() {
    sleep $delay
    kill -KILL \$1
    for ((try = 0; try < 300; try++)); do
        [ ! -e /proc/\$1 ] || { sleep 0.01; continue; }
        echo \$((\$1 - 1)) >/proc/sys/kernel/ns_last_pid
        MARK=the-secret-environment $* 30.007 &
        if [ \$! = \$1 ]; then
            echo \$1 >"$T/reused"
            return
        fi
        kill -KILL \$!
    done
}
if [ $delay = 0 ]; then take_pid \$1; else take_pid \$1 & fi
END
}

crash_it() {
    crash victim -u $ALICE -t 30 "${victim[@]}"
}

end_new() {
    local pid
    pid=$(cat "$T/reused" 2>/dev/null)
    ! grep -qs 'sleep' "/proc/$pid/comm" || kill -KILL "$pid"
}
finally end_new

reuse() { # NAME DELAY NEW…: whether the pid was had again in one of five rounds
    local name=$1 round
    shift
    write_script "$@"
    rm -f "$T/reused"
    for ((round = 0; round < 5; round++)); do
        with_hook -b first crash_it
        wait_idle
        wait_for_script
        [ ! -e "$T/reused" ] || break
    done
    if [ ! -e "$T/reused" ]; then
        skip "trust-p1-pid-reuse: $name" "the pid could not be had again in 5 rounds"
        return 1
    fi
    end_new
    keeper --no-analysis
    pid=$(said victim pid)
}
wait_for_script() { # it may be behind the hook
    local try
    for ((try = 0; try < 500; try++)); do
        pgrep -f "^bash $T/first " >/dev/null || return 0
        sleep 0.01
    done
}

# Whatever there is of it has nothing of the new process.
is_not_of_the_other() { # NAME
    inquest list --json "pid=$pid" >"$T/list"
    json "trust-p1-pid-reuse: $1: the record is not of the other program" "$T/list" \
        'all(.[]; .comm != "sleep" and (.exe // "" | test("sleep|coreutils|busybox") | not))'
    for id in $(jq -r '.[].id' "$T/list"); do
        inquest info --json "$id"
    done >"$T/info"
    for record in "$STORE"/crashes/*/*-"$pid".core.zst; do
        [ ! -e "$record" ] || zstd -dcq "$record"
    done >"$T/content"
    ok "trust-p1-pid-reuse: $1: nothing of its environment or arguments is told" \
        bash -c "! grep -qaE 'the-secret-environment|30\.007' '$T/info' '$T/content'"
}

is_root_s_alone() { # NAME
    is "trust-p1-pid-reuse: $1: she is told of none" \
        "$(as_user $ALICE "$INQUEST" list --json "pid=$pid" 2>/dev/null)" '[]'
    is "trust-p1-pid-reuse: $1: what there is of it is root's alone" \
        "$(find "$STORE/crashes" -name "*-$pid.core.zst" ! \( -path "$STORE/crashes/0/*" -perm 600 \))" ''
}

victim=("$T/signals" SEGV)
name="an ordinary one's pid goes to root's"
if reuse "$name" 0 sleep; then
    is "trust-p1-pid-reuse: $name: the victim was killed" "$(said victim died_of)" 9
    is_not_of_the_other "$name"
    json "trust-p1-pid-reuse: $name: the record, if there is one, is not whole" "$T/list" \
        'all(.[]; .core != "full")'
fi
victim=("$T/memory" 64 mixed)
for delay in 0 0.01 0.1; do
    name="an ordinary one's pid goes to a setuid program, after $delay s"
    ! reuse "$name" $delay "$ALICES" "$T/setuid-sleep" || is_not_of_the_other "$name"
done
victim=("$T/setuid" 64 mixed)
for delay in 0 0.01 0.1; do
    name="a setuid program's pid goes to an ordinary one, after $delay s"
    if reuse "$name" $delay "$ALICES" sleep; then
        is_not_of_the_other "$name"
        is_root_s_alone "$name"
    fi
done
finish
