#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p7-equal - what is taken from a process's memory is what the kernel sends through the pipe,
# for every kind of mapping: one handler takes one crash both ways and compares.
. "$(dirname "$0")/../lib.sh"
needs_kernel

cp "$TOOLS/letgo-compare" "$BIN/"
[ -z "$VALGRIND" ] || under_valgrind letgo-compare
mkdir "$T/out"

# Crashes a victim; its line is in $T/compared.TAG afterwards.
compare() { # TAG PROGRAM [ARGUMENT…]
    local tag=$1 pid until
    crash "$@"
    pid=$(said "$tag" pid)
    until=$((SECONDS + 20 * PATIENCE))
    [ "${pid:-null}" != null ] || until=0 # there was no victim: the lock is not held for that
    until [ -e "$T/out/compared.$pid" ] || [ $SECONDS -ge $until ]; do
        sleep 0.02
    done
    mv "$T/out/compared.$pid" "$T/compared.$tag" 2>/dev/null || echo "none hung" >"$T/compared.$tag"
}

verdict() { # TAG: layout and verdict
    cut -d' ' -f1,2 "$T/compared.$1"
}

is_same() { # TAG LAYOUT
    if [ "$(verdict "$1")" = "$2 same" ]; then
        pass "letgo-p7-equal: $1: layout $2, the same"
    else
        fail "letgo-p7-equal: $1: layout $2, the same" "$(cat "$T/compared.$1")"
    fi
}

# Each kind by itself, so that a difference has a name.
KINDS="untouched scattered zero-page no-access exec-only huge-transparent huge-private huge-shared
shared-anonymous memfd-shared memfd-private system-v file-private file-cut dev-zero
userfault-private userfault-shared not-dumped guarded freed protection-key paged-out aio-ring threads"

# Huge pages have to be set aside beforehand.
HUGE=/proc/sys/vm/nr_hugepages
huge_before=$(cat $HUGE)
finally eval "echo $huge_before >$HUGE"

compare_all() {
    echo 16 >$HUGE
    for kind in $KINDS; do
        compare "$kind" "$VICTIMS/kinds" "$kind"
    done
    compare everything "$VICTIMS/kinds"
    compare python /usr/bin/python3 "$top_srcdir/tests/victims/crash.py"
    compare threads40 "$VICTIMS/threads" 40
    compare mixed "$VICTIMS/memory" 64 mixed
    compare hole "$VICTIMS/memory" 1500 untouched
}
pattern_take 1024 '' "|$BIN/${UNDER}letgo-compare $T/out %P" 2
compare_all
pattern_give_back
echo "$huge_before" >$HUGE

for tag in $KINDS everything; do
    missing=$(grep -c "^kinds: no $tag here" "$T/stderr.$tag")
    if [ "$missing" != 0 ]; then
        skip "letgo-p7-equal: $tag: layout kernel, the same" "this machine has no such memory"
    else
        is_same "$tag" kernel
    fi
done
is_same python kernel
is_same threads40 kernel
is_same mixed kernel
is_same hole sparse

compare_mappings() {
    compare mappings "$VICTIMS/mappings" 70000
}
pattern_take 1024 80000 "|$BIN/${UNDER}letgo-compare $T/out %P" 2
compare_mappings
pattern_give_back
is_same mappings kernel
finish
