# SPDX-License-Identifier: GPL-2.0-or-later
# style.sh - the tree as it is meant to be read: formatted, licensed, without functions that are
# banned and files that are too long; its shell scripts as shellcheck likes them.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top_srcdir" || exit 1
count=0

# A check is a function that prints what is wrong.
check() { # NAME FUNCTION
    local wrong
    wrong=$("$2")
    count=$((count + 1))
    if [ -z "$wrong" ]; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        head -n 60 <<<"$wrong" | sed 's/^/# /'
    fi
}
check_with() { # PROGRAM NAME FUNCTION
    if command -v "$1" >/dev/null; then
        check "$2" "$3"
    else
        count=$((count + 1))
        echo "ok $count - $2 # SKIP $1 is not installed"
    fi
}

sources() {
    find analyzer bench cli hook store tests -name '*.[ch]' | sort
}
programs() { # what is shipped, not the tests
    sources | grep -v '^tests/'
}
scripts() {
    {
        find tests bench -name '*.sh'
        ls quickstart runtests .ci/run 2>/dev/null
    } | sort
}

unformatted() {
    sources | xargs clang-format --dry-run -Werror 2>&1 | grep 'error:' | cut -d: -f1 | sort | uniq -c
}

# Functions with a bounded or thread-safe sibling, and numbers that don't say when they are none.
banned() {
    local names='strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|localtime|gmtime'
    names+='|ctime|asctime|tmpnam|tempnam|mktemp|system|popen|alloca'
    programs | xargs grep -nE "(^|[^_a-zA-Z0-9.>\"\`/*])($names)\("
}

unlicensed() {
    sources | while read -r file; do
        head -n 1 "$file" | grep -q '^/\* SPDX-License-Identifier: ' || echo "$file"
    done
    {
        scripts
        find . -name '*.mk' -not -path './build/*'
        ls Makefile.am configure.ac
    } | while read -r file; do
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ' || echo "$file"
    done
}

too_long() {
    programs | xargs wc -l | awk '$1 >= 700 && $2 != "total"'
}

# Arrows point one way: see the README of each folder.
wrong_arrows() {
    grep -snE '#include "(hook|analyzer|cli)/' store/*.[ch] store/base/*.[ch]
    grep -snE '#include "store/[a-z_]*\.h"' store/base/*.[ch]
    grep -snE '#include "(analyzer|cli)/' hook/*.[ch]
    grep -snE '#include "(hook|cli)/' analyzer/*.[ch]
    grep -snE '#include [<"](sqlite3|elfutils|dwarf|jansson)' hook/*.[ch]
    grep -snE '#include "(hook|analyzer)/' cli/*.[ch]
}

# Tests have no #! line, since make runs them: they are bash. The three that are left out take a local
# array of lib.sh for a variable of the test, and the environment for unset.
bad_shell() {
    local file
    scripts | while read -r file; do
        if [ "$(head -c 2 "$file")" = '#!' ]; then
            shellcheck -x -S warning -e SC2154,SC2178,SC2128 -f gcc "$file"
        else
            shellcheck -x -S warning -e SC2154,SC2178,SC2128 -s bash -f gcc "$file"
        fi
    done
}

# A promise that names a test that isn't there is none.
untested_promises() {
    grep -oE '(collect|explain|letgo|trust)-p[0-9]+-[a-z0-9-]+' SECURITY.md | sort -u |
        while read -r name; do
            find tests -name "$name.sh" | grep -q . || grep -rqs --include='*.sh' "$name" tests ||
                echo "SECURITY.md names $name, and there is no such test"
        done
}

# A test that make check doesn't know is none.
forgotten_tests() {
    find tests -name '*.sh' -exec grep -lE '^finish$' {} + | while read -r file; do
        cat tests/local.mk tests/*/local.mk | grep -qF "$file" || echo "$file"
    done
}

check_with clang-format "C files are formatted (clang-format -i)" unformatted
check "no banned functions" banned
check "files say their licence at the top" unlicensed
check "no C file has 700 lines" too_long
check "includes point one way" wrong_arrows
check "make check runs every test" forgotten_tests
check "SECURITY.md names tests that exist" untested_promises
check_with shellcheck "shell scripts pass shellcheck" bad_shell
echo "1..$count"
