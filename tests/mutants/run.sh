#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh - breaks the code on purpose, one patch after the other, and sees that a test turns red.
#
#   tests/mutants/run.sh [NAME…]          all *.patch beside it, or those named, in a copy of the tree
#
# The text before a patch's first hunk says "What: …" and "Tests: …", the tests that are to notice:
# names as `make check TESTS=` takes them. A patch that no longer applies, or a mutant that doesn't
# build, is a failure too: it proves nothing. Prints TAP, and for each mutant what noticed it first.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top_srcdir=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

header() { # PATCH KEY
    sed -n "/^--- /q; s/^$2: //p" "$1"
}

copy_source() {
    mkdir -p "$work/src"
    tar -C "$top_srcdir" --exclude=.git --exclude=./build -cf - . | tar -C "$work/src" -xf -
}

build() {
    make -C "$work/build" -j"$(nproc)" >"$work/make.log" 2>&1
}

# Runs the tests; true if one of them fails.
turns_red() { # TESTS…
    ! make -C "$work/build" check "TESTS=$*" >"$work/check.log" 2>&1
}

what_noticed() {
    find "$work/build" -name '*.log' -newer "$work/started" \
        -exec sed -n 's/^not ok [0-9]* - //p; s/^ERROR: //p' {} + | head -1
}

tries=0
report() { # "ok" or "not ok", TEXT
    echo "$1 $((++tries)) - mutants: $2"
}

try() { # PATCH
    local name tests
    name=$(basename "$1" .patch)
    tests=$(header "$1" Tests)
    touch "$work/started"
    if ! patch -d "$work/src" -p1 -s -f --dry-run <"$1" >"$work/patch.log" 2>&1; then
        report "not ok" "$name no longer applies"
        sed 's/^/# /' "$work/patch.log"
        return
    fi
    patch -d "$work/src" -p1 -s <"$1"
    # shellcheck disable=SC2086
    if ! build; then
        report "not ok" "$name does not build"
        grep -m5 error "$work/make.log" | sed 's/^/# /' || true
    elif turns_red $tests; then
        report "ok" "$name: $(what_noticed)"
    else
        report "not ok" "$name survives: $(header "$1" What)"
    fi
    patch -d "$work/src" -p1 -s -R <"$1"
}

copy_source
[ -x "$work/src/configure" ] || (cd "$work/src" && autoreconf -fi >/dev/null 2>&1)
mkdir "$work/build"
(cd "$work/build" && ../src/configure -q CC="${CC:-cc}" >"$work/configure.log" 2>&1)
if ! build; then
    echo "Bail out! the tree itself does not build"
    tail -20 "$work/make.log" >&2
    exit 1
fi

patches=("$here"/*.patch)
if [ $# -gt 0 ]; then
    patches=("${@/#/$here/}")
    patches=("${patches[@]/%/.patch}")
fi
for patch in "${patches[@]}"; do
    try "$patch"
done
echo "1..$tries"
