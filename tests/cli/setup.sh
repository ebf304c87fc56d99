# SPDX-License-Identifier: GPL-2.0-or-later
# setup.sh - setup and unsetup on an image: what they write, remember, restore and refuse.
. "$(dirname "$0")/../lib.sh"

command -v jq >/dev/null || skip_all "jq is not installed"
[ "$(id -u)" = 0 ] || skip_all "needs root, to give the store to its owner"

ROOT=$T/root
# sysconfdir as it was compiled in.
prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
SYSCTL=$(sed -n 's/^sysconfdir = //p' "$top_builddir/Makefile")
# shellcheck disable=SC2016 # make's variable
SYSCTL=${SYSCTL/'${prefix}'/$prefix}

# An image with a kernel's settings as files, and as much of /etc as users need.
make_image() { # PATTERN
    rm -rf "$ROOT"
    mkdir -p "$ROOT/etc" "$ROOT/proc/sys/kernel" "$ROOT/proc/sys/fs"
    printf 'root:x:0:0:root:/root:/bin/sh\nlast:x:999:999::/:/bin/false' >"$ROOT/etc/passwd"
    printf 'root:x:0:\nlast:x:999:\nother:x:998:\n' >"$ROOT/etc/group"
    printf 'root:*:::::::\n' >"$ROOT/etc/shadow"
    printf '%s' "$1" >"$ROOT/proc/sys/kernel/core_pattern"
    printf '16' >"$ROOT/proc/sys/kernel/core_pipe_limit"
    printf '0' >"$ROOT/proc/sys/fs/suid_dumpable"
    printf '0' >"$ROOT/proc/sys/kernel/core_sort_vma"
}
value() { cat "$ROOT/proc/sys/$1"; }

OTHER='|/usr/lib/systemd/systemd-coredump %P %u %g'
HOOK="|$BIN/inquest-hook $SPECIFIERS"

make_image "$OTHER"
ok "setup on an image" inquest setup --root "$ROOT"
is "core_pattern names the hook and all it is told" "$(value kernel/core_pattern)" "$HOOK"
is "core_pipe_limit" "$(value kernel/core_pipe_limit)" 1024
is "suid_dumpable" "$(value fs/suid_dumpable)" 2
is "core_sort_vma, where the kernel has it" "$(value kernel/core_sort_vma)" 1
is "users get numbers that nobody has" \
    "$(cut -d: -f1,3,4,7 "$ROOT/etc/passwd" | tail -n 2 | tr '\n' ' ')" \
    "inquest:997:997:/sbin/nologin inquest-analyzer:996:996:/sbin/nologin "
is "an unfinished last line stays a line of its own" "$(sed -n 2p "$ROOT/etc/passwd")" \
    "last:x:999:999::/:/bin/false"
is "users have no password" "$(grep -c '^inquest.*:!\*:' "$ROOT/etc/shadow")" 2

conf=$(find "$ROOT" -type f -name 60-inquest.conf)
is "sysctl.d has the pattern" "$(sed -n 's/^kernel.core_pattern=//p' "$conf")" "$HOOK"
is "sysctl.d lies in sysconfdir" "$conf" "$ROOT$SYSCTL/sysctl.d/60-inquest.conf"
is "sysctl finds it in /etc" "$(readlink -m "$ROOT/etc/sysctl.d/60-inquest.conf")" \
    "$(readlink -m "$([ "$SYSCTL" = /etc ] && echo "$conf" || echo "${conf#"$ROOT"}")")"
store=$(find "$ROOT" -type d -path '*/lib/inquest')
is "the store's modes and owners" \
    "$(cd "$store" && stat -c '%n %a %u' . new crashes modules | tr '\n' ' ')" \
    ". 751 997 new 700 997 crashes 751 997 modules 750 997 "

find "$ROOT" -type f -exec sha256sum {} + | sort -k 2 >"$T/once"
ok "a second setup" inquest setup --root "$ROOT"
find "$ROOT" -type f -exec sha256sum {} + | sort -k 2 >"$T/twice"
ok "changes nothing, and doesn't remember itself" diff "$T/once" "$T/twice"

ok "unsetup" inquest unsetup --root "$ROOT"
is "gives core_pattern back" "$(value kernel/core_pattern)" "$OTHER"
is "gives the other settings back" \
    "$(value kernel/core_pipe_limit) $(value fs/suid_dumpable) $(value kernel/core_sort_vma)" "16 0 0"
is "leaves no file for the boot" "$(find "$ROOT" -name '*inquest*' -not -type d)" ""
inquest unsetup --root "$ROOT" >/dev/null 2>"$T/stderr"
is "a second unsetup has nothing to go by" "$? $(grep -c 'setup never ran' "$T/stderr")" "1 1"

# Somebody else in between.
make_image core
inquest setup --root "$ROOT" >/dev/null
printf '|/usr/share/apport/apport %%p' >"$ROOT/proc/sys/kernel/core_pattern"
inquest unsetup --root "$ROOT" >/dev/null 2>"$T/stderr"
is "unsetup refuses when another handler took over" "$? $(grep -c Apport "$T/stderr")" "1 1"
is "and changes nothing" "$(value kernel/core_pattern) $(value fs/suid_dumpable)" \
    "|/usr/share/apport/apport %p 2"
inquest setup --root "$ROOT" >/dev/null
inquest unsetup --root "$ROOT" >/dev/null
is "a new setup remembers the newcomer" "$(value kernel/core_pattern)" "|/usr/share/apport/apport %p"
is "and still what was there first of the others" "$(value kernel/core_pipe_limit)" 16

