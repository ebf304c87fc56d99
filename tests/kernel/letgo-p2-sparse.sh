#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p2-sparse - memory that was never touched takes no space, and debuggers read it as zeros: 500
# stacks of 8 MiB, 64 GiB with a page in each, a sanitizer's terabytes.
. "$(dirname "$0")/../lib.sh"
needs_kernel
printf '[capture]\nmode = full\nmax_core = 100T\n' | config

# What ASan finds, it says and aborts.
cat >"$T/asan.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((noinline)) static void write_behind(char *block) { block[16] = 1; }
int main(void)
{
    printf("{\"pid\":%d}\n", getpid());
    fflush(stdout);
    char *block = malloc(16);
    write_behind(block);
    return block[0];
}
END
has_asan=0
gcc -g -O0 -fsanitize=address -o "$T/asan" "$T/asan.c" 2>"$T/gcc.said" && has_asan=1

crash_all() {
    ulimit -s 8192
    crash threads "$VICTIMS/threads" 500
    crash sparse "$VICTIMS/sparse" 64
    if [ $has_asan = 1 ]; then
        export ASAN_OPTIONS=abort_on_error=1:disable_coredump=0:use_madv_dontdump=0
        crash asan -t 20 "$T/asan"
    fi
}
with_hook crash_all

# Whole, in less than so much, and laid out as said.
is_small() { # TAG LAYOUT MIB
    if ! wait_listed "$1" 60; then
        fail "letgo-p2-$1: listed"
        return 1
    fi
    is "letgo-p2-$1: the core is whole" "$(listed "$1" core)" full
    ok "letgo-p2-$1: stored in less than $3 MiB: $(listed "$1" stored_size)" \
        test "$(listed "$1" stored_size)" -lt $(($3 << 20))
    inquest info --json "$(listed "$1" id)" >"$T/info.$1"
    json "letgo-p2-$1: layout $2, taken from memory" "$T/info.$1" \
        '(if type == "array" then .[0] else . end).metadata |
            .layout == $layout and .source == "memory"' --arg layout "$2"
    ok "letgo-p2-$1: dump gives it" inquest dump "$(listed "$1" id)" -o "$T/$1.core"
}

in_gdb() { # TAG PROGRAM COMMAND…
    local tag=$1 program=$2 commands=()
    shift 2
    for command; do
        commands+=(-ex "$command")
    done
    gdb -batch -nx -iex 'set debuginfod enabled off' "${commands[@]}" "$program" "$T/$tag.core" 2>&1
}

if is_small threads sparse 8; then
    in_gdb threads "$VICTIMS/threads" 'info threads' >"$T/gdb.threads"
    is "letgo-p2-threads: gdb shows all threads" \
        "$(grep -cE '^[* ] +[0-9]+ +(Thread|LWP)' "$T/gdb.threads")" 501
fi
if is_small sparse sparse 1; then
    in_gdb sparse "$VICTIMS/sparse" 'print sparse_area[(5ul << 30) + 4096]' \
        'print sparse_area[(63ul << 30) + 4096]' 'print sparse_area[(5ul << 30) + 4097]' \
        'print sparse_area[(5ul << 30) + (1 << 29)]' 'print sparse_area[64ul << 30]' bt \
        >"$T/gdb.sparse"
    is "letgo-p2-sparse: gdb reads what was written, and zeros" \
        "$(sed -n 's/^\$[0-9]* = \([0-9]*\).*/\1/p' "$T/gdb.sparse" | tr '\n' ' ')" "6 64 0 0 "
    ok "letgo-p2-sparse: gdb knows what is not in the core" grep -q 'Cannot access' "$T/gdb.sparse"
    ok "letgo-p2-sparse: and where it crashed" grep -qE 'fault_segv|victim_faults' "$T/gdb.sparse"
fi
if [ $has_asan = 0 ]; then
    skip "letgo-p2-asan: collected" "gcc has no AddressSanitizer here"
elif is_small asan sparse 64; then
    is "letgo-p2-asan: it is gone, though the kernel has terabytes to look through" \
        "$(said asan hung)" null
    in_gdb asan "$T/asan" bt >"$T/gdb.asan"
    ok "letgo-p2-asan: gdb's backtrace" grep -q write_behind "$T/gdb.asan"
    inquest bt "$(listed asan id)" >"$T/bt.asan" 2>&1
    ok "letgo-p2-asan: our backtrace" grep -q write_behind "$T/bt.asan"
fi
finish
