#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-faults - twenty-three ways to die, from builds of seven kinds: each report has the reason and
# the functions that faults.expected lists, and guessed frames say that they are guessed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel

OWN='^(die_.*|choose|main|overflow|recurse|smash|read_shape|.*_handler|thread_main|<signal .*)$'
SOURCE=$EXPLAIN/faults.c
mapfile -t cases < <(grep -v '^#' "$EXPLAIN/faults.expected")

kinds=()
build_kind() { # KIND COMMAND…
    local kind=$1
    shift
    has "$1" && build "faults-$kind" "$@" "$SOURCE" -w && kinds+=("$kind")
}
build_kind plain gcc -g -O0 -pthread
build_kind fast gcc -g -O2 -pthread
build_kind static gcc -g -O2 -pthread -static
build_kind static-pie gcc -g -O2 -pthread -static-pie
build_kind clang clang -g -O2 -pthread -gno-pubnames
build_kind debug-frame gcc -g -O1 -pthread -fno-asynchronous-unwind-tables -fno-unwind-tables
build_kind musl musl-gcc -g -O2
[ ${#kinds[@]} -gt 0 ] || bail "no compiler"

crash_all() {
    local kind line
    for kind in "${kinds[@]}"; do
        for line in "${cases[@]}"; do
            core_of "$kind.${line%%|*}" "$T/faults-$kind" "${line%%|*}"
        done
    done
}
with_plain_cores crash_all

# musl: its library has no call frame information, so that what lies above it is scanned for; it
# checks its heap in other words and keeps no message. Elsewhere a frame is a guess only where the
# table says so.
differences() { # KIND: on stdout
    local kind=$1 name reason frames said got
    for line in "${cases[@]}"; do
        IFS='|' read -r name reason frames <<<"$line"
        [ -f "$T/$kind.$name.core" ] || { echo "$name: no core"; continue; }
        explain "$kind.$name"
        said=$(fact_of "$kind.$name" .reason) got=$(stack_of "$kind.$name" "$OWN")
        if [ "$kind" = musl ]; then
            got=$(sed 's/![a-z-]*//g' <<<"$got") frames=${frames//!call-pop/}
            frames=${frames//!frame-pointer/}
            case $name in assert | double-free) reason='*' ;; esac
        fi
        # shellcheck disable=SC2053 # a pattern
        [[ $said == $reason ]] || echo "$name: reason: $said"
        [ "$got" = "$frames" ] || echo "$name: $got"
    done
}

for kind in "${kinds[@]}"; do
    is "explain-p1-faults: ${#cases[@]} ways to die, $kind" "$(differences "$kind")" ""
done

# gdb beside it: the same functions, files, lines and inlined calls, but where faults.gdb says why not.
# It shows tail calls between a frame and its caller, of which nothing is left on the stack.
mapfile -t gdb_is_wrong < <(sed -n 's/^\([^#|]*\)|.*/\1/p' "$EXPLAIN/faults.gdb")
gdb_differences() { # KIND: on stdout
    local kind=$1 line name row names=()
    for line in "${cases[@]}"; do
        name=$kind.${line%%|*}
        for row in "${gdb_is_wrong[@]}"; do
            # shellcheck disable=SC2053 # a pattern
            [[ $name == $row ]] && continue 2
        done
        names+=("$name")
    done
    ask_gdb "$T/faults-$kind" "${names[@]}"
    for name in "${names[@]}"; do
        diff <(grep -v '^__pthread_kill_internal ' "$T/$name.gdb") <(frames_of "$name") >"$T/diff" ||
            printf '%s\n' "$name:" "$(head -n 8 "$T/diff")"
    done
}
# The others are much the same, and gdb takes its time: with --long.
libc_symbols=
[ ! -f "$T/fast.abort.json" ] ||
    libc_symbols=$(fact_of fast.abort '[.modules[] | select(.path | test("/libc\\.so")) | .symbols] | first')
if has gdb; then
    for kind in "${kinds[@]}"; do
        [[ -n ${INQUEST_LONG:-} || $kind =~ ^(fast|static-pie|musl)$ ]] || continue
        if [[ ! $kind =~ ^(static|musl) ]] && [ "$libc_symbols" != dwarf ]; then
            note "$kind: gdb guesses at a libc without debug symbols"
            continue
        fi
        is "explain-p1-faults: gdb has the same functions, files and lines, $kind" \
            "$(gdb_differences "$kind")" ""
    done
fi

# All of the registers that are shown, flags and segments too, are what gdb shows.
gdb_registers() { # KIND.WAY
    gdb -q -nx -batch -ex 'info registers' "$T/faults-${1%%.*}" "$T/$1.core" 2>/dev/null |
        awk '$2 ~ /^0x/ { print $1, $2 }' | sort
}
our_registers() { # KIND.WAY
    jq -r '.threads[0].registers | to_entries[] | "\(.key) \(.value)"' "$T/$1.json" | sort
}
if has gdb && [[ " ${kinds[*]} " == *" fast "* ]]; then
    for way in null-read garbage-jump; do
        our_registers "fast.$way" >"$T/ours"
        gdb_registers "fast.$way" >"$T/theirs"
        is "explain-p1-faults: $way, $(wc -l <"$T/ours") registers are as gdb shows them" \
            "$(join "$T/ours" "$T/theirs" | awk '$2 != $3')$(cut -d' ' -f1 "$T/ours" | grep -cxE 'r?ip|eflags|[cdefgs]s|[fg]s_base|r1[0-5]')" 16
    done
    is "explain-p1-faults: no address comes from a register that holds none" \
        "$(cat "$T"/*.json | jq -r '.details[]? | select(test("register (eflags|.s|orig_rax|.s_base)\\b"))')" ""
fi

# A smashed stack: the function that did it is certain, what the scan finds behind is marked.
crash_smashed() {
    build faults-smashed gcc -g -O0 -fstack-protector-all -pthread "$SOURCE" -w
    core_of smash "$T/faults-smashed" smash
}
with_plain_cores crash_smashed
explain smash
is "explain-p1-faults: a smashed stack says which function wrote behind its variables" \
    "$(fact_of smash '.reason + ": " + .signature_frames[0]')" \
    "aborted: a function wrote behind its local variables (*** stack smashing detected ***: terminated): smash"
json "explain-p1-faults: behind the smashed frame every frame up to main is a guess that says so" \
    "$T/smash.json" '[.threads[0].frames[] | select(.function == "choose" or .function == "main") | .trust] == ["scan", "scan"]'

# A cut in the middle of a deep stack is marked, with both ends there.
json "explain-p1-faults: a stack of 20,000 frames keeps both ends and says how many are missing" \
    "$T/plain.recursion.json" '.threads[0] | (.omitted + (.frames | length)) as $all
        | $all > 20000 and $all < 20020 and .stop == "end" and .frames[0].function == "die_null_write"'

# A million frames deep, and the stack is used up.
cat >"$T/deep.c" <<'END'
volatile int zero;
__attribute__((noinline, noclone)) int overflow(int depth) { return overflow(depth + 1) + zero; }
int main(void) { return overflow(0) + zero; }
END
crash_deep() {
    STACK_KIB=40000 core_of deep "$T/deep"
}
limit=$(ulimit -Hs)
if [ "$limit" != unlimited ] && [ "$limit" -lt 40000 ]; then
    note "stacks may have $limit KiB here: no million frames"
elif build deep gcc -g -O1 "$T/deep.c" -w; then
    with_plain_cores crash_deep
    explain deep
    json "explain-p1-faults: a million frames of a stack overflow are walked, and both ends kept" \
        "$T/deep.json" '.threads[0] | .omitted + (.frames | length) > 1000000 and .stop == "end"
            and (.frames | map(select(.function == "main")) | length) == 1
            and ([.frames[].trust] | unique) == ["cfi", "registers"]'
    is "explain-p1-faults: that a million calls used the stack up" \
        "$(fact_of deep .reason | sed 's/0x[0-9a-f]*/0x/')" \
        "stack overflow: write to 0x, below the end of the stack, whose 40000 KiB are used up"
fi
finish
