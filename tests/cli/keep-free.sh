#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# keep-free - where others have filled the disk, cores give way until keep_free is free again: the
# cache first, then repeats, the oldest first, and no more of them than that takes.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

mount -t tmpfs -o size=64m,mode=751 tmpfs "$STORE" 2>"$T/stderr.mount" ||
    skip_all "cannot mount a tmpfs: $(cat "$T/stderr.mount")"
unmount_finally "$STORE"
mkdir -m 700 "$STORE/new"
mkdir -m 751 "$STORE/crashes"
mkdir -m 750 "$STORE/modules" "$STORE/cache"
printf '[store]\nmax_use = unlimited\nkeep_free = 16M\ncore_age = unlimited\n' | config

MIB=$((1024 * 1024))
for i in 1 2 3 4 5 6; do # five firsts and a repeat
    import_core "2026-11-0$i" pid=$i data=$((2 * MIB)) || bail "import failed"
done
head -c $MIB /dev/zero >"$STORE/cache/0123.debug"
free() {
    stat -f -c '%a %S' "$STORE" | awk '{ printf "%d", $1 * $2 }'
}
fill_but() { # BYTES
    rm -f "$STORE/others"
    head -c $(($(free) - $1)) /dev/zero >"$STORE/others"
}
states() {
    inquest list --json --oldest-first | jq -r 'map(.core) | join(" ")'
}

fill_but $((18 * MIB))
keeper --no-analysis
is "with room enough all stays" "$(states)" "full full full full full full"
ok "and the cache" test -e "$STORE/cache/0123.debug"

fill_but $((16 * MIB - MIB / 2))
keeper --no-analysis
ok "the cache goes first" test ! -e "$STORE/cache/0123.debug"
is "and may be enough" "$(states)" "full full full full full full"

fill_but $((16 * MIB - 3 * MIB))
keeper --no-analysis
is "then as many cores as it takes, the repeat and the oldest" "$(states)" \
    "pruned full full full full pruned"
ok "which is what is free then" test "$(free)" -ge $((16 * MIB - MIB / 4)) # but for index and reports

# Whoever may read a record may hold it open.
free=$(free)
exec 7<"$(echo "$STORE"/crashes/*/20261102-000000-2.core.zst)"
exec 8<"$(echo "$STORE"/crashes/*/20261103-000000-3.core.zst)"
inquest rm -qy 20261103-000000-3
ok "a deleted core that somebody reads holds no space" test "$(free)" -ge $((free + MIB))
fill_but $((16 * MIB - MIB))
free=$(free)
keeper --no-analysis
is "and with it goes one" "$(states)" "pruned pruned full full pruned"
ok "of which he holds no more than others" test "$(free)" -ge $((free + MIB))
exec 7<&- 8<&-

fill_but 0
keeper --no-analysis
is "on a full disk all cores, and no facts" "$(states)" \
    "pruned pruned pruned pruned pruned"
finish
