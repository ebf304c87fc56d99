# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh - cppcheck, gcc's analyzer and clang-tidy over all our C: `make lint` prints every remark
# that is not argued away, and fails if there is one.
#
#   bash tests/lint.sh PREPROCESSOR-FLAG…       from the top of the source
#
# An exception stands where it is made, with its reason: beside the line of code (`cppcheck-suppress`,
# `NOLINT`), or for all the code below and in .clang-tidy.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top_srcdir" || exit 1
flags=("$@")
failed=0

sources() { # without the programs that die on purpose
    find analyzer bench cli hook store tests -name '*.c' \
        -not -path 'tests/victims/*' -not -path '*/victim.c' | sort
}

# Runs a command on each source, several at a time; fails if one fails or says something.
on_each() { # COMMAND…
    # shellcheck disable=SC2016
    sources | xargs -P "$(nproc)" -I FILE sh -c '
        said=$("$@" 2>&1) && [ -z "$said" ] || { printf "%s\n" "$said"; exit 1; }' sh "$@"
}

look_with_cppcheck() {
    local without=(
        # Doesn't know __attribute__((cleanup)): what is freed or read by it leaks or is unread.
        memleak resourceLeak unreadVariable
        # Forget that a call with a variable's address sets it. gcc and clang look for the same.
        knownConditionTrueFalse badBitmaskCheck uninitvar uninitStructMember
        # gcc -Wshadow looks for it, but not for what is declared further down.
        shadowVariable
        # Layouts of the kernel and of files are written out, used or not.
        unusedStructMember
        # glibc says of readdir_r() not to use it; the others are called where there is one thread.
        readdirCalled getpwuidCalled strtokCalled
        # Will be there as long as Linux has C.
        usleepCalled
        # Taste: it would have even static buffers in the innermost block, and no word in an empty loop.
        variableScope redundantContinue
        # Children of tests open 0, 1 and 2 in a row; raise(SIGSTOP) comes back.
        leakReturnValNotUsed:tests/kernel/* unreachableCode:tests/unit/*
    )
    # shellcheck disable=SC2046
    cppcheck -q -j "$(nproc)" --error-exitcode=1 --inline-suppr --library=posix,gnu \
        --enable=warning,style,performance,portability "${without[@]/#/--suppress=}" "${flags[@]}" \
        --include="$(pkg-config --variable=includedir jansson)/jansson.h" $(sources) 2>&1
}

look_with_gcc() {
    local without=(
        # Forgets memory whose address was stored through a pointer that it doesn't know.
        -Wno-analyzer-malloc-leak
    )
    on_each gcc -std=gnu11 -fanalyzer "${without[@]}" "${flags[@]}" -S -o /dev/null FILE
}

# One file at a time: version 14 mixes up the va_lists of several.
look_with_clang_tidy() {
    on_each sh -c '"$@" 2>/dev/null' sh clang-tidy --quiet FILE -- -std=gnu11 "${flags[@]}"
}

for tool in ${LINT_TOOLS:-cppcheck gcc clang_tidy}; do
    if ! command -v "${tool/_/-}" >/dev/null; then
        echo "== ${tool/_/-} is not installed"
        failed=1
        continue
    fi
    echo "== $("${tool/_/-}" --version | grep -iE -m 1 'version|gcc|cppcheck')"
    SECONDS=0
    if "look_with_$tool"; then echo "   clean, $SECONDS s"; else failed=1; fi
done
exit $failed
