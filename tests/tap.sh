#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tap.sh - prints each result of the last make check below the current directory as a line:
#
#   PASS|FAIL|SKIP|ERROR TEST: POINT [# SKIP REASON]
#
# The points are in the logs; what went wrong with a test as a whole is in the .trs files.
find . -name '*.trs' -not -path './fuzz/*' | sort | while read -r trs; do
    name=${trs#./}
    name=${name%.trs}
    awk -v name="$name" '
    /^(not )?ok( |$)/ {
        state = /# SKIP/ ? "SKIP" : /^not/ ? "FAIL" : "PASS"
        sub(/^(not )?ok *[0-9]* *-? */, "")
        print state, name ": " $0
    }
    /^1\.\.0 *# *SKIP/ {
        sub(/^1\.\.0 */, "")
        print "SKIP", name ": " $0
    }' "${trs%.trs}.log" 2>/dev/null
    sed -n "s|^:test-result: ERROR *|ERROR $name: |p" "$trs"
done
