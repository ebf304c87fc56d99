#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p8-memory - without a buffer the hook, and the keeper after it, stay below 32 MiB, whatever the
# core's size, its threads or its mappings; by hand it says what it is.
. "$(dirname "$0")/../lib.sh"
needs_kernel
! is_sanitized || skip_all "sanitizers take memory of their own"
printf '[analyze]\nauto = no\n[capture]\nhold_buffer = 0\nmax_core = 100T\n' | config

crash_all() {
    crash small "$VICTIMS/memory" 16 mixed
    crash large "$VICTIMS/memory" 512 mixed
    crash threads "$VICTIMS/threads" 500
    crash sparse "$VICTIMS/sparse" 64
}
with_hook -b usage crash_all
wait_idle 60
for tag in small large threads sparse; do
    most=$(awk -v pid="$(said $tag pid)" '$1 == pid { print $2 }' "$T/usage")
    ok "letgo-p8-$tag: less than 32 MiB: ${most:-nothing was said} KiB" test "${most:-99999999}" -lt 32768
    wait_listed $tag
    is "letgo-p8-$tag: the core is whole" "$(listed $tag core)" full
done

is "letgo-p8-alone: --version" "$("$BIN/inquest-hook" --version)" \
    "inquest-hook $("$BIN/inquest" --version | awk 'NR == 1 { print $2 }')"
ok "letgo-p8-alone: without arguments it says where it belongs" \
    grep -q core_pattern <("$BIN/inquest-hook")
finish
