#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# render-golden.sh - each renderer, over reports of each kind, prints exactly what lies beside them.
# After a wanted change: RENDER_ACCEPT=1 tests/cli/render-golden.sh, and look at the difference.
set -u
export LC_ALL=C TZ=UTC
top_builddir=${top_builddir:-$PWD}
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
reports=$top_srcdir/tests/data/reports
render=$top_builddir/render
T=$(mktemp -d) && cd "$T" || exit 1
trap 'rm -rf "$T"' EXIT
n=0

check() { # NAME FORMAT REPORT [OPTION…]
    local name=$1 format=$2 report=$3 facts='' got
    shift 3
    [ -f "$reports/$report.facts" ] && facts=$reports/$report.facts
    got=$("$render" "$format" "$reports/$report.json" "$facts" "$@"; echo "exit $?")
    # The version is the build's.
    [ "$format" != ureport ] || got=$(sed '/"reporter"/,/}/s/"version": ".*"/"version": "X"/' <<<"$got")
    [ -z "${RENDER_ACCEPT:-}" ] || printf '%s\n' "$got" >"$reports/expected/$name"
    n=$((n + 1))
    if diff -u "$reports/expected/$name" - <<<"$got" >"$name.diff" 2>&1; then
        echo "ok $n - render $name"
        rm -f "$name.diff"
    else
        echo "not ok $n - render $name"
        sed 's/^/# /' "$name.diff"
    fi
}

for report in teapot deep recursion bare assert cxx hostile; do
    check "$report.text" text "$report"
    check "$report.json" json "$report"
    check "$report.markdown" markdown "$report"
done
check teapot.html html teapot
check hostile.html html hostile
check bare.html html bare
check recursion.html html recursion
check recursion-all.text text recursion all
check teapot.ureport ureport teapot
check bare.ureport ureport bare
check teapot-all.text text teapot all registers
check teapot-thread.text text teapot thread=worker frames=2
check teapot-tid.json json teapot thread=4300
check teapot-frames.text text teapot frames=3
echo "1..$n"
