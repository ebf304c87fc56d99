#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p5-hostile - cores that lie: changed notes, segments and stacks, endless call frame
# information, broken debug information, names with escape sequences. There is an error or a report,
# in time, in memory, and nothing raw on the terminal.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"
has python3 || bail "no python3"

build victim gcc -g -O1 -pthread "$EXPLAIN/faults.c" -w || bail "not built"
cp "$T/victim" "$T/broken"
cp "$T/victim" "$T/frames"
# A function whose name will be escape sequences and a line of its own.
cat >"$T/escape.s" <<'END'
    .globl main
    .type main, @function
main:
    .cfi_startproc
    subq $8, %rsp
    .cfi_def_cfa_offset 16
    call evil__0_owned___31m_name
    ret
    .cfi_endproc
    .size main, . - main
    .type evil__0_owned___31m_name, @function
evil__0_owned___31m_name:
    .cfi_startproc
    movl $1, 0
    ret
    .cfi_endproc
    .size evil__0_owned___31m_name, . - evil__0_owned___31m_name
END
build escape gcc "$T/escape.s"
LC_ALL=C sed -i 's,evil__0_owned___31m_name,evil\x1b]0;owned\x07\x1b[31m\nname,g' "$T/escape"
# Call frame information that always leads to the same frame, and one that eats no stack.
cat >"$T/endless.s" <<'END'
    .globl main
    .type main, @function
main:
    .cfi_startproc
    .cfi_escape 0x0f, 3, 0x77, 0, 0x06
    .cfi_escape 0x16, 16, 2, 0x80, 0
    movl $1, 0
    .cfi_endproc
    .size main, . - main
END
build endless gcc "$T/endless.s"

crash_all() {
    local name
    for name in victim broken frames; do
        core_of $name "$T/$name" recursion
    done
    core_of escape "$T/escape"
    core_of endless "$T/endless"
}
with_plain_cores crash_all

# Exit status, and that it took no longer than it may.
analyzed() { # CORE: prints "fine", or what was wrong
    local status
    timeout -k 1 $((20 * PATIENCE)) "$INQUEST" bt --json "$1" >"$T/out" 2>"$T/err"
    status=$?
    case $status in
    0 | 3) jq -e .threads "$T/out" >/dev/null 2>&1 && echo fine || echo "no JSON" ;;
    1 | 2) [ -s "$T/err" ] && echo fine || echo "failed without a word" ;;
    *) echo "exit $status" ;;
    esac
}

# Deterministic damage: byte changes among headers and notes, and all over.
python3 - "$T" <<'END'
import random, struct, sys
T = sys.argv[1]
core = open(T + "/victim.core", "rb").read()
phoff, = struct.unpack_from("<Q", core, 32)
phnum, = struct.unpack_from("<H", core, 56)
note = next(p for p in (struct.unpack_from("<IIQQQQQQ", core, phoff + 56 * i) for i in range(phnum)) if p[0] == 4)
head = note[2] + note[5]
rng = random.Random(20261122)
interesting = [0, 1, 0x7f, 0x80, 0xff]
for number in range(60):
    data = bytearray(core[:rng.choice([head, head + 8192, len(core)])])
    for _ in range(rng.choice([1, 4, 32])):
        at = rng.randrange(min(len(data), head) if number % 3 else len(data))
        data[at] = rng.choice(interesting + [rng.randrange(256)])
    if number % 5 == 0:  # a number of eight bytes
        struct.pack_into("<Q", data, rng.randrange(head - 8), rng.choice([2**64 - 1, 2**63, 2**31, 0, head]))
    open(f"{T}/changed.{number}", "wb").write(data)
END
wrong=
for core in "$T"/changed.*; do
    said=$(analyzed "$core")
    [ "$said" = fine ] || wrong+="${core##*/}: $said; "
    rm -f "$core"
done
is "explain-p5-hostile: 60 cores with changed headers and notes: an error or a report, each in time" "$wrong" ""

