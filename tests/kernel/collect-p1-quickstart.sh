#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p1-quickstart - from the source to a listed crash by one command, twice; doctor proves it, and
# unsetup gives the kernel's settings back. Installed to a directory of its own, in the real core_pattern.
. "$(dirname "$0")/../lib.sh"
needs_kernel
unset INQUEST_STORE MAKEFLAGS MFLAGS MAKELEVEL
[ ! -e /etc/systemd/system/inquest.service ] || skip_all "Inquest is set up on this machine"

P=$T/p
quickstart() { # OPTION…
    "$top_srcdir/quickstart" --build="$T/build" "$@" >"$T/quickstart" 2>&1
}
installed() {
    "$P/bin/inquest" "$@"
}
# The users that setup makes are to be gone when they are new here.
for user in inquest inquest-analyzer; do
    id "$user" >/dev/null 2>&1 || finally userdel "$user"
done
end_quickstart() {
    [ ! -x "$P/bin/inquest" ] || installed unsetup >/dev/null 2>&1
}
finally end_quickstart
our_processes() { # these run from another place than lib.sh's
    local exe
    for exe in /proc/[0-9]*/exe; do
        [[ $(readlink "$exe" 2>/dev/null) == "$P"/* ]] || continue
        exe=${exe#/proc/}
        echo "${exe%/exe}"
    done
}
settings() {
    local name
    for name in kernel/core_pattern kernel/core_pipe_limit fs/suid_dumpable kernel/core_sort_vma; do
        echo "$name: $(cat "/proc/sys/$name" 2>/dev/null)"
    done
}

# Built before the lock is taken: others wait for it.
ok "collect-p1-quickstart: builds and installs" quickstart --prefix="$P" --no-setup
[ -x "$P/bin/inquest" ] || note "$(tail -n 30 "$T/quickstart")"

pattern_take '' '' '' ''
settings >"$T/before"
if quickstart --prefix="$P"; then
    pass "collect-p1-quickstart: ends well, run again"
else
    fail "collect-p1-quickstart: ends well, run again" "$(tail -n 30 "$T/quickstart")"
fi
grep -q '^\$ inquest list' "$T/quickstart" && grep -q SIGSEGV "$T/quickstart" &&
    grep -q greet "$T/quickstart"
is "collect-p1-quickstart: shows the crash, its signal and its function" $? 0
installed list --json >"$T/list" 2>&1
json "collect-p1-quickstart: the crash is listed, its core whole" "$T/list" \
    '.[0].signal_name == "SIGSEGV" and .[0].core == "full" and (.[0].exe | test("/hello( |$)"))'

installed doctor --crash --json >"$T/doctor" 2>"$T/stderr"
for check in handler hook core_pipe_limit suid_dumpable users store crash listed dump explained; do
    json "collect-p1-doctor: $check" "$T/doctor" "[.checks[] | select(.check == \"$check\")] |
        length > 0 and all(.ok)"
done
chmod -x "$P/libexec/inquest-hook"
installed doctor --json >"$T/doctor" 2>"$T/stderr"
json "collect-p1-doctor: a hook that cannot run is told" "$T/doctor" \
    '.collects == false and (.checks[] | select(.check == "hook") | .ok == false)'
chmod +x "$P/libexec/inquest-hook"

ok "collect-p1-unsetup: gives everything back" installed unsetup
settings >"$T/after"
ok "collect-p1-unsetup: exactly as it was" diff "$T/before" "$T/after"
installed doctor --json >"$T/doctor" 2>"$T/stderr"
json "collect-p1-doctor: and says who gets the crashes now" "$T/doctor" \
    '.collects == false and (.checks[] | select(.check == "handler") | .ok == false)'
pattern_give_back

finish
