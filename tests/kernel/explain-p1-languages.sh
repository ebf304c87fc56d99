#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-languages - Go, python with debug symbols, Rust, D, and code that luajit made: the stacks are
# those that gdb has, or longer, and what is a guess says so.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel

GO=$(command -v go || ls /usr/lib/go-*/bin/go 2>/dev/null | tail -n 1)
PYTHON=/usr/bin/python3 # the distribution's: another one has no debug symbols
LUAJIT=$(command -v luajit)

cat >"$T/crash.py" <<'END'
import ctypes, json

def inner(depth):
    if depth:
        return inner(depth - 1)
    return json.loads('[1, 2]', parse_int=lambda text: ctypes.string_at(0))

inner(3)
END
# Hot enough to be compiled, then handed what it cannot read.
cat >"$T/crash.lua" <<'END'
local ffi = require('ffi')
local room = ffi.new('int[100]')
local function sum(cells)
    local total = 0
    for i = 0, 99 do total = total + cells[i] end
    return total
end
local all = 0
for round = 1, 1000 do all = all + sum(ffi.cast('int *', round < 900 and room or nil)) end
END

go_build() { # SOURCE OPTION…: go takes options first
    GOCACHE=$T/go.cache GO111MODULE=off HOME=$T "$GO" build "${@:2}" "$1"
}
go='' rust='' python='' luajit='' d=''
if [ -n "$GO" ]; then build go go_build "$EXPLAIN/panic.go" && go=yes; fi
if [ -n "$RUSTC" ]; then build rust "$RUSTC" -g -O -C panic=abort "$EXPLAIN/panic.rs" && rust=yes; fi
if has gdc; then build d gdc -g -O0 "$EXPLAIN/shelf.d" && d=yes; fi
[ -x $PYTHON ] && python=yes
[ -n "$LUAJIT" ] && luajit=yes
note "go: ${GO:-none}, rustc: ${RUSTC:-none}, python: ${python:-no}, luajit: ${luajit:-no}"

crash_all() {
    [ -z "$go" ] || GOTRACEBACK=crash core_of go "$T/go"
    [ -z "$rust" ] || core_of rust "$T/rust" pointer
    [ -z "$python" ] || core_of python $PYTHON "$T/crash.py"
    [ -z "$d" ] || core_of d "$T/d"
    [ -z "$luajit" ] || core_of luajit "$LUAJIT" "$T/crash.lua"
}
with_plain_cores crash_all
gdb=
has gdb && gdb=yes

if [ -n "$go" ]; then
    explain go
    is "explain-p1-languages: Go, through its signal handler to the goroutine's start" \
        "$(jq -r '[.threads[0].frames[] | select(.function // "" | test("^(main\\.|runtime.(sigpanic|main|goexit)$)"))
            | .function + (if .inlined then "!" else "" end)] | join(" ")' "$T/go.json")" \
        "runtime.sigpanic main.(*shelf).take main.(*shelf).take main.(*shelf).take main.(*shelf).take main.inlined! main.walk main.main runtime.main runtime.goexit"
    json "explain-p1-languages: Go, nothing is a guess, and every frame but trampolines has a line" "$T/go.json" \
        '.threads[0].frames | all(.trust | . == "registers" or . == "cfi" or . == "signal")
            and all(.line != null or (.function // "" | startswith("<signal")))'
fi
# gdb ends at Go's own way back from a signal handler, and makes frames of what follows.
if [ -n "$go" ] && [ -n "$gdb" ]; then
    ask_gdb "$T/go" go
    is "explain-p1-languages: Go, what gdb has above the signal handler is the same" \
        "$(frames_of go | head -n 5)" "$(head -n 5 "$T/go.gdb")"
fi

if [ -n "$python" ]; then
    explain python
    symbols=$(fact_of python '[.modules[] | select(.path | test("/python3[.0-9]*$")) | .symbols] | first')
    note "python's symbols: $symbols"
    json "explain-p1-languages: python, from libc to main" "$T/python.json" \
        '.threads[0] | .stop == "end" and ([.frames[].function // "" | select(test("^ffi_call$|^Py_BytesMain"))] | unique | length) == 2'
    if [ "$symbols" = dwarf ]; then
        json "explain-p1-languages: python, inlined calls with their lines" "$T/python.json" \
            '[.threads[0].frames[] | select(.inlined)] | length > 5 and all(.line != null)'
    fi
    if [ -n "$gdb" ] && [ "$symbols" = dwarf ]; then
        ask_gdb $PYTHON python
        is "explain-p1-languages: python, gdb has the same functions, files and lines" \
            "$(diff "$T/python.gdb" <(frames_of python))" ""
    fi
fi

# gdb writes Rust's names in another way; places and what is inlined are the same.
if [ -n "$rust" ] && [ -n "$gdb" ]; then
    explain rust
    ask_gdb "$T/rust" rust
    is "explain-p1-languages: Rust, gdb has the same files and lines down to main" \
        "$(sed '/^panic::main/q' "$T/rust.gdb" | sed 's/.* //')" \
        "$(frames_of rust | sed '/^panic::main/q' | sed 's/.* //')"
fi

# gdb shows most of these as they are mangled.
if [ -n "$d" ]; then
    explain d
    is "explain-p1-languages: D, names as its source has them, with their lines" \
        "$(jq -r '[.threads[0].frames[] | select(.file // "" | test("/shelf.d$")) | "\(.function):\(.line)"] | .[]' "$T/d.json")" \
        "shelf.Book!(int).Book.read(int[]):8
shelf.Reader.look(shelf.Book!(int).Book, const(char)[]):16
shelf.main(immutable(char)[][]).__lambda3(int):28
shelf.walk(int(int) delegate, int):22
shelf.walk(int(int) delegate, int):22
shelf.walk(int(int) delegate, int):22
D main:28"
fi

# What luajit compiled has no call frame information: from there on it is a guess, which says so, until
# functions come that have. gdb never gets to main.
if [ -n "$luajit" ]; then
    explain luajit
    json "explain-p1-languages: code that luajit made, a marked guess, and main" "$T/luajit.json" \
        '.threads[0].frames | .[0].module == null and .[1].trust == "scan" and any(.[]; .function == "main")'
fi
finish
