# SPDX-License-Identifier: GPL-2.0-or-later
# store.sh - a store of imported cores, for the tests of the command; sourced behind lib.sh.
# shellcheck shell=bash

MAKE_CORE=$top_builddir/make-core

# Makes a core, dated TIME (a date for touch), and imports it. See make-core.c for the arguments.
import_core() { # TIME [KEY=VALUE…]
    local time=$1
    shift
    "$MAKE_CORE" "$@" >"$T/core" && touch -d "$time" "$T/core" &&
        inquest import -q --no-analysis "$T/core"
}

# The exit code of a command; what it says goes to $T/out and $T/err.
exit_of() { # COMMAND…
    "$@" >"$T/out" 2>"$T/err"
    echo $?
}

# The ids that list shows, by blanks.
ids() { # [ARGUMENT…]
    inquest list -q -F id "$@" | tr '\n' ' ' | sed 's/ $//'
}