make_image core
inquest setup --root "$ROOT" >/dev/null
printf '64' >"$ROOT/proc/sys/kernel/core_pipe_limit"
inquest unsetup --root "$ROOT" >"$T/stdout"
is "a setting changed by hand since is left alone" \
    "$(value kernel/core_pipe_limit) $(value kernel/core_pattern) $(grep -c 'left alone' "$T/stdout")" \
    "64 core 1"

make_image ''
inquest setup --root "$ROOT" >/dev/null
inquest unsetup --root "$ROOT" >/dev/null
is "an empty core_pattern comes back empty" "$(value kernel/core_pattern)" ""

# systemd: the unit waits for the store, and sets the pattern.
make_image core
mkdir -p "$ROOT/run/systemd/system"
inquest setup --root "$ROOT" >/dev/null
unit=$ROOT/etc/systemd/system/inquest.service
is "a unit waits for the store's filesystem" \
    "$(sed -n 's/^RequiresMountsFor=//p' "$unit")" "${store#"$ROOT"}"
is "it is enabled" "$(readlink -f "$ROOT/etc/systemd/system/sysinit.target.wants/inquest.service")" \
    "$unit"
is "and sysctl.d leaves core_pattern to it" \
    "$(grep -c ^kernel.core_pattern "$ROOT$SYSCTL/sysctl.d/60-inquest.conf")" 0
if command -v systemd-analyze >/dev/null; then
    systemd-analyze verify --man=no "$unit" >"$T/verify" 2>&1
    is "systemd understands the unit" "$(grep -F inquest.service "$T/verify")" ""
    sed "s|^ExecStart=[^ ]*|ExecStart=$BIN/inquest-keeper|" \
        "$top_builddir/data/inquest-keeper.service" >"$T/inquest-keeper.service"
    systemd-analyze verify --man=no "$T/inquest-keeper.service" >"$T/verify" 2>&1
    is "and the keeper's" "$(grep -F inquest-keeper.service "$T/verify")" ""
    exposure=$(systemd-analyze security --offline=yes "$T/inquest-keeper.service" 2>/dev/null |
        sed -n 's/.*exposure level.*: \([0-9]*\)\..*/\1/p')
    ok "whose sandbox leaves it less exposed than most services (${exposure:-10})" test "${exposure:-10}" -lt 6
else
    skip "systemd understands the unit" "no systemd-analyze here"
fi
printf core >"$ROOT/proc/sys/kernel/core_pattern"
ok "setup --boot" inquest setup --boot --root "$ROOT"
is "sets the kernel" "$(value kernel/core_pattern)" "$HOOK"
inquest unsetup --root "$ROOT" >/dev/null
is "unsetup takes the unit away" \
    "$(find "$ROOT/etc/systemd" -type f -o -type l) $(value kernel/core_pattern)" " core"

# Paths that core_pattern has no room for.
make_image core
long=$T/$(printf 'd%.0s' {1..70})
mkdir "$long"
cp "$BIN"/inquest* "$long"
"$long/inquest" setup --root "$ROOT" >"$T/stdout"
is "a link in /run stands for a long path" \
    "$(value kernel/core_pattern) $(readlink "$ROOT/run/inquest-hook")" \
    "|/run/inquest-hook $SPECIFIERS $long/inquest-hook"
"$long/inquest" unsetup --root "$ROOT" >/dev/null
is "which unsetup takes away" "$(find "$ROOT/run")" "$ROOT/run"
mkdir "$T/a b"
cp "$BIN"/inquest* "$T/a b"
ok "and for one with a blank" "$T/a b/inquest" setup --root "$ROOT"
inquest setup --root "$ROOT" -C "$T/$(printf 'c%.0s' {1..100})" >/dev/null 2>"$T/stderr"
is "a configuration whose path doesn't fit is refused" "$? $(grep -c 'are possible' "$T/stderr")" "1 1"

make_image core
printf '[store]\npath = /srv/deep/crashes\n[capture]\nmode = everything\n' >"$T/c"
inquest setup --root "$ROOT" -C "$T/c" --json >"$T/json"
is "the hook is told of another configuration" "$(value kernel/core_pattern)" \
    "|$BIN/inquest-hook -C $T/c $SPECIFIERS"
ok "whose store is made" test -d "$ROOT/srv/deep/crashes/new"
json "JSON says so" "$T/json" '.done and .store == "/srv/deep/crashes"'
json "a bad value is told with its place" "$T/json" '[.steps[] | select(.check == "config") | .text | test("/c:4: mode = everything")] | any'

# A store that root had while there was no user.
make_image core
mkdir -p "$ROOT$(dirname "${store#"$ROOT"}")"
cp -r "$top_srcdir/tests" "$T/outside" 2>/dev/null || mkdir "$T/outside"
mkdir -m 751 "$store" && mkdir -p "$store/crashes/0" && touch "$store/crashes/0/x" "$T/hard"
ln "$T/hard" "$store/crashes/0/hard"
ln -s "$T/outside" "$store/crashes/0/link"
inquest setup --root "$ROOT" >/dev/null
is "is given to its owner, but no file with another name, and nothing behind a link" \
    "$(stat -c %u "$store" "$store/crashes/0/x" "$T/hard" "$T/outside" | tr '\n' ' ')" "997 997 0 0 "

as_user 12345 "$INQUEST" setup >/dev/null 2>"$T/stderr"
is "an ordinary user is told to use sudo" "$? $(grep -c 'sudo inquest setup' "$T/stderr")" "1 1"

finish
