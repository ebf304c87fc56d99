#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p3-bytes - the core that is given back is the one that the kernel sent, byte for byte. A
# handler before the hook keeps what comes through the kernel's pipe.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

crash_all() {
    crash small "$VICTIMS/signals" SEGV
    crash threads "$VICTIMS/threads" 12
    crash mixed "$VICTIMS/memory" 24 mixed
    crash text "$VICTIMS/memory" 5 text
    crash untouched "$VICTIMS/memory" 256 untouched
    crash zero "$VICTIMS/memory" 64 zero
    crash python /usr/bin/python3 "$top_srcdir/tests/victims/crash.py"
    crash aborted "$VICTIMS/signals" ABRT
}

crash_mappings() {
    crash mappings "$VICTIMS/mappings" 70000
}

same_bytes() { # TAG
    local tag=$1 sent
    sent=$T/sent.$(said "$tag" pid)
    if ! wait_listed "$tag"; then
        fail "collect-p3-$tag: listed"
        return
    fi
    is "collect-p3-$tag: whole, of the size that was sent" \
        "$(listed "$tag" core) $(listed "$tag" core_size)" "full $(stat -c %s "$sent")"
    inquest dump "$(listed "$tag" id)" >"$T/dumped"
    ok "collect-p3-$tag: dump gives what the kernel sent" cmp "$sent" "$T/dumped"
    zstd -dcq "$(record_of "$tag")" >"$T/dumped"
    ok "collect-p3-$tag: so does zstd -dc" cmp "$sent" "$T/dumped"
    rm "$T/dumped"
}

TAGS="small threads mixed text untouched zero python aborted"
with_hook -b tee crash_all
for tag in $TAGS; do
    same_bytes "$tag"
done

inquest dump "$(listed threads id)" -o "$T/threads.core"
ok "collect-p3-readelf: it is a core without a fault" \
    bash -c "readelf -aW '$T/threads.core' 2>&1 | tee '$T/readelf' | grep -q 'CORE (Core file)' &&
        ! grep -E 'readelf: (Warning|Error)' '$T/readelf'"
gdb -batch -nx -ex 'info threads' -ex bt "$VICTIMS/threads" "$T/threads.core" >"$T/gdb" 2>&1
is "collect-p3-gdb: it shows all threads" \
    "$(grep -cE '^[* ] +[0-9]+ +(Thread|LWP)' "$T/gdb")" 13
ok "collect-p3-gdb: and where it crashed" grep -qE 'fault_segv|victim_faults' "$T/gdb"

holes() { # TAG: what its core takes on disk, of what it measures
    inquest dump "$(listed "$1" id)" -o "$T/$1.core"
    ok "collect-p3-holes: dump -o $1 is the same core" \
        cmp "$T/$1.core" "$T/sent.$(said "$1" pid)"
    ok "collect-p3-holes: the zeros of $1 take no disk" \
        test "$(stat -c '%b' "$T/$1.core")" -lt $(($(stat -c %s "$T/$1.core") / 512 / 10))
    rm "$T/$1.core"
}
holes untouched
holes zero

rm -f "$T"/sent.*
with_hook -b tee -m 80000 crash_mappings
same_bytes mappings
inquest dump "$(listed mappings id)" -o "$T/mappings.core"
ok "collect-p3-mappings: gdb opens 70,000 segments" bash -c "gdb -batch -nx -ex bt \
    '$VICTIMS/mappings' '$T/mappings.core' 2>&1 | grep -E 'fault_segv|victim_faults'"
finish
