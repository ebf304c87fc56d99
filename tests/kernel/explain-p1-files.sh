#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-files - cores that lack something: cut short, without ELF headers, and executables that
# were replaced, deleted or stripped since. What is told is right, and what is missing is said.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"

build stacks gcc -g -O1 -pthread "$EXPLAIN/stacks.c" || bail "not built"
for name in deleted replaced headers stripped linked mini; do
    build "$name" gcc -g -O1 -pthread "$EXPLAIN/faults.c" -w || bail "not built"
done
OWN='^(die_.*|choose|main|recurse|read_shape)$'

# Debug information beside the program: by .gnu_debuglink, and as symbols in .gnu_debugdata.
objcopy --only-keep-debug "$T/linked" "$T/linked.debug"
objcopy --strip-all --add-gnu-debuglink="$T/linked.debug" "$T/linked"
nm --format=posix --defined-only "$T/mini" | awk '$2 ~ /[Tt]/ { print $1 }' >"$T/keep"
objcopy -S --remove-section .comment --keep-symbols="$T/keep" "$T/mini" "$T/mini.symbols"
xz -f "$T/mini.symbols"
objcopy --strip-all --add-section .gnu_debugdata="$T/mini.symbols.xz" "$T/mini"
strip --strip-all "$T/stripped"

crash_all() {
    core_of stacks "$T/stacks" 100 20
    for name in deleted replaced stripped linked mini; do
        core_of "$name" "$T/$name" recursion
    done
    echo 0x23 >"/proc/$BASHPID/coredump_filter"
    core_of headers "$T/headers" null-read
}
with_plain_cores crash_all

explain linked
is "explain-p1-files: names and lines from the file that .gnu_debuglink names" \
    "$(stack_of linked "$OWN"): $(fact_of linked '.threads[0].frames[0] | "\(.file | sub(".*/"; "")):\(.line)"')" \
    "die_null_write recurse die_recursion choose main: faults.c:$(grep -n '\*null_pointer = 42' "$EXPLAIN/faults.c" | cut -d: -f1)"
# The same file compressed, and with a section that lies of its size.
cp "$T/linked.debug" "$T/plain.debug"
stack=$(stack_of linked "$OWN")
for method in zlib zlib-gnu zstd; do
    has_compression=$(objcopy --compress-debug-sections="$method" "$T/plain.debug" "$T/linked.debug" 2>&1)
    if [ -n "$has_compression" ]; then
        skip "explain-p1-files: debug information compressed by $method" "$has_compression"
        continue
    fi
    explain linked
    is "explain-p1-files: debug information compressed by $method is read" \
        "$(stack_of linked "$OWN"): $(fact_of linked '.threads[0].frames[0].line')" \
        "$stack: $(grep -n '\*null_pointer = 42' "$EXPLAIN/faults.c" | cut -d: -f1)"
done
objcopy --compress-debug-sections=zlib "$T/plain.debug" "$T/linked.debug"
at=$(readelf -SW "$T/linked.debug" 2>/dev/null | sed 's/^ *\[ *//' | awk '$2 == ".debug_info" { print $5 }')
printf '\377\377\377\377\377\377' | dd of="$T/linked.debug" bs=1 seek=$((0x$at + 8)) conv=notrunc status=none
explain linked
is "explain-p1-files: debug information that claims 256 TiB is left out" \
    "$(stack_of linked "$OWN"): $(fact_of linked '.threads[0].frames[0].line')" "$stack: null"
explain mini
is "explain-p1-files: names from .gnu_debugdata" "$(stack_of mini "$OWN")" \
    "die_null_write recurse die_recursion choose main"
explain stripped
json "explain-p1-files: a stripped program has all its frames, without names that nobody knows" "$T/stripped.json" \
    '.threads[0] | (.omitted + (.frames | length)) > 20000 and .stop == "end" and .frames[0].function == null
        and .frames[-1].function == null and (.frames[0].module_offset | startswith("0x"))'
is "explain-p1-files: without names the signature is made of places, and is stable" \
    "$(fact_of stripped '.signature | length'):$(fact_of stripped '.signature_frames | length')" 16:0

explain headers
is "explain-p1-files: without ELF headers in the core the files are used, and are not verified" \
    "$(stack_of headers "$OWN") $(fact_of headers '[.modules[] | select(.path | endswith("/headers")) | .verified] | first')" \
    "read_shape die_null_read choose main false"

# Another program where this one was: it has the same functions at other places.
build replaced gcc -g -O0 -DOTHER -pthread "$EXPLAIN/faults.c" -w -Wl,--build-id=0x1234
explain replaced
json "explain-p1-files: a file that is another one now is not used, and that is said" "$T/replaced.json" \
    '([.threads[0].frames[] | select(.function | . != null and test("^(die|choose|recurse)"))] == [])
        and (.problems | any(contains("replaced is another file now")))'
json "explain-p1-files: what lies in it has its build-id and offset" "$T/replaced.json" \
    '.threads[0].frames[0] | .build_id != null and .module_offset != null and .function == null'

rm "$T/deleted"
explain deleted
json "explain-p1-files: a program that is gone leaves build-id and offset, and that is said" "$T/deleted.json" \
    '(.threads[0].frames[0] | .build_id != null and .function == null)
        and (.problems | any(contains("deleted could not be found")))'
build deleted gcc -g -O1 -pthread "$EXPLAIN/faults.c" -w
mv "$T/deleted" "$T/moved"
"$INQUEST" bt --json --all --exe "$T/moved" "$T/deleted.core" >"$T/found.json"
is "explain-p1-files: the same program from elsewhere, by --exe, gives all names" \
    "$(stack_of found "$OWN")" "die_null_write recurse die_recursion choose main"

# Cores cut short: 100 threads of 20 calls.
size=$(stat -c %s "$T/stacks.core")
explain stacks
whole=$(fact_of stacks '[.threads[].frames | length] | add')
is "explain-p1-files: 100 threads have all their frames" "$((whole > 2000))" 1
last=0
for part in 5 25 50 75 95; do
    head -c $((size / 100 * part)) "$T/stacks.core" >"$T/cut$part.core"
    explain "cut$part"
    frames=$(fact_of "cut$part" '[.threads[].frames | length] | add')
    json "explain-p1-files: cut to $part per cent: all threads, no frame of less, and it is said" "$T/cut$part.json" \
        '(.threads | length) == 100 and ([.threads[].frames | length] | add) >= $last
            and (.problems | any(contains("truncated")))' --argjson last "$last"
    last=$frames
done
# Never another function than the whole core has at that place of that thread.
wrong() { # NAME
    jq -n --slurpfile whole "$T/stacks.json" --slurpfile cut "$T/$1.json" '
        ($whole[0].threads | map({key: "\(.tid)", value: [.frames[].pc]}) | from_entries) as $known
        | [$cut[0].threads[] | . as $thread | .frames[] | select(.trust == "cfi")
            | select(.pc as $pc | $known["\($thread.tid)"] | index($pc) | not)] | length'
}
is "explain-p1-files: no frame of a cut core that is not marked as a guess is wrong" \
    "$(wrong cut25) $(wrong cut50) $(wrong cut75) $(wrong cut95)" "0 0 0 0"
finish
