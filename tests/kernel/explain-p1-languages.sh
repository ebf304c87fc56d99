#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-languages - Go, python with debug symbols, Rust, and code that luajit made: the stacks are
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

[ -n "$GO" ] && GOCACHE=$T/go GO111MODULE=off HOME=$T \
    build panic-go "$GO" build "$EXPLAIN/panic.go" # its -o comes last, which it does not take
