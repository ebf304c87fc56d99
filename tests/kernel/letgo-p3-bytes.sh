#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p3-bytes - a core is written to the disk once, as it is stored, and that is no larger than what
# zstd -1 makes of it.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

victim() {
    crash victim -t 60 "$VICTIMS/memory" 64 mixed
}
with_hook -b usage victim
wait_listed victim
ok "letgo-p3-bytes: the hook and its keeper end" wait_idle 60

written=$(awk -v pid="$(said victim pid)" '$1 == pid { print $3 }' "$T/usage")
stored=$(listed victim stored_size)
if [ "${written:-0}" = 0 ]; then
    skip "letgo-p3-bytes: written once" "this filesystem doesn't count what is written"
else
    # The index, its log, and pages that were begun twice; 2 MiB beside some 17.
    ok "letgo-p3-bytes: $written bytes were written of the $stored that are stored" \
        test "$written" -le $((stored + (2 << 20)))
fi
inquest dump "$(listed victim id)" 2>/dev/null >"$T/core"
zstd -1 -q -c "$T/core" >"$T/core.zst"
beside=$(stat -c %s "$T/core.zst")
ok "letgo-p3-bytes: stored in $stored bytes, where zstd -1 needs $beside" \
    test $((stored * 100)) -le $((beside * 108))
finish
