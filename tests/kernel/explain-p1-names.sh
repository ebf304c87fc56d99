#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-names - C++ and Rust at every optimisation: inlined calls, lambdas, templates, both of
# Rust's ways to mangle, and the exception that nobody caught.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel

mapfile -t cases < <(grep -v '^#' "$EXPLAIN/names.expected")
kinds=()
build_kind() { # PROGRAM KIND COMMAND…
    local program=$1 kind=$2
    shift 2
    has "$1" && build "$program-$kind" "$@" && kinds+=("$program-$kind")
}
build_kind names O0 g++ -std=c++17 -g -O0 "$EXPLAIN/names.cc"
build_kind names O1 g++ -std=c++17 -g -O1 "$EXPLAIN/names.cc"
build_kind names O2 g++ -std=c++17 -g -O2 "$EXPLAIN/names.cc"
build_kind names lto g++ -std=c++17 -g -O2 -flto "$EXPLAIN/names.cc"
build_kind names dwarf4 g++ -std=c++17 -g -gdwarf-4 -O2 "$EXPLAIN/names.cc"
build_kind names types g++ -std=c++17 -g -fdebug-types-section -O1 "$EXPLAIN/names.cc"
if [ -n "$RUSTC" ]; then
    build_kind panic v0 "$RUSTC" -g -O -C panic=abort -C symbol-mangling-version=v0 "$EXPLAIN/panic.rs"
    build_kind panic default "$RUSTC" -g -O -C panic=abort "$EXPLAIN/panic.rs"
    build_kind panic O0 "$RUSTC" -g -C panic=abort "$EXPLAIN/panic.rs"
else
    note "rustc is not installed"
fi
[ ${#kinds[@]} -gt 0 ] || bail "no compiler"

crash_all() {
    local kind line program way
    for kind in "${kinds[@]}"; do
        for line in "${cases[@]}"; do
            IFS='|' read -r program way _ <<<"$line"
            [[ $kind == "$program"-* ]] && core_of "$kind.$way" "$T/$kind" "$way"
        done
    done
}
with_plain_cores crash_all

differences() { # KIND: on stdout
    local kind=$1 line program way reason frames said got
    for line in "${cases[@]}"; do
        IFS='|' read -r program way reason frames <<<"$line"
        [[ $kind == "$program"-* ]] || continue
        [ -f "$T/$kind.$way.core" ] || { echo "$way: no core"; continue; }
        explain "$kind.$way"
        said=$(fact_of "$kind.$way" .reason)
        got=$(fact_of "$kind.$way" '.signature_frames | join(" ")')
        # shellcheck disable=SC2053 # patterns
        [[ $said == $reason ]] || echo "$way: reason: $said"
        # shellcheck disable=SC2053
        [[ $got == $frames ]] || echo "$way: $got"
    done
}

for kind in "${kinds[@]}"; do
    is "explain-p1-names: functions, inlined calls and exceptions, $kind" "$(differences "$kind")" ""
done

inlined='[.threads[0].frames[] | select(.inlined) | .function | split("(")[0]]'
json "explain-p1-names: what was inlined is there and marked, each with its own line" "$T/names-O2.null.json" \
    "$inlined as \$names | (\$names | index(\"shop::always\")) != null
        and ([.threads[0].frames[] | select(.inlined and (.line == null or .file == null))] == [])"
json "explain-p1-names: functions keep their parameters, symbols are raw" "$T/names-O0.null.json" \
    '.threads[0].frames[] | select(.symbol == "_ZN4shop3runERNS_5ShelfE") | .function == "shop::run(shop::Shelf&)"'

# gdb has the same functions in the same order, apart from what its names leave out.
gdb_differences() { # NAME PROGRAM
    gdb -q -nx -batch -ex 'set width 0' -ex 'echo ----\n' -ex bt "$2" "$T/$1.core" 2>/dev/null |
        sed -n '/^----/,$p' | sed -n 's/^#[0-9]* *\(0x[0-9a-f]* in \)\?//p' |
        jq -rR 'sub(" \\(.*"; "") | sub("^__GI_"; "")
            | until(test("<[^<>]*>") | not; gsub("<[^<>]*>"; ""))
            | until(test("\\([^()]*\\)") | not; gsub("\\([^()]*\\)"; "")) | sub("( const)+$"; "")' |
        grep -v '^__pthread_kill_internal$' | sed '/^main$/q' >"$T/gdb"
    jq -r '.threads[0].frames[] | .function // "??"' "$T/$1.json" | jq -rR '
        until(test("<[^<>]*>") | not; gsub("<[^<>]*>"; ""))
            | until(test("\\([^()]*\\)") | not; gsub("\\([^()]*\\)"; "")) | sub("( const)+$"; "")' |
        sed '/^main$/q' >"$T/ours"
    diff "$T/gdb" "$T/ours"
}
if has gdb; then
    for kind in names-O0 names-O2 names-lto; do
        is "explain-p1-names: gdb has the same stack, $kind" "$(gdb_differences "$kind.null" "$T/$kind")" ""
    done
fi

# What lldb has is ours, to the column. It leaves a function out where a call in its tail was inlined;
# gdb has it.
if has lldb; then
    lldb --no-lldbinit -b -o bt -c "$T/names-O2.null.core" "$T/names-O2" 2>/dev/null |
        sed -n 's/^ .*frame #[0-9]*: .* at \(names\.cc:[0-9]*:[0-9]*\).*/\1/p' >"$T/lldb"
    jq -r '.threads[0].frames[] | select(.file // "" | endswith("names.cc"))
        | "names.cc:\(.line):\(.column)"' "$T/names-O2.null.json" >"$T/ours"
    is "explain-p1-names: all places that lldb has are ours, names-O2" \
        "$(sed -n '$=' "$T/lldb" | sed 's/^[4-9]$/some/'): $(grep -vxFf "$T/ours" "$T/lldb")" "some: "
fi
finish
