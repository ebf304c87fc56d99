#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p5-stacks - mode `stacks` keeps a small core that is valid, opens in gdb, and gives the same
# backtraces as the full one.
. "$(dirname "$0")/../lib.sh"
needs_kernel

full() {
    crash full "$VICTIMS/threads" 100 1000
}
stacks() {
    crash stacks "$VICTIMS/threads" 100 1000
    crash large "$VICTIMS/memory" 512 mixed
}
printf '[capture]\nmode = full\n' | config
with_hook full
wait_listed full || fail "letgo-p5-full: listed"
printf '[capture]\nmode = stacks\n' | config
with_hook stacks

gives_part() { # TAG: 3 is the exit code for what is not all
    inquest dump "$(listed "$1" id)" -o "$T/$1.core"
    [ $? -eq 3 ]
}

for tag in stacks large; do
    if ! wait_listed $tag; then
        fail "letgo-p5-$tag: listed"
        continue
    fi
    is "letgo-p5-$tag: it says what it is" "$(listed $tag core)" stacks
    ok "letgo-p5-$tag: stored in less than 2 MiB: $(listed $tag stored_size)" \
        test "$(listed $tag stored_size)" -lt $((2 << 20))
    ok "letgo-p5-$tag: dump gives a core, and says that it is not all" gives_part $tag
    ok "letgo-p5-$tag: that is whole" core_is_whole "$T/$tag.core"
    ok "letgo-p5-$tag: readelf finds no fault" \
        bash -c "! readelf -lnW '$T/$tag.core' 2>&1 | grep -E 'readelf: (Warning|Error)'"
done
ok "letgo-p5-full: dump gives a core" inquest dump "$(listed full id)" -o "$T/full.core"

# Functions of all threads, sorted, because the kernel orders threads as it likes.
functions() { # TAG
    gdb -batch -nx -iex 'set debuginfod enabled off' -ex 'thread apply all bt' \
        "$VICTIMS/threads" "$T/$1.core" 2>"$T/gdb.$1.stderr" |
        sed -En 's/^#([0-9]+) +(0x[0-9a-f]+ in )?([^ ]+) .*/\1 \3/p' | sort | uniq -c
}
functions full >"$T/functions.full"
functions stacks >"$T/functions.stacks"
ok "letgo-p5-gdb: there are backtraces to compare" \
    test "$(awk '{ n += $1 } END { print n + 0 }' "$T/functions.full")" -gt 300
ok "letgo-p5-gdb: gdb's backtraces of all threads are equal" \
    diff "$T/functions.full" "$T/functions.stacks"
gdb -batch -nx -ex 'info threads' "$VICTIMS/threads" "$T/stacks.core" >"$T/gdb.threads" 2>&1
is "letgo-p5-gdb: all threads are there" \
    "$(grep -cE '^[* ] +[0-9]+ +(Thread|LWP)' "$T/gdb.threads")" 101

our_frames() { # TAG
    inquest bt --json --all "$(listed "$1" id)" 2>"$T/bt.$1.stderr" |
        jq -c '(if type == "array" then .[0] else . end).threads |
            map([.crashed, .stop, (.frames | map(.function))]) | sort'
}
is "letgo-p5-bt: our backtraces are equal" "$(our_frames stacks | md5sum)" \
    "$(our_frames full | md5sum)"
ok "letgo-p5-bt: and not empty" test "$(our_frames stacks | wc -c)" -gt 3000
finish
