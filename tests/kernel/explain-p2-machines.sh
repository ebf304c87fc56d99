#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p2-machines - cores of other machines, made by cross compilers and qemu-user: aarch64 and
# i386. They name no mapped files, so that the program is found by the auxiliary vector.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel

OWN='^(die_.*|choose|main|overflow|recurse|read_shape|.*_handler|thread_main|<signal .*)$'
WAYS=(null-read recursion null-call garbage-jump overflow in-handler through-handler divide)
# What qemu does not tell: siginfo. What aarch64 does not do: fail at a division.
declare -A EXPECTED=(
    [null-read]='read_shape die_null_read choose main'
    [recursion]='die_null_write recurse die_recursion choose main'
    [null-call]='die_null_call!call-pop choose main'
    [garbage-jump]='die_garbage_jump!call-pop choose main'
    [overflow]='overflow die_overflow choose main'
    [in-handler]='faulty_handler <signal handler called> die_in_handler choose main'
    [through-handler]='abort_handler <signal handler called> die_null_write die_through_handler choose main'
    [divide]='die_divide choose main'
)

# Each core in a directory of its own: qemu chooses the name.
crash_with() { # MACHINE QEMU
    local way found
    for way in "${WAYS[@]}"; do
        mkdir -p "$T/$1.$way"
        (
            cd "$T/$1.$way" || exit
            ulimit -c unlimited
            timeout 30 "$2" "$T/$1" "$way"
        ) >/dev/null 2>&1
        found=("$T/$1.$way"/*.core)
        [ -f "${found[0]}" ] && mv "${found[0]}" "$T/$1.$way.core"
    done
}

differences() { # MACHINE: on stdout
    local way got
    for way in "${WAYS[@]}"; do
        [ "$1.$way" = aarch64.divide ] && continue
        [ -f "$T/$1.$way.core" ] || { echo "$way: no core"; continue; }
        "$INQUEST" bt --json --all --exe "$T/$1" "$T/$1.$way.core" >"$T/$1.$way.json" 2>&1
        got=$(stack_of "$1.$way" "$OWN")
        [ "$got" = "${EXPECTED[$way]}" ] || echo "$way: $got"
    done
}

for machine in aarch64 i386; do
    compiler=$machine-linux-gnu-gcc
    [ $machine = i386 ] && compiler=i686-linux-gnu-gcc
    name="explain-p2-machines: $machine, ${#WAYS[@]} ways to die"
    if has $compiler && has qemu-$machine &&
        build $machine $compiler -g -O1 -static "$EXPLAIN/faults.c" -w -pthread; then
        crash_with $machine qemu-$machine 2>/dev/null
        is "$name" "$(differences $machine)" ""
        json "explain-p2-machines: $machine: its registers are shown, each thread's" "$T/$machine.null-read.json" \
            '[.threads[] | .registers | length > 9] | all'
    else
        skip "$name" "no cross compiler or no qemu-user"
    fi
done

# The kernel's own cores of 32-bit programs, with all that it tells.
i386_runs() {
    [ -x "$T/i386" ] && "$T/i386" >/dev/null 2>&1
    [ $? = 64 ]
}
crash_i386() {
    local way
    for way in "${WAYS[@]}"; do
        core_of "i386.$way" "$T/i386" "$way"
    done
}
if i386_runs; then
    rm -f "$T"/i386.*.core
    with_plain_cores crash_i386
    is "explain-p2-machines: 32-bit programs of this kernel" "$(differences i386)" ""
    is "explain-p2-machines: and why they died" \
        "$(fact_of i386.null-read .reason); $(fact_of i386.divide .reason)" \
        "segmentation fault: read of 0x30, a NULL pointer plus 0x30; integer division by zero"
else
    skip "explain-p2-machines: 32-bit programs of this kernel" "this kernel runs none"
fi
finish
