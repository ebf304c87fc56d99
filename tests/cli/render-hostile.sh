#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# render-hostile.sh - names with escape sequences, HTML, markdown and invalid UTF-8 do no harm: no
# control character leaves raw, no element or attribute is theirs, JSON keeps their bytes.
set -u
export LC_ALL=C
top_builddir=${top_builddir:-$PWD}
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
reports=$top_srcdir/tests/data/reports
render=$top_builddir/render
T=$(mktemp -d) && cd "$T" || exit 1
trap 'rm -rf "$T"' EXIT
n=0

report() { # RESULT NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

print() { # FORMAT [OPTION…]
    local format=$1
    shift
    "$render" "$format" "$reports/hostile.json" "$reports/hostile.facts" "$@"
}

for format in text markdown html json ureport; do
    print "$format" all registers >"hostile.$format"
    report $? "explain-p5-hostile: $format is rendered"
    ! grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "hostile.$format"
    report $? "explain-p5-hostile: no control character in $format"
    iconv -f UTF-8 -t UTF-16 "hostile.$format" >/dev/null
    report $? "explain-p5-hostile: $format is UTF-8"
    ! LC_ALL=C.UTF-8 grep -qP '[\x{80}-\x{9f}\x{2028}\x{202a}-\x{202e}\x{2066}-\x{2069}]' \
        <(case $format in json | ureport) ;; *) cat "hostile.$format" ;; esac)
    report $? "explain-p5-hostile: nothing turns the direction of text in $format"
done

# Elements and attributes are those of a tame report: what the victim wrote is text.
elements() {
    grep -oP '<[a-zA-Z][^>]*>' "$1" | sed 's/="[^"]*"//g' | tr ' ' '\n' | sort -u
}
"$render" html "$reports/teapot.json" "$reports/teapot.facts" >tame.html
diff <(elements tame.html) <(elements hostile.html) | grep '^>' >new-elements
! grep -qE 'script|img|svg|style|onerror|onload|href|src' new-elements
report $? "explain-p5-hostile: HTML has no element of the victim's"

grep -q "default-src 'none'" hostile.html
report $? "explain-p5-hostile: the page forbids itself scripts and requests"

# Outside of code spans and blocks, markdown has nothing of the victim's unescaped.
outside=$(awk '/^```/ { code = !code; next } !code' hostile.markdown |
    sed -E 's/(`+)[^`]([^`]|`{1,3}[^`])*\1//g; s/\\[][\\`*_<>#|&~]//g')
! grep -qE '<script|<img|<style|\]\(' <<<"$outside"
report $? "explain-p5-hostile: markdown has no HTML or link of the victim's"

python3 - hostile.json <<'PYTHON'
import base64, json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
frame = report["threads"][0]["frames"][2]
assert frame["function"] == "caf\ufffd\ufffd\x1b[2J", frame
assert base64.b64decode(frame["function_b64"]) == b"caf\xe9\xff\x1b[2J", frame
PYTHON
report $? "explain-p5-hostile: JSON has the bytes of a name that is no UTF-8"
echo "1..$n"
