#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# harness - whatever ends a test, core_pattern and its neighbours are put back and nothing is left.
. "$(dirname "$0")/../lib.sh"
needs_kernel

# Nobody may change them while they are read.
settings() {
    local name
    exec 8>>"$PATTERN_LOCK"
    [ "${1:-}" = anyway ] || flock -w 300 8 || bail "$PATTERN_LOCK is held"
    for name in "${SETTINGS[@]}"; do
        setting "$name"
    done
    exec 8>&-
}

# A test that sits there with the hook in core_pattern, until something ends it.
cat >"$T/inner.sh" <<END
. "$top_srcdir/tests/lib.sh"
sit() { cd "\$T"; echo "\$T" >"$T/inner.dir"; $TOOLS/crash -t 20 /bin/sleep 20 & wait; }
with_hook -l 7 -m 70123 sit
END

# A victim dies with its `crash`, and that with the test. These sit in the directory of theirs.
no_victim_in() { # DIR
    local cwd until=$((SECONDS + 5))
    for cwd in /proc/[0-9]*/cwd; do
        while [ "$(readlink "$cwd" 2>/dev/null)" = "$1" ]; do
            [ $SECONDS -lt $until ] || return 1
            sleep 0.05
        done
    done
}

inner_ends_by() { # SIGNAL
    local pid until=$((SECONDS + 60))
    rm -f "$T/inner.dir"
    # Whoever started us may ignore a signal (nohup), and then a shell cannot but ignore it.
    env --default-signal=TERM,HUP top_builddir="$top_builddir" top_srcdir="$top_srcdir" \
        bash "$T/inner.sh" >"$T/inner.out" 2>&1 &
    pid=$!
    until [ -s "$T/inner.dir" ] || [ $SECONDS -ge $until ]; do
        sleep 0.05
    done
    sat_with=$(settings anyway | tr '\n' ' ')
    kill -"$1" "$pid"
    wait "$pid" 2>/dev/null
    inner_dir=$(cat "$T/inner.dir")
}

untouched=$(settings)

# Not INT: bash has what it starts in the background ignore it, as POSIX wants.
for signal in TERM HUP KILL; do
    inner_ends_by $signal
    is "harness-$signal: the hook was in core_pattern" "${sat_with##*|}" \
        "$inner_dir/bin/${UNDER}inquest-hook -C $inner_dir/conf $SPECIFIERS 2 "
    is "harness-$signal: everything is put back" "$(settings)" "$untouched"
    ok "harness-$signal: its victims are gone" no_victim_in "$inner_dir"
    if [ $signal = KILL ]; then
        rm -rf "$inner_dir"
    else
        ok "harness-$signal: its directory is gone" test ! -e "$inner_dir"
    fi
done
finish
