#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-short - reads and writes that do half of what they are asked for: the hook, the keeper and
# the command carry on, and the core is whole.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
${CC:-cc} -shared -fPIC -O1 -o "$T/short.so" "$top_srcdir/tests/kernel/short.c" 2>"$T/stderr.cc" ||
    skip_all "no compiler: $(head -1 "$T/stderr.cc")"
! grep -q -- '-fsanitize' "$top_builddir/config.log" || skip_all "sanitizers must be loaded first"
command -v strace >/dev/null || skip_all "strace is not installed"

crash_it() { # TAG PRELOAD
    cat >"$BIN/$1" <<END
#!/bin/sh
exec strace -f -qq -s 0 -o "$T/trace.$1" -e trace=write,pwrite64 -E LD_PRELOAD="$2" \\
    "$BIN/inquest-hook" "\$@"
END
    chmod +x "$BIN/$1"
    pattern_take 1024 '' "|$BIN/$1 -C $CONF $SPECIFIERS" 2
    crash "$1" -t 60 "$VICTIMS/memory" 8 mixed
    pattern_give_back
    ok "trust-p3-short: hook and keeper end" wait_idle 60
}
keeper --no-analysis # makes the index, by hundreds of writes of sqlite's
crash_it undisturbed ""
crash_it victim "$T/short.so"
is "trust-p3-short: the victim is let go" "$(said victim hung)" null
ok "trust-p3-short: the hook's writes were cut, so that they are many more" \
    test "$(wc -l <"$T/trace.victim")" -gt $(($(wc -l <"$T/trace.undisturbed") + 100))

LD_PRELOAD=$T/short.so timeout 60 "$BIN/inquest-keeper" -C "$CONF" --foreground --no-analysis
is "trust-p3-short: a keeper under the same ends" $? 0
ok "trust-p3-short: the crash is listed" wait_listed victim
is "trust-p3-short: as whole" "$(listed victim core)" full
inquest dump "pid=$(said victim pid)" >"$T/core"
ok "trust-p3-short: as which it is" core_is_whole "$T/core"
LD_PRELOAD=$T/short.so inquest dump "pid=$(said victim pid)" -o "$T/core.short"
ok "trust-p3-short: the command reads the same with cut reads" cmp "$T/core" "$T/core.short"
ok "trust-p3-short: nothing is wrong in the store" inquest check
finish
