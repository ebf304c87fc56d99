#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-fuse - the victim serves the filesystem that a file in its memory, and its own executable, is
# on: whoever reads that file's pages waits for a dead server. The hook doesn't, or not longer than its
# deadline.
. "$(dirname "$0")/../lib.sh"
needs_kernel
printf '[capture]\ndeadline = 3s\n[analyze]\nauto = no\n' | config
[ -c /dev/fuse ] || skip_all "there is no /dev/fuse"
mkdir "$T/mounted"

# Whatever waits for the server is freed when its connection is cut.
cut_connection() {
    ! grep -q " $T/mounted fuse" /proc/mounts || umount -f "$T/mounted" 2>/dev/null
    unmount "$T/mounted" 2>/dev/null
    true
}
finally cut_connection

victim() { # TAG [MODE]
    local timer
    (sleep 30; touch "$T/late.$1"; cut_connection) &
    timer=$!
    crash "$1" -t 60 "$VICTIMS/fuse" ${2:+"$2"} "$T/mounted"
    kill $timer 2>/dev/null
    wait $timer 2>/dev/null
}

try() { # TAG [MODE]
    local p="trust-p1-fuse: $1"
    with_hook -b log victim "$@"
    if ! grep -q '"signal":11' "$T/said.$1"; then
        skip "$p" "no FUSE filesystem can be mounted: $(head -1 "$T/stderr.$1")"
        return
    fi
    ok "$p: the victim is let go by itself" test ! -e "$T/late.$1"
    cut_connection
    ok "$p: hook and keeper end" wait_idle 30
    ok "$p: the crash is listed" wait_listed "$1" 10
    inquest info --json "$(listed "$1" id)" >"$T/info"
    json "$p: as what it is, with the reason where that is not whole" "$T/info" \
        '.core == "full" or (.metadata.reason // "" | length > 0)'
}

try data
try executable own
if grep -q '"signal":11' "$T/said.executable"; then
    is "trust-p1-fuse: that was its own executable" "$(said executable exe | base64 -d)" "$T/mounted/file"
fi
finish
