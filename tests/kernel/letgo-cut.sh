#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-cut - the dump of a record that was cut anywhere is a valid core in which gdb finds every
# thread's stack: what is left of the content, with the stacks that were kept apart.
. "$(dirname "$0")/../lib.sh"
needs_kernel
command -v gdb >/dev/null || skip_all "gdb is not installed"
config_to_collect

with_hook crash threads "$VICTIMS/threads" 12
wait_listed threads || bail "the crash is not listed"
wait_idle
record=$(record_of threads)
id=$(listed threads id)
cp "$record" "$T/whole.core.zst"
size=$(stat -c %s "$record")

# The functions of each thread's stack, in the order of threads.
stacks() { # CORE
    gdb -q -batch -nx -iex 'set debuginfod enabled off' -ex 'thread apply all bt' \
        "$VICTIMS/threads" "$1" 2>/dev/null |
        sed -n 's/^Thread .*LWP \([0-9]*\).*/thread \1/p; s/^#\([0-9]*\) .*\(in \| \)\([a-z_A-Z0-9]*\) (.*/\1 \3/p'
}

inquest dump -q "$id" -o "$T/core"
stacks "$T/core" >"$T/expected"
is "gdb finds all threads in the whole core" "$(grep -c '^thread' "$T/expected")" 13

# Where the skippable frame at OFFSET ends.
frame_end() { # FILE OFFSET
    echo $(($2 + 8 + $(od -An -tu4 -j $(($2 + 4)) -N 4 "$1")))
}
# The facts come first, then the stacks: what follows is the content, and is cut.
start=$(frame_end "$record" "$(frame_end "$record" 0)")

for percent in 5 25 50 75 95; do
    new_store
    head -c $((start + (size - start) * percent / 100)) "$T/whole.core.zst" >"$STORE/new/$id.core.zst.part"
    keeper >"$T/keeper" 2>&1
    is "cut at $percent %: listed as truncated" "$(inquest list -F core)" truncated
    inquest dump -q -o "$T/core"
    is "cut at $percent %: dump is partial" $? 3
    stacks "$T/core" >"$T/got"
    ok "cut at $percent %: gdb finds every stack as in the whole core" \
        diff "$T/expected" "$T/got"
done

# A budget that took the content leaves the stacks.
new_store
mkdir -m 750 "$STORE/crashes/0"
cp "$T/whole.core.zst" "$STORE/new/$id.core.zst"
touch -d '2 days ago' "$STORE/new/$id.core.zst"
printf '[store]\ncore_age = 1ms\n[analyze]\nauto = no\n' | config
keeper >"$T/keeper" 2>&1
is "pruned: listed so" "$(inquest list -F core)" pruned
inquest dump -q -o "$T/core"
is "pruned: dump is partial" $? 3
stacks "$T/core" >"$T/got"
ok "pruned: gdb finds every stack as in the whole core" diff "$T/expected" "$T/got"
finish