# The program's own debug information and call frame information changed, build-id kept.
python3 - "$T" <<'END'
import random, subprocess, sys
T = sys.argv[1]
def damage(path, sections, count, seed):
    data = bytearray(open(path, "rb").read())
    rng = random.Random(seed)
    for line in subprocess.run(["readelf", "-SW", path], capture_output=True, text=True).stdout.splitlines():
        words = line.replace("[ ", "[").split()
        if len(words) > 5 and words[1] in sections:
            offset, size = int(words[4], 16), int(words[5], 16)
            for _ in range(count):
                data[offset + rng.randrange(size)] = rng.randrange(256)
    open(path, "wb").write(data)
damage(T + "/broken", {".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_rnglists"}, 40, 1)
damage(T + "/frames", {".eh_frame", ".eh_frame_hdr"}, 40, 2)
END
is "explain-p5-hostile: broken debug information" "$(analyzed "$T/broken.core")" fine
explain broken
json "explain-p5-hostile: broken debug information costs names or lines, not frames" "$T/broken.json" \
    '.threads[0] | (.omitted + (.frames | length)) > 20000'
is "explain-p5-hostile: broken call frame information" "$(analyzed "$T/frames.core")" fine
is "explain-p5-hostile: call frame information without an end" "$(analyzed "$T/endless.core")" fine
explain endless
json "explain-p5-hostile: a frame that leads to itself ends the stack, and says so" "$T/endless.json" \
    '.threads[0] | (.frames | length) < 100 and (.stop | IN("repeat", "bad-pc", "no-memory", "no-cfi", "end"))'

explain escape
json "explain-p5-hostile: a name with escape sequences is kept in JSON" "$T/escape.json" \
    '.threads[0].frames[0].symbol | contains("\u001b]0;owned")'
"$INQUEST" bt --no-pager "$T/escape.core" >"$T/escape.text" 2>&1
is "explain-p5-hostile: and never raw in text" \
    "$(LC_ALL=C tr -d '\n\t\40-\176\200-\377' <"$T/escape.text" | wc -c) $(grep -c 'owned' "$T/escape.text")" "0 1"

# A link map that leads back to itself, seen when there is no list of files.
cat >"$T/cycle.c" <<'END'
#include <link.h>
extern struct r_debug _r_debug;
int main(void)
{
    struct link_map *map = _r_debug.r_map;
    while (map->l_next)
        map = map->l_next;
    map->l_next = _r_debug.r_map;
    *(volatile int *)8 = 1;
}
END
build cycle gcc -g -O0 "$T/cycle.c" -w
crash_cycle() {
    core_of cycle "$T/cycle"
}
with_plain_cores crash_cycle
python3 - "$T" <<'END'
import sys # NT_FILE becomes a note that nobody knows
path = sys.argv[1] + "/cycle.core"
data = open(path, "rb").read()
at = data.index(b"ELIF\5" b"\0\0\0") - 0 if b"ELIF\5" in data else data.index(b"ELIF")
data = data[:at] + b"XXXX" + data[at + 4:]
open(path, "wb").write(data)
END
is "explain-p5-hostile: a link map that is a circle" "$(analyzed "$T/cycle.core")" fine
explain cycle
json "explain-p5-hostile: modules come from the link map where there is no list of files" "$T/cycle.json" \
    '(.modules | any(.path | endswith("libc.so.6"))) and (.modules | length) < 10'

# Limits hold.
dd if=/dev/zero of="$T/zero.core" bs=1M count=0 seek=512 status=none
is "explain-p5-hostile: a file of zeros is no core" "$(analyzed "$T/zero.core")" fine
is "explain-p5-hostile: an empty file is none" "$(: >"$T/empty.core"; analyzed "$T/empty.core")" fine
is "explain-p5-hostile: nor is a program" "$(cp "$T/victim" "$T/program.core"; chmod -x "$T/program.core"; analyzed "$T/program.core")" fine
finish
