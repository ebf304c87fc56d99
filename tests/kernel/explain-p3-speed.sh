#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p3-speed - what a backtrace costs, beside eu-stack on the same cores: many threads, much
# debug information, a stored core of two sizes. Times are told, not judged; what is judged is the
# work: the frames that come of it, the bytes that are read.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"
needs_no_valgrind "what a backtrace costs is seen in an ordinary build"

# Milliseconds of processor time, its children's too, of the fastest of three runs: what else the
# machine does hardly shows in it.
milliseconds() { # COMMAND…
    local best='' took _ TIMEFORMAT='%3U %3S'
    for _ in 1 2 3; do
        took=$({ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print int(($1 + $2) * 1000) }')
        [ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
    done
    echo "$best"
}

# The bytes that a command and its children read.
bytes_read() { # COMMAND…
    strace -f -qq -e trace=read,pread64 -o "$T/reads" "$@" >/dev/null 2>&1
    awk '$NF > 0 { sum += $NF } END { print sum + 0 }' "$T/reads"
}

# One unit of 10,000 functions, 60 of which call each other: what libdw's own look-ups scan for each
# address.
{
    echo 'volatile int zero;'
    for ((number = 0; number < 10000; number++)); do
        printf 'int f%d(int); static inline int i%d(int x) { return f%d(x + zero) + zero; }\n' \
            $((number + 167)) $number $((number + 167))
        printf 'int f%d(int x) { int local = x; return i%d(local) + zero; }\n' $number $number
    done
    for ((number = 10000; number < 10167; number++)); do
        printf 'int f%d(int x) { return *(volatile int *)8 + x; }\n' $number
    done
    echo 'int main(void) { return f0(zero) + zero; }'
} >"$T/unit.c"
build unit gcc -g -O1 -fno-optimize-sibling-calls "$T/unit.c" -w || bail "not built"

build stacks gcc -g -O1 -pthread "$EXPLAIN/stacks.c" || bail "not built"
crash_all() {
    core_of stacks "$T/stacks" 500 44
    core_of unit "$T/unit"
}
with_plain_cores crash_all

explain stacks
is "explain-p3-speed: 500 threads have 46 frames and more each, inlined calls and lines among them" \
    "$(fact_of stacks '[.threads[] | select((.frames | length) < 46)] | length') $(
        fact_of stacks '[.threads[].frames[] | select(.inlined and .line == null)] | length')" "0 0"
took=$(milliseconds "$BIN/inquest" bt --json --all "$T/stacks.core")
note "500 threads: $took ms"

explain unit
is "explain-p3-speed: 60 functions of one large unit, and what was inlined into them" \
    "$(fact_of unit '[.threads[0].frames[] | select(.function | . != null and test("^[fi][0-9]+$")) | .inlined]
        | "\(map(select(.)) | length) \(length)"')" "61 121"
took=$(milliseconds "$BIN/inquest" bt --json "$T/unit.core")
if has eu-stack; then
    theirs=$(milliseconds eu-stack -i -s --core "$T/unit.core" -e "$T/unit")
    note "one unit of 10,000 functions: $took ms, eu-stack $theirs ms"
fi

# A stored core of 1 GiB of memory beside one of 16 MiB: what a backtrace reads is the same.
cat >"$T/large.c" <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *idle(void *argument) { pause(); return argument; }
int main(int argc, char **argv)
{
    size_t size = (size_t)atoi(argv[1]) << 20;
    unsigned *memory = malloc(size), seed = argc;
    for (size_t i = 0; i < size / sizeof(*memory); i++)
        memory[i] = i % 8 ? i : (seed = seed * 1664525 + 1013904223);
    pthread_t thread;
    for (int i = 0; i < 16; i++)
        pthread_create(&thread, NULL, idle, NULL);
    usleep(20000);
    *(volatile int *)8 = (int)memory[7];
}
END
build large gcc -g -O2 -pthread "$T/large.c" || bail "not built"
crash_large() {
    core_of small "$T/large" 16
    core_of large "$T/large" 1024
}
with_plain_cores crash_large
rm -f "$T/stacks.core"
inquest import --quiet "$T/small.core" "$T/large.core" >"$T/imported" 2>&1 || note "$(cat "$T/imported")"
rm -f "$T/large.core" "$T/small.core"
records=("$STORE"/crashes/*/*.core.zst)
mapfile -t records < <(ls -S "${records[@]}" 2>/dev/null)
if [ ${#records[@]} = 2 ]; then
    note "a stored core of 1 GiB: $(milliseconds "$BIN/inquest" bt --json "${records[0]}") ms;" \
        "of 16 MiB: $(milliseconds "$BIN/inquest" bt --json "${records[1]}") ms"
    large=$(bytes_read "$BIN/inquest" bt --json "${records[0]}")
    small=$(bytes_read "$BIN/inquest" bt --json "${records[1]}")
    note "bytes read: $large and $small"
    is "explain-p3-speed: of a large stored core as little is read as of a small one" \
        "$((small > 0 && large < 2 * small))" 1
else
    fail "explain-p3-speed: two records" "$(ls "$STORE"/crashes/*/)"
fi
finish
