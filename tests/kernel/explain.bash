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
# Its stack may grow to $STACK_KIB.
core_of() { # NAME COMMAND…
    local name=$1 found
    shift
    (
        ulimit -c unlimited
        ulimit -s "${STACK_KIB:-8192}"
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
    inquest bt --json --all "${2:-$T/$1.core}" >"$T/$1.json" 2>"$T/$1.stderr"
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

# What gdb has to say of cores, in one session: $T/NAME.gdb for each NAME, a line a frame, "FUNCTION
# FILE:LINE", of the crashing thread's first 60 frames up to main.
ask_gdb() { # PROGRAM NAME…
    local program=$1 name
    shift
    {
        printf '%s\n' 'set width 0' 'set height 0' 'set confirm off' 'set print address off' \
            'set print frame-arguments none' 'set filename-display basename' \
            'set debuginfod enabled off' "file $program"
        for name; do
            printf '%s\n' "core-file $T/$name.core" "echo ==== $name\\n" 'bt -past-main off 60' \
                'echo ====\n'
        done
    } >"$T/gdb.script"
    gdb -q -nx -batch -x "$T/gdb.script" >"$T/gdb.said" 2>/dev/null
    for name; do
        sed -n "/^==== $name\$/,/^====\$/p" "$T/gdb.said" | sed -n 's/^#[0-9]* *//p' | as_frames >"$T/$name.gdb"
    done
}

# gdb's lines as "FUNCTION FILE:LINE".
as_frames() {
    sed -E 's/^0x[0-9a-f]+ in //; s/ from [^ ]*$//; s/ at ([^ ]*)$/\t\1/; s/ \([^\t]*\)(\t|$)/\1/' |
        jq -rR 'split("\t") | "\(.[0] | '"$PLAIN_NAME"') \(.[1] // "-")"' | sed '/^main /q'
}

# A name without what debuggers do not agree on: parameters, template arguments, aliases.
PLAIN_NAME='sub("^__GI_"; "") | sub("@.*"; "") | sub("\\[clone .*"; "")
    | until((test("<[^<>]*>") | not) or startswith("<signal"); gsub("<[^<>]*>"; ""))
    | until(test("\\([^()]*\\)") | not; gsub("\\([^()]*\\)"; "")) | sub("( const)+$"; "")'

# The same of our report.
frames_of() { # NAME
    jq -r '.threads[0].frames[:60][] | "\(.function // "??" | '"$PLAIN_NAME"') \(
        if .file then "\(.file | sub(".*/"; "")):\(.line)" else "-" end)"' "$T/$1.json" | sed '/^main /q'
}
