#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# points.sh - prints the numbered points of the plan, the tests named after them, and their results
# in the last run of make check below the current directory. Exits with 1 if a point has no test, or
# one that didn't pass.
set -u

{
    # How many points each part has.
    echo "points collect 7"
    echo "points explain 6"
    echo "points letgo 8"
    echo "points trust 6"
    sh "$(dirname "$0")/tap.sh"
} | awk '
$1 == "points" {
    parts[++part_count] = $2
    size[$2] = $3
    next
}
match($3, /^(collect|explain|letgo|trust)-p[0-9]+[^ :,]*/) {
    name = $3
    sub(/[:,]$/, "", name)
    point = name
    match(point, /^[a-z]+-p[0-9]+/)
    point = substr(point, 1, RLENGTH)
    if (!((point, name) in seen)) {
        seen[point, name] = 1
        names[point] = names[point] " " name
    }
    total[name]++
    if ($1 == "PASS")
        good[name]++
    else if ($1 == "SKIP")
        skipped[name]++
}
END {
    for (p = 1; p <= part_count; p++)
        for (n = 1; n <= size[parts[p]]; n++) {
            point = parts[p] "-p" n
            count = split(names[point], list, " ")
            if (count == 0) {
                printf "%-12s %-40s %s\n", point, "-", "NO TEST"
                open++
            }
            for (i = 1; i <= count; i++) {
                name = list[i]
                failed = total[name] - good[name] - skipped[name]
                result = failed ? "FAILED " failed " of " total[name] : good[name] ? "passed " good[name] : ""
                if (skipped[name])
                    result = result (result == "" ? "" : ", ") "skipped " skipped[name]
                printf "%-12s %-40s %s\n", point, name, result
                if (failed || !good[name])
                    open++
            }
        }
    if (open)
        printf "%d open\n", open
    exit open > 0
}'
