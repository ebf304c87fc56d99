#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p2-cores - cores that Linux itself wrote on other machines, of a small program that is kept
# with them (data/machines): threads, registers, frames and lines are what its source says.
. "$(dirname "$0")/../lib.sh"

DATA=$top_srcdir/tests/data/machines
command -v xz >/dev/null || skip_all "xz is not installed"

# Each machine's register of a function's second argument.
declare -A SECOND=([aarch64]=x1 [arm]=r1 [ppc64le]=r4 [riscv64]=a1 [s390x]=r3)
# The crashing stack down to choose() by way, innermost first: each name once in a row, a guess with
# its trust behind "!". The line of leaf() is open: its one instruction has two in compilers' tables.
declare -A EXPECTED=(
    [read]='size_of take die_reading'
    [call]='??!registers die_calling!call-pop'
    [jump]='??!registers die_calling!call-pop die_jumping'
    [handler]='handle <signal leaf die_handling'
    [deep]='size_of take die_reading recurse'
)

line_of() { # FUNCTION: the line that has its name in a comment
    grep -n "/\* $1 \*/" "$DATA/victim.c" | cut -d: -f1
}

# "NAME LINE" a line, as the source has them.
expected_stack() { # WAY
    local word
    for word in ${EXPECTED[$1]}; do
        echo "$word $(line_of "${word%%!*}")"
    done
}

found_stack() { # WAY
    jq -r '[.threads[0].frames[] | select(.function != "choose" and .function != "_start")
        | ((.function // "??") | split(" ")[0])
            + (if .function == null or (.trust | . != "registers" and . != "cfi" and . != "signal")
               then "!" + .trust else "" end)
            + " " + (if .function == "leaf" then "" else .line // "" end | tostring)]
        | reduce .[] as $one ([]; if .[-1] == $one then . else . + [$one] end) | .[]' "$T/$1.json"
}

second_thread() { # WAY: the names of its frames, and how it ends
    jq -r '.threads | length, (.[1] | (.frames[1:4][].function), .stop)' "$T/$1.json" | tr '\n' ' '
}

for machine in aarch64 arm ppc64le riscv64 s390x; do
    name="explain-p2-cores: $machine"
    tar -xJf "$DATA/$machine.tar.xz" -C "$T"
    differences=
    for way in "${!EXPECTED[@]}"; do
        "$INQUEST" bt --json --all --exe "$T/victim" "$T/$way.core" >"$T/$way.json" 2>"$T/stderr" ||
            differences+="$way: exit $?: $(cat "$T/stderr")"$'\n'
        differences+=$(diff <(expected_stack "$way") <(found_stack "$way") | sed "s/^/$way: /")
    done
    is "$name: five ways to die, the functions and lines of the source" "$differences" ""
    is "$name: a hundred calls deep, none is missing" \
        "$(jq '[.threads[0].frames[] | select(.function == "recurse")] | length' "$T/deep.json")" 101
    is "$name: the thread that waited, to its start" "$(second_thread read)" \
        "2 wait_here second_thread start_thread end "
    json "$name: the crashing thread's registers, the argument that it was given in one" "$T/read.json" \
        '.threads[0].registers | .[$r] == "0x5ca1ab1e" and length > 15' --arg r "${SECOND[$machine]}"
    json "$name: the outermost frame ends the stack, and nothing is a guess" "$T/handler.json" \
        'all(.threads[]; .stop == "end" and
            all(.frames[]; .trust | . == "registers" or . == "cfi" or . == "signal"))'
    json "$name: why it died" "$T/jump.json" \
        '.signal_name == "SIGSEGV" and .fault_address == "0x12345000" and (.reason | test("jump to 0x12345000"))'
done
# The processor tells the page of a fault, not the address.
is "explain-p2-cores: s390x, what is not known of the address is said" \
    "$(jq -r '.reason, .details[]' "$T/read.json")" \
    "segmentation fault: access to 0x0, a NULL pointer
this machine tells addresses of faults in steps of 4096 bytes only"
finish
