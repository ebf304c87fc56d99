#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-fuse - the victim serves the filesystem that a file in its memory is on: whoever reads that
# file's pages waits for a dead server. The hook doesn't, or not longer than its deadline.
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

victim() {
    local timer
    (sleep 30; touch "$T/late"; cut_connection) &
    timer=$!
    crash victim -t 60 "$VICTIMS/fuse" "$T/mounted"
    kill $timer
    wait $timer 2>/dev/null
}
with_hook -b log victim
if ! grep -q '"signal":11' "$T/said.victim"; then
    skip trust-p1-fuse "no FUSE filesystem can be mounted: $(head -1 "$T/stderr.victim")"
    finish
    exit
fi
ok "trust-p1-fuse: the victim is let go by itself" test ! -e "$T/late"
cut_connection
ok "trust-p1-fuse: hook and keeper end" wait_idle 30
ok "trust-p1-fuse: the crash is listed" wait_listed victim 10
inquest info --json "$(listed victim id)" >"$T/info"
json "trust-p1-fuse: as what it is, with the reason where that is not whole" "$T/info" \
    '.core == "full" or (.metadata.reason // "" | length > 0)'
finish
