#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# keep-flat - what a keeper does for one crash does not grow with what lies in the store: counted in
# system calls, with few kept modules and users and with many.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"
command -v strace >/dev/null || skip_all "strace is not installed"
! is_sanitized || skip_all "LeakSanitizer and valgrind do not live with strace"
printf '[store]\nmax_use = 2G\nkeep_free = 0\n[analyze]\nauto = no\n' | config

fill() { # MODULES USERS
    local i
    for ((i = 1; i <= $1; i++)); do echo module >"$STORE/modules/$(printf '%040x' "$i")"; done
    for ((i = 1; i <= $2; i++)); do mkdir -p "$STORE/crashes/$((200000 + i))"; done
    chown -R --reference="$STORE/crashes" "$STORE/modules" "$STORE/crashes"
}
# The system calls of adopting one crash; the second one, for the first looks at what is new.
calls() { # DAY
    sleep 1.1 # what changed within a second is looked at again
    keeper
    import_core "2026-11-0$1" pid="$1" comm="c$1" data=4096
    strace -f -o "$T/strace" "$BIN/inquest-keeper" -C "$CONF" --foreground >"$T/out" 2>&1
    wc -l <"$T/strace"
}
import_core 2026-11-01 pid=1 comm=c1 data=4096
few=$(calls 2)
fill 3000 500
many=$(calls 3)
note "$few system calls, and $many with 3000 modules and 500 users"
ok "a keeper's work is the same with many files" test "$many" -le $((few * 3 / 2))

# Nothing is forgotten for that: what a hook adds, and what somebody takes away, is counted.
used() { # as prune counts
    inquest prune --dry-run --json | jq .used
}
was=$(used)
head -c $((4 << 20)) /dev/urandom >"$STORE/modules/$(printf '%040x' 4000)"
ok "a new module counts at once" test $(($(used) - was)) -ge $((4 << 20))
find "$STORE/modules" -type f -delete
ok "and no longer than it is there" test $((was - $(used))) -ge $((3000 * 4096 / 2))
is "as stats count" "$(($(inquest stats --json | jq .used) - $(used)))" 0
finish
