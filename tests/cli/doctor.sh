#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor - what it says of machines with something wrong, one thing at a time. The machine is a mount
# namespace in which the kernel's settings, /etc/passwd and the store's filesystem are others.
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root, for a machine of its own"
command -v jq >/dev/null || skip_all "jq is not installed"
unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
unset INQUEST_STORE

# The machine as it should be. Each test changes one thing in a function that runs inside.
UID_I=61011
sed '/^inquest/d' /etc/passwd >"$T/passwd.without"
{
    cat "$T/passwd.without"
    echo "inquest:x:$UID_I:$UID_I::/:/sbin/nologin"
    echo "inquest-analyzer:x:61012:61012::/:/sbin/nologin"
} >"$T/passwd"
printf '[store]\npath = %s\nkeep_free = 0\n' "$STORE" >"$CONF"
printf '|%s/inquest-hook -C %s %s' "$BIN" "$CONF" "$SPECIFIERS" >"$T/pattern"
cp "$T/pattern" "$T/pattern.good"
echo 1024 >"$T/limit"
echo 2 >"$T/suid"

make_store() {
    mkdir -p "$STORE"/{new,crashes,modules}
    chown -R $UID_I:$UID_I "$STORE"
    chmod 751 "$STORE" "$STORE/crashes"
    chmod 700 "$STORE/new"
    chmod 750 "$STORE/modules"
}
machine() { # TAG [COMMAND…]: doctor's JSON in $T/TAG.json after the command
    local tag=$1
    shift
    export -f make_store "${1:-make_store}"
    export T STORE UID_I BIN CONF INQUEST
    # shellcheck disable=SC2016 # for the shell inside
    unshare -m --propagation private bash -c '
        mount -t tmpfs -o size=64m none "$STORE" && make_store
        cp "$T/pattern.good" "$T/pattern"
        mount --bind "$T/pattern" /proc/sys/kernel/core_pattern
        mount --bind "$T/limit" /proc/sys/kernel/core_pipe_limit
        mount --bind "$T/suid" /proc/sys/fs/suid_dumpable
        mount --bind "$T/passwd" /etc/passwd
        [ $# = 0 ] || "$@"
        exec "$INQUEST" doctor --json
    ' - "$@" >"$T/$tag.json" 2>"$T/$tag.stderr"
    echo $? >"$T/$tag.status"
}
mkdir -p "$STORE"

says() { # TAG CHECK OK WORDS
    json "$1: $4" "$T/$1.json" "[.checks[] | select(.check == \"$2\" and .ok == $3) |
        select(.text + \" \" + (.advice // \"\") | test(\"$4\"))] | length > 0"
}

machine good
json "good: nothing but the boot is wrong" "$T/good.json" \
    '[.checks[] | select(.ok == false) | .check] - ["boot"] == []'
says good handler true "crashes go to $BIN/inquest-hook"
says good store true "$STORE"
json "good: the configuration in force, and from where" "$T/good.json" \
    '.config[] | select(.section == "store" and .key == "keep_free") |
     .value == "0" and (.file | test("/conf$")) and .line == 3'
json "good: a default has no place" "$T/good.json" \
    '.config[] | select(.key == "max_core") | .value == "32G" and .file == null'

if setpriv --reuid=65534 --regid=65534 --clear-groups unshare -U true 2>/dev/null; then
    says good threads true "makes few of them"
    old() { exec setarch --uname-2.6 "$INQUEST" doctor --json; }
    if [[ $(setarch --uname-2.6 uname -r 2>&1) == 2.6.* ]]; then
        machine old old
        says old threads null "before Linux 5.14"
    else
        skip "old: threads" "this kernel cannot be taken for one"
    fi
else
    says good threads null "no user namespaces"
fi

other() { printf '|/usr/lib/systemd/systemd-coredump %%P' >"$T/pattern"; }
machine other other
says other handler false systemd-coredump
is "other: exits with 1" "$(cat "$T/other.status")" 1
json "other: collects nothing" "$T/other.json" '.collects == false'

file() { printf core >"$T/pattern"; }
machine file file
says file handler false "writes a file"

cut() { printf '|%s/inquest-hook %%P %%I' "$BIN" >"$T/pattern"; }
machine cut cut
says cut core_pattern false "does not end in what the hook is to be told"

gone() { printf '|/nowhere/inquest-hook %s' '%P %I %p %i %u %g %s %t %c %d %F %h %E' >"$T/pattern"; }
machine gone gone
says gone hook false "cannot be started"

locked() { cp "$BIN/inquest-hook" "$T/hold" && chmod 644 "$T/hold" && mount --bind "$T/hold" "$BIN/inquest-hook"; }
machine locked locked
says locked hook false "not executable"

writable() { cp "$BIN/inquest-hook" "$T/hold" && chmod 777 "$T/hold" && mount --bind "$T/hold" "$BIN/inquest-hook"; }
machine writable writable
says writable hook false "others than root"

zero() { echo 0 >"$T/limit"; }
machine zero zero
says zero core_pipe_limit false "is 0"
echo 1024 >"$T/limit"

nosuid() { echo 0 >"$T/suid"; }
machine nosuid nosuid
says nosuid suid_dumpable false "without a trace"
echo 2 >"$T/suid"

nobody() { mount --bind "$T/passwd.without" /etc/passwd; }
machine nobody nobody
says nobody users false "inquest is missing"

missing() { umount "$STORE"; }
machine missing missing
says missing store false "inquest setup"

owner() { chown 0:0 "$STORE/crashes"; }
machine owner owner
says owner store false "belongs to user 0"

mode() { chmod 777 "$STORE/new"; }
machine mode mode
says mode store false "has mode 0777, not 0700"

full() { dd if=/dev/zero of="$STORE/fill" bs=1M 2>/dev/null; true; }
machine full full
says full space false "is full"

readonly_fs() { mount -o remount,ro "$STORE"; }
machine readonly_fs readonly_fs
says readonly_fs space false "read-only"

noacl() { mount -t ramfs none "$STORE" && make_store; }
machine noacl noacl
says noacl "access lists" false "no ACLs"

waiting() { touch "$STORE/new/20261122-120000-1.core.zst"; }
machine waiting waiting
# One more than what may lie in /run/inquest/new of this machine.
says waiting waiting null "(1 crash is|[0-9]+ crashes are) not in the index"

config_bad() { printf '[capture]\nmode = everything\n' >>"$CONF"; }
machine config_bad config_bad
says config_bad config false "conf:5: mode = everything: expected full"

ulimited() { prlimit --pid $$ --core=1:1; }
export ASAN_OPTIONS=disable_coredump=0 # else it is 0 by the time we look
machine ulimited ulimited
says ulimited "core limit" false "RLIMIT_CORE is 1"

rival() {
    mount -t tmpfs none /etc/sysctl.d
    echo 'kernel.core_pattern = |/usr/share/apport/apport %p' >/etc/sysctl.d/99-other.conf
}
mkdir -p /etc/sysctl.d
machine rival rival
says rival boot false "/etc/sysctl.d/99-other.conf sets core_pattern"

noproc() { mount -t tmpfs none /proc/sys/kernel; }
machine noproc noproc
says noproc handler false "nobody"

# From here on the kernel is this machine's, whose crashes may be collected or not: not, for these.
echo core >"$T/pattern.core"
# shellcheck disable=SC2016 # for the shells inside
export T NOT_OURS='mount --bind "$T/pattern.core" /proc/sys/kernel/core_pattern'

# A container: other pids, and /proc/sys as runtimes mount it.
inner() { # COMMAND…
    # shellcheck disable=SC2016 # for the shell inside
    unshare -mpf --mount-proc --propagation private sh -c '
        mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys &&
            eval "$NOT_OURS" && mount -o remount,bind,ro /proc/sys/kernel/core_pattern &&
            exec "$@"' - "$@"
}
inner "$INQUEST" doctor --json >"$T/inner.json" 2>"$T/stderr"
says inner machine false "this is a [a-z ]*container: crashes in here go to the host"
says inner settings false "mounted read-only"
inner "$INQUEST" setup >"$T/stdout" 2>"$T/stderr"
is "setup refuses in a container" "$? $(grep -c 'on the host' "$T/stderr")" "1 1"

# A chroot, seen by root, and by a user who may not look at process 1's root: a plain directory with
# this system's in it.
chrooted() { # USER COMMAND…
    mkdir -p "$T/chroot"
    # shellcheck disable=SC2016 # for the shell inside
    unshare -m --propagation private sh -c '
        root=$1 user=$2
        shift 2
        eval "$NOT_OURS"
        for entry in /*; do
            if [ -L "$entry" ]; then
                cp -P "$entry" "$root$entry"
            elif [ -d "$entry" ]; then
                mkdir -p "$root$entry" && mount --rbind "$entry" "$root$entry"
            fi
        done
        exec chroot --userspec="$user:$user" "$root" "$@"' - "$T/chroot" "$@"
}
for user in 0 12345; do
    chrooted $user "$BIN/inquest" doctor --json >"$T/chroot-$user.json" 2>"$T/stderr"
    says chroot-$user machine false "this is a chroot: crashes in here go to the host"
    json "chroot-$user: sends nobody to a setup that refuses" "$T/chroot-$user.json" \
        '[.checks[] | select(.check == "handler") | .advice // "" | select(startswith("sudo"))] == []'
done
chrooted 0 "$BIN/inquest" setup >"$T/stdout" 2>"$T/stderr"
is "setup refuses in a chroot" "$? $(grep -c 'on the host' "$T/stderr")" "1 1"
# shellcheck disable=SC2114 # nothing is mounted there any more
rm -rf --one-file-system "$T/chroot"

# As anybody: what cannot be known is left out, and nothing fails.
as_user 12345 "$INQUEST" doctor --json >"$T/user.json" 2>"$T/stderr"
json "an ordinary user gets an answer, too" "$T/user.json" '.checks | length > 5'

finish
