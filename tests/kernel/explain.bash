# SPDX-License-Identifier: GPL-2.0-or-later
# explain.bash - for the tests of backtraces: victims that are built here, their plain kernel cores,
# and their stacks as one line. Sourced after lib.sh.
# shellcheck shell=bash

EXPLAIN=$top_srcdir/tests/victims/explain
RUSTC=$(command -v rustc || ls /root/.cargo/bin/rustc 2>/dev/null)

# Whether a compiler is there; says once what is not.
has() { # COMMAND
    command -v "$1" >/dev/null && return
    note "$1 is not installed: what it would build is left out"
    return 1
}

build() { # NAME COMMAND…: the command gets -o $T/NAME
    local name=$1
    shift
    "$@" -o "$T/$name" >"$T/$name.log" 2>&1 && return
    note "$name was not built: $(tail -n 3 "$T/$name.log")"
    return 1
}

# Runs a command until it is dead; leaves its core as $T/NAME.core. Inside with_plain_cores only.
core_of() { # NAME COMMAND…
    local name=$1 found
    shift
    (
        ulimit -c unlimited
        ulimit -s 8192
        exec "$@"
    ) >/dev/null 2>&1
    found=("$T"/kernel-core.*)
    [ -f "${found[0]}" ] && mv "${found[0]}" "$T/$name.core"
}

# Runs a function while the kernel writes cores as files.
with_plain_cores() { # COMMAND…
    pattern_take 0 '' "$T/kernel-core.%P" 0
    "$@" 2>/dev/null # bash tells of each death
    pattern_give_back
}

# The report of a core, in $T/NAME.json.
explain() { # NAME [CORE]
    "$BIN/inquest" bt --json --all "${2:-$T/$1.core}" >"$T/$1.json" 2>"$T/$1.stderr"
    local status=$?
    [ $status = 0 ] || [ $status = 3 ] || note "$1: exit $status: $(cat "$T/$1.stderr")"
}

# The crashing stack as one line of function names up to main: those that match a pattern, each
# once in a row, guessed ones with their trust behind a "!".
stack_of() { # NAME PATTERN
    jq -r --arg pattern "$2" '
        def short: sub("\\[clone .*"; "") | gsub("\\(anonymous namespace\\)"; "{anon}")
            | until((test("<[^<>]*>") | not) or startswith("<signal"); gsub("<[^<>]*>"; ""))
            | until((test("\\([^()]*\\)") | not); gsub("\\([^()]*\\)"; "")) | sub("( const)+$"; "");
        [.threads[0].frames[]
            | select((.function // "??") | short | test($pattern))
            | ((.function // "??") | short)
                + (if .trust | . == "registers" or . == "cfi" or . == "signal" then "" else "!" + .trust end)]
        | reduce .[] as $name ([]; if .[-1] == $name then . else . + [$name] end)
        | (index("main") // (length - 1)) as $last | .[:$last + 1] | join(" ")' "$T/$1.json"
}

fact_of() { # NAME JQ-FILTER
    jq -r "$2" "$T/$1.json"
}
