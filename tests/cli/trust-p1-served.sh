#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-served - where a program was, a user's FUSE server that never answers is now: its crash, and those
# of others, are explained all the same, and no lock is held by what hangs.
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root, to mount a filesystem that a user serves"
[ -c /dev/fuse ] || skip_all "there is no /dev/fuse"
command -v gcore >/dev/null || skip_all "no gdb, to make cores"
printf '[analyze]\ndeadline = 3s\n' | config
mkdir "$T/d" "$T/named" "$T/linked" "$T/other"

"$VICTIMS/fuse" silent "$T/d" 2>"$T/fuse.err" &
server=$!
cut_connection() {
    umount -l "$T/named" 2>/dev/null
    umount -f "$T/d" 2>/dev/null
    kill -KILL $server 2>/dev/null
    umount -l "$T/d" 2>/dev/null
    true
}
finally cut_connection
for _ in $(seq 100); do
    grep -q " $T/d fuse" /proc/mounts && break
    sleep 0.1
done
grep -q " $T/d fuse" /proc/mounts || skip_all "no FUSE filesystem can be mounted: $(head -1 "$T/fuse.err")"

# A program that waits, and its core.
import_core() { # NAME UID: leaves its id in $id
    local program=$T/$1/program pid
    cp "$(command -v sleep)" "$program"
    setpriv --reuid "$2" --regid "$2" --clear-groups "$program" 100 &
    pid=$!
    sleep 0.2
    gcore -o "$T/core" $pid >"$T/gcore" 2>&1 || bail "no core: $(cat "$T/gcore")"
    kill $pid
    wait $pid 2>/dev/null
    inquest import --no-analysis "$T/core.$pid" >"$T/imported" || bail "not imported"
    id=$(cut -d' ' -f1 "$T/imported")
}
functions() { # ID
    inquest bt --json "$1" 2>/dev/null | jq '[.threads[].frames[].function | select(.)] | length > 0'
}
hanging() {
    ps -eo stat,args | grep "^D.* $BIN/" | wc -l
}
# The latest comes first: the other's is explained after them.
for crash in other:other:61002 linked:linked:61001 again:linked:61001 named:named:61001; do
    IFS=: read -r tag where user <<<"$crash"
    import_core "$where" "$user"
    declare "$tag=$id"
    sleep 1
done
is "each is its user's" "$(inquest list -F uid | sort | uniq -c | tr -s ' \n' ' ')" " 3 61001 1 61002 "

mv "$T/linked" "$T/linked.away"
ln -s "$T/d" "$T/linked"
mv "$T/named" "$T/named.away"
mkdir "$T/named"
mount --bind "$T/d" "$T/named" ||
    bail "not mounted"
keeper >"$T/keeper" 2>&1 &
keeper=$!
for _ in $(seq $((40 * PATIENCE))); do
    kill -0 $keeper 2>/dev/null || break
    sleep 1
done
kill -0 $keeper 2>/dev/null
is "trust-p1-served: the keeper ends" $? 1
is "trust-p1-served: links led it to the server, and one process of the user hangs there" "$(hanging)" 1
ok "trust-p1-served: that holds no lock of the store's" flock -n "$STORE/new/.analysis" true
for tag in linked again named other; do
    inquest info --json "${!tag}" >"$T/info"
    json "trust-p1-served: the crash is explained: $tag" "$T/info" '.report.threads | length > 0'
done
is "trust-p1-served: the other's in full" "$(functions "$other")" true

# Who opens the files himself hangs himself.
ends() { # COMMAND…
    "$@" >"$T/said" 2>&1 </dev/null &
    local pid=$!
    for _ in $(seq $((300 * PATIENCE))); do
        kill -0 $pid 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}
ok "trust-p1-served: root's debug ends" ends "$INQUEST" debug --debugger true "$named"
ok "and names the file" grep -q "$T/named/program is not here" "$T/said"
ok "trust-p1-served: root's bundle ends" ends "$INQUEST" export --bundle "$T/bundle.tar.zst" "$named"
cut_connection
ok "trust-p1-served: what hung is gone with the server" wait_idle 20
finish
