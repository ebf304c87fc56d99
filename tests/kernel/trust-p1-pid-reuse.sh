#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-pid-reuse - the victim is killed the moment its core is to be taken, and its pid goes to a
# process of root's (CVE-2025-4598): nothing of that process gets into the record.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001
cp "$VICTIMS/signals" "$T/"
[ -w /proc/sys/kernel/ns_last_pid ] || skip_all "no /proc/sys/kernel/ns_last_pid, to choose a pid"

# The hook's script: kills the victim and starts, with its pid, a process with a secret.
cat >"$T/first" <<END
kill -KILL \$1
for ((try = 0; try < 200; try++)); do
    [ ! -e /proc/\$1 ] || { sleep 0.01; continue; }
    echo \$((\$1 - 1)) >/proc/sys/kernel/ns_last_pid
    MARK=the-secret-environment /bin/sleep 30.007 &
    if [ \$! = \$1 ]; then
        echo reused >"$T/reused"
        break
    fi
    kill -KILL \$!
done
END

crash_reused() {
    crash victim -u $ALICE -t 20 "$T/signals" SEGV
}

for ((round = 0; round < 5; round++)); do
    with_hook -b first crash_reused
    wait_idle
    pkill_pid=$(said victim pid)
    ! grep -qs '^sleep' "/proc/$pkill_pid/comm" || kill -KILL "$pkill_pid"
    [ ! -e "$T/reused" ] || break
done
if [ ! -e "$T/reused" ]; then
    skip trust-p1-pid-reuse "the pid could not be had again in 5 rounds"
    finish
    exit
fi
is "trust-p1-pid-reuse: the victim was killed" "$(said victim died_of)" 9
keeper --no-analysis
pid=$(said victim pid)
inquest list --json "pid=$pid" >"$T/list"
json "trust-p1-pid-reuse: the record, if there is one, is not whole" "$T/list" \
    'all(.[]; .core != "full")'
json "trust-p1-pid-reuse: and is not of the other program" "$T/list" \
    'all(.[]; .comm != "sleep" and (.exe // "" | test("sleep|coreutils|busybox") | not))'
for id in $(jq -r '.[].id' "$T/list"); do
    inquest info --json "$id"
done >"$T/info"
for record in "$STORE"/crashes/*/*-"$pid".core.zst; do
    [ ! -e "$record" ] || zstd -dcq "$record"
done >"$T/content"
ok "trust-p1-pid-reuse: nothing of its environment or arguments is told" \
    bash -c "! grep -qaE 'the-secret-environment|30\.007' '$T/info' '$T/content'"
finish
