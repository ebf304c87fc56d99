#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p5-full - the disk is full: on a store with room for nothing, for a header, for some of the
# core, for nearly all of it, a crash is listed as what it is, or the kernel log says why not.
. "$(dirname "$0")/../lib.sh"
needs_kernel
# The budgets would end it more gently, long before the disk does.
printf '[store]\nmax_use = unlimited\nkeep_free = 0%%\n[analyze]\nauto = no\n' | config

if ! mount -t tmpfs -o size=64k,mode=751 tmpfs "$STORE" 2>"$T/stderr.mount"; then
    skip_all "cannot mount a tmpfs: $(cat "$T/stderr.mount")"
fi
unmount_finally "$STORE"

victim() {
    crash victim -t 30 "$VICTIMS/memory" 8 random
}

crash_with() { # SIZE
    local size=$1 p="collect-p5-full-$1" pid core
    umount "$STORE"
    mount -t tmpfs -o "size=$size,mode=751" tmpfs "$STORE"
    mkdir -m 700 "$STORE/new"
    mkdir -m 751 "$STORE/crashes"
    kmsg_mark
    with_hook victim
    is "$p: the victim is let go" "$(said victim hung)" null
    ok "$p: hook and keeper end" wait_idle 30
    pid=$(said victim pid)
    core=$(timeout $((10 * PATIENCE)) "$INQUEST" list --json "pid=$pid" 2>"$T/stderr.list" | jq -r '.[0].core')
    ok "$p: it is not listed as whole ($core)" test "$core" != full

    mount -o remount,size=64m "$STORE"
    keeper --no-analysis
    core=$(inquest list --json "pid=$pid" | jq -r '.[0].core')
    case $core in
    truncated | stacks | facts)
        ok "$p: with room again it is listed as $core, and why" \
            test -n "$(inquest info --json "pid=$pid" | jq -r '.metadata.reason // empty')"
        ;;
    *)
        ok "$p: it is not listed ($core), but the kernel log tells of it" \
            grep "$pid" <(kmsg_since)
        ;;
    esac
    ok "$p: the store is in order" inquest check
}

for size in 4k 16k 64k 256k 1m 3m 8m; do
    crash_with $size
done

with_hook victim
wait_listed victim
is "collect-p5-full: with room, the next one is whole" "$(listed victim core)" full
finish
