#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p3-speed - what a backtrace costs, beside eu-stack on the same cores: many threads, much
# debug information, a stored core of two sizes. Bounds are ratios, or several times what is usual.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"

# Milliseconds of the fastest of three runs.
milliseconds() { # COMMAND…
    local best= start end run
    for run in 1 2 3; do
        start=${EPOCHREALTIME/./}
        "$@" >/dev/null 2>&1
        end=${EPOCHREALTIME/./}
        [ -n "$best" ] && [ $best -le $((end - start)) ] || best=$((end - start))
    done
    echo $((best / 1000))
}

# A program of N units of templates: debug information by the megabyte.
generate() { # N
    local unit
    mkdir "$T/units"
    for ((unit = 0; unit < $1; unit++)); do
        cat >"$T/units/$unit.cc" <<END
#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
int down$((unit + 1))(int);
int down$unit(int depth)
{
    std::map<std::string, std::vector<int>> map;
    std::unordered_map<int, std::string> other;
    other[depth] = std::regex_replace(std::string("a"), std::regex("b"), "c");
    map["x"].push_back(depth);
    std::function<int(int)> next = [&](int value) { return down$((unit + 1))(value) + map.size(); };
    return next(depth + 1) + other.size();
}
END
    done
    printf 'int down%d(int) { *(volatile int *)8 = 1; return 0; }\nint down0(int);\nint main() { return down0(0); }\n' \
        "$1" >"$T/units/last.cc"
}
has g++ && generate 12 &&
    (cd "$T/units" && printf '%s\n' *.cc | xargs -P 2 -n 1 g++ -std=c++17 -g3 -O1 -c) >"$T/units.log" 2>&1 &&
    g++ -o "$T/units/program" "$T"/units/*.o

build stacks gcc -g -O1 -pthread "$EXPLAIN/stacks.c" || bail "not built"
crash_all() {
    core_of stacks "$T/stacks" 500 44
    [ -x "$T/units/program" ] && core_of units "$T/units/program"
}
with_plain_cores crash_all

explain stacks
is "explain-p3-speed: 500 threads have 46 frames and more each, inlined calls and lines among them" \
    "$(fact_of stacks '[.threads[] | select((.frames | length) < 46)] | length') $(
        fact_of stacks '[.threads[].frames[] | select(.inlined and .line == null)] | length')" "0 0"
took=$(milliseconds "$BIN/inquest" bt --json --all "$T/stacks.core")
note "500 threads: $took ms (0.3 s on an idle machine)"
is "explain-p3-speed: 500 threads of 46 frames take less than a second, its JSON included" "$((took < 1000))" 1

if [ -f "$T/units.core" ]; then
    note "debug information: $(size -A "$T/units/program" | awk '/debug/ { sum += $2 } END { print int(sum / 1048576) }') MiB"
    explain units
    is "explain-p3-speed: its stack goes through all units" \
        "$(fact_of units '[.threads[0].frames[] | select(.function | . != null and test("^down[0-9]+\\("))] | length')" 13
    took=$(milliseconds "$BIN/inquest" bt --json "$T/units.core")
    if has eu-stack; then
        theirs=$(milliseconds eu-stack -i -s --core "$T/units.core" -e "$T/units/program")
        note "much debug information: $took ms, eu-stack $theirs ms"
        is "explain-p3-speed: much debug information takes less time than eu-stack's" "$((took < theirs))" 1
    else
        skip "explain-p3-speed: much debug information takes less time than eu-stack's" "no eu-stack"
    fi
else
    skip "explain-p3-speed: much debug information takes less time than eu-stack's" "no C++ compiler"
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
rm -f "$T/stacks.core" "$T/units.core"
inquest import --quiet "$T/small.core" "$T/large.core" >"$T/imported" 2>&1 || note "$(cat "$T/imported")"
rm -f "$T/large.core" "$T/small.core"
records=("$STORE"/crashes/*/*.core.zst)
mapfile -t records < <(ls -S "${records[@]}" 2>/dev/null)
if [ ${#records[@]} = 2 ]; then
    large=$(milliseconds "$BIN/inquest" bt --json "${records[0]}")
    small=$(milliseconds "$BIN/inquest" bt --json "${records[1]}")
    note "a stored core of 1 GiB: $large ms; of 16 MiB: $small ms"
    is "explain-p3-speed: a large stored core takes as long as a small one (less than twice, and 50 ms)" \
        "$((large < 2 * small + 50))" 1
else
    fail "explain-p3-speed: two records" "$(ls "$STORE"/crashes/*/)"
fi
finish
