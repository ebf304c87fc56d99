# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what every shell test has at hand: TAP, a store of its own, and the real core_pattern.
#
#   . "$(dirname "$0")/../lib.sh"                in bash
#   …                                            pass fail ok is json note skip
#   finish                                       last line: without it the test counts as broken
#
# Gives $T, a temporary directory that everybody may enter; $STORE and $CONF, a store and a config
# of its own; $BIN, copies of the programs that the build tree has, and $INQUEST, the command;
# $VICTIMS and $TOOLS, the helpers that it has. However the test ends, what it started, mounted or
# changed is gone with it. See tests/README.md.
# shellcheck shell=bash
# shellcheck disable=SC2034 # what it gives is used by the tests

set -u
export LC_ALL=C TZ=UTC
umask 022

top_builddir=${top_builddir:-$PWD}
top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
VICTIMS=$top_builddir/tests/victims
TOOLS=$top_builddir/tests/kernel

# ---- TAP -----------------------------------------------------------------------------------------

tests_run=0

note() {
    printf '%s\n' "$*" | sed 's/^/# /'
}

pass() { # NAME
    echo "ok $((++tests_run)) - $1"
}

fail() { # NAME [EXPLANATION…]
    echo "not ok $((++tests_run)) - $1"
    shift
    [ $# -eq 0 ] || note "$@"
}

# The command succeeds.
ok() { # NAME COMMAND…
    local name=$1 said status
    shift
    if said=$("$@" 2>&1); then
        pass "$name"
    else
        status=$?
        fail "$name" "exit $status: $*"
        note "$(head -c 4000 <<<"$said")"
    fi
}

is() { # NAME GOT EXPECTED
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1" "     got: $2"
        note "expected: $3"
    fi
}

# A jq filter is true of a file's JSON.
json() { # NAME FILE FILTER [JQ-OPTION…]
    local name=$1 file=$2 filter=$3
    shift 3
    if jq -e "$@" "$filter" "$file" >"$T/json.said" 2>&1; then
        pass "$name"
    else
        fail "$name" "not true of $(head -c 3000 "$file"):" "$filter $*"
        note "$(head -c 1000 "$T/json.said")"
    fi
}

skip() { # NAME REASON
    echo "ok $((++tests_run)) - $1 # SKIP $2"
}

skip_all() { # REASON
    echo "1..0 # SKIP $*"
    exit 0
}

bail() { # REASON
    echo "Bail out! $*"
    exit 1
}

finish() {
    [ -z "$VALGRIND" ] || ok "valgrind has found nothing" valgrind_found_nothing
    echo "1..$tests_run"
}

# ---- what it leaves behind: nothing --------------------------------------------------------------

# Short, because core_pattern has room for 127 bytes in all; and not where only root may go.
T=$(mktemp -d /tmp/iq.XXXXXX) || exit 1
chmod 755 "$T"
STORE=$T/store CONF=$T/conf BIN=$T/bin
export INQUEST_STORE=$STORE
unset DEBUGINFOD_URLS NO_COLOR
VALGRIND=${VALGRIND:-}
export PATIENCE=$((${#VALGRIND} ? 20 : 1)) # how many times as long as in an ordinary build it waits
at_end=()

# Remembers a command for the end, whatever the end is. The last one comes first.
finally() { # COMMAND…
    at_end=("$(printf '%q ' "$@")" "${at_end[@]}")
}

# Undoes a mount at the end, if that is still there.
unmount_finally() { # DIR
    finally unmount "$1"
}
unmount() {
    ! mountpoint -q "$1" || umount "$1" || umount -l "$1"
}

# Processes whose program is one of ours, in $BIN: hooks and keepers that the kernel started too.
our_processes() {
    local exe
    for exe in /proc/[0-9]*/exe; do
        [[ $(readlink "$exe" 2>/dev/null) == "$BIN"/* ]] || continue
        exe=${exe#/proc/}
        echo "${exe%/exe}"
    done
}

# Waits until hooks and keepers of this test have nothing left to do.
wait_idle() { # [SECONDS]
    local until=$((SECONDS + ${1:-60} * PATIENCE))
    while [ -n "$(our_processes)" ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.02
    done
}

end_of_test() {
    local status=$? command
    trap '' INT TERM HUP
    pattern_give_back
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null
    for command in "${at_end[@]}"; do
        eval "$command"
    done
    if ! wait_idle 10; then
        # shellcheck disable=SC2046
        kill -KILL $(our_processes) 2>/dev/null
        wait_idle 5
    fi
    if [ -n "${INQUEST_KEEP:-}" ]; then note "kept: $T"; else rm -rf "$T"; fi
    exit $status
}
trap end_of_test EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the real core_pattern -----------------------------------------------------------------------

PATTERN_LOCK=/run/lock/core_pattern.lock
SPECIFIERS='%P %I %p %i %u %g %s %t %c %d %F %h %E'
# In this order, and back in the other: the kernel warns of suid_dumpable without a safe pattern.
SETTINGS=(kernel/core_pipe_limit vm/max_map_count kernel/core_pattern fs/suid_dumpable)

needs_kernel() {
    [ "$(id -u)" = 0 ] || skip_all "needs root, to change core_pattern"
    grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map || skip_all "this root is none to the kernel"
    [ -w /proc/sys/kernel/core_pattern ] || skip_all "/proc/sys/kernel/core_pattern is read-only"
    command -v flock >/dev/null || skip_all "flock is not installed"
}

setting() { # NAME [VALUE]
    if [ $# -eq 1 ]; then cat "/proc/sys/$1"; else printf '%s' "$2" >"/proc/sys/$1"; fi
}

# Holds the lock and the settings. A process of its own, because a killed test runs no trap: this one
# puts everything back as soon as the test's end of its stdin is closed.
pattern_guard() { # LIMIT MAX_MAPS PATTERN SUID_DUMPABLE: each may be empty
    local wanted=("$@") before=() i
    trap '' INT TERM HUP QUIT PIPE
    exec 9>>"$PATTERN_LOCK"
    flock -w $((300 * PATIENCE)) 9 || { echo "somebody else has held $PATTERN_LOCK for minutes"; return; }
    [ -d "$T" ] && kill -0 $$ 2>/dev/null || return # the test died while it waited
    for i in "${!SETTINGS[@]}"; do
        before+=("$(setting "${SETTINGS[i]}")")
        [ -z "${wanted[i]}" ] || setting "${SETTINGS[i]}" "${wanted[i]}"
    done
    if [ -z "${wanted[2]}" ] || [ "$(setting kernel/core_pattern)" = "${wanted[2]}" ]; then
        echo ready
        read -r _
    else
        echo "core_pattern did not take: ${wanted[2]}"
    fi
    for ((i = ${#SETTINGS[@]} - 1; i >= 0; i--)); do
        setting "${SETTINGS[i]}" "${before[i]}"
    done
    echo "done"
}

pattern_take() { # LIMIT MAX_MAPS PATTERN SUID_DUMPABLE
    local said='' part
    # With less, nothing on the machine can start a program any more.
    [ -z "$2" ] || [ "$2" -ge 30000 ] || bail "pattern_take: $2 is too little for max_map_count"
    coproc PATTERN_GUARD { pattern_guard "$@"; }
    guard_pid=$PATTERN_GUARD_PID
    # By the second, because a signal's trap waits for `read`. What came in that second counts.
    until read -r -t 1 part <&"${PATTERN_GUARD[0]}"; do
        said+=$part
        kill -0 "$guard_pid" 2>/dev/null || bail "the guard of core_pattern is gone"
    done
    said+=$part
    [ "$said" = ready ] && return
    guard_pid= # it has put back what it changed, and is gone
    bail "cannot set core_pattern: $said"
}

guard_pid=
pattern_give_back() {
    [ -n "$guard_pid" ] || return 0
    echo enough >&"${PATTERN_GUARD[1]}"
    wait "$guard_pid"
    guard_pid=
}

# Runs a command or function while crashes go to this test's hook and store.
#   -l N  core_pipe_limit (1024)            -d N  suid_dumpable (2)
#   -m N  vm.max_map_count (as it is)       -b NAME  with tests/kernel/handler before the hook
with_hook() { # [OPTION…] COMMAND…
    local limit=1024 suid_dumpable=2 maps='' between='' program=${UNDER}inquest-hook status option OPTIND=1
    while getopts l:d:m:b: option; do
        case $option in
        l) limit=$OPTARG ;;
        d) suid_dumpable=$OPTARG ;;
        m) maps=$OPTARG ;;
        b) between=$OPTARG ;;
        *) bail "with_hook: bad option" ;;
        esac
    done
    shift $((OPTIND - 1))
    [ -f "$CONF" ] || config_to_collect
    if [ -n "$between" ]; then
        program=$between
        cp "$TOOLS/handler" "$BIN/$between"
    fi
    pattern_take "$limit" "$maps" "|$BIN/$program -C $CONF $SPECIFIERS" "$suid_dumpable"
    "$@"
    status=$?
    pattern_give_back
    return $status
}

# ---- programs, store, config ---------------------------------------------------------------------

mkdir "$BIN"
for program in inquest inquest-hook inquest-keeper inquest-analyzer; do
    [ -x "$top_builddir/$program" ] || bail "$top_builddir/$program is not built"
    cp "$top_builddir/$program" "$BIN/"
done

# Built for sanitizers or valgrind: they take memory of their own, and the cages let them.
is_sanitized() {
    grep -q '^#define INQUEST_SANITIZED' "$top_builddir/config.h"
}

# For what says nothing of our programs under valgrind.
needs_no_valgrind() { # REASON
    [ -z "$VALGRIND" ] || skip_all "$1"
}

# A command that runs one of our programs under valgrind, with those that it starts. Its own program,
# and the shell before it, are copied, so that our_processes knows them.
under_valgrind() { # NAME
    cat >"$BIN/valgrind-$1" <<END
#!$BIN/valgrind/sh
exec '$BIN/valgrind/launch' ${VALGRIND#* } -v --vgdb=no --log-file='$T/valgrind/%p' --trace-children=yes \\
    --trace-children-skip='/usr/*,/bin/*,/sbin/*' '$BIN/$1' "\$@"
END
    chmod +x "$BIN/valgrind-$1"
}

# What valgrind itself calls for a program that a process becomes. The log has the process's number,
# and may be there: of the program before, and root's where this is another user. It is put aside.
make_valgrind() {
    local tool
    tool=$($VALGRIND -d true 2>&1 | sed -n 's/.*launching //p')
    [ -x "$tool" ] || return
    mkdir -m 777 "$T/valgrind" && mkdir "$BIN/valgrind" &&
        cp "${tool%/*}"/{default.supp,memcheck-,vgpreload_core-,vgpreload_memcheck-}* "$BIN/valgrind" &&
        cp "$(readlink -f /bin/sh)" "$BIN/valgrind/sh" || return
    cat >"$BIN/valgrind/launch" <<END
#!$BIN/valgrind/sh
! [ -e '$T/valgrind/'\$\$ ] || mv '$T/valgrind/'\$\$ "\$(mktemp -u '$T/valgrind/'\$\$.XXXXXX)"
VALGRIND_LIB='$BIN/valgrind' VALGRIND_LAUNCHER='$BIN/valgrind/launch' exec '$BIN/valgrind/${tool##*/}' "\$@"
END
    chmod +x "$BIN/valgrind/launch"
}

# An error stands in the log at once, a leak and the sum at the end, which not all come to.
VALGRIND_FOUND='ERROR SUMMARY: [1-9]|uninitialised|unaddressable|Invalid |Mismatched |overlap |fishy|definitely lost in'
valgrind_found_nothing() {
    wait_idle 60
    ! grep -lE "^==[0-9]+== .*($VALGRIND_FOUND)" -r "$T/valgrind" | xargs -r grep -h '^==' | grep .
}

# What stands before the names of the programs that a test runs.
UNDER=
if [ -n "$VALGRIND" ]; then
    UNDER=valgrind-
    make_valgrind || bail "valgrind is not where it says"
    for program in inquest inquest-hook inquest-keeper; do
        under_valgrind "$program"
    done
fi
INQUEST=$BIN/${UNDER}inquest # for others, a terminal, a deadline

inquest() {
    "$INQUEST" "$@"
}

# An empty store, as setup would make it: a hook makes none, for a store that is not there may only
# be not mounted yet.
new_store() {
    rm -rf "$STORE"
    mkdir -m 751 "$STORE" "$STORE/crashes"
    mkdir -m 700 "$STORE/new"
    mkdir -m 750 "$STORE/modules"
}
new_store

keeper() { # adopts, prunes, analyses
    "$BIN/${UNDER}inquest-keeper" -C "$CONF" --foreground "$@"
}

# Writes the config: the store's place, no storm rules, nothing expires for being like another, and
# what stdin adds. A section may come twice, and its last value wins.
config() {
    {
        printf '[store]\npath = %s\nkeep_per_signature = unlimited\n' "$STORE"
        printf '[storm]\nwindow = 0\n'
        cat
    } >"$CONF"
}

# As config, and analyses nothing: for tests that are about collecting.
config_to_collect() {
    printf '[analyze]\nauto = no\n' | config
}

# The table of storms is the machine's, and remembers other runs of the same test for minutes.
forget_storms() {
    rm -f /run/inquest/storm
}

as_user() { # UID COMMAND…
    local uid=$1
    shift
    setpriv --reuid="$uid" --regid="$uid" --clear-groups env HOME="$T/home.$uid" \
        XDG_DATA_HOME="$T/home.$uid/data" "$@"
}

# ---- victims -------------------------------------------------------------------------------------

# Runs a victim until it is dead, and leaves what it said of itself in $T/said.TAG (JSON, a line
# each). See tests/kernel/crash.c for the options.
crash() { # TAG [OPTION…] PROGRAM [ARGUMENT…]
    local tag=$1
    shift
    "$TOOLS/crash" "$@" >"$T/said.$tag" 2>"$T/stderr.$tag"
}

# One fact of what the victim TAG said.
said() { # TAG KEY
    jq -r ".$2" "$T/said.$1"
}

# Waits until the crash of a process is adopted, and leaves its row of the list in $T/listed.TAG.
wait_listed() { # TAG [SECONDS]
    local pid until=$((SECONDS + ${2:-30} * PATIENCE))
    pid=$(said "$1" pid)
    until ! compgen -G "$STORE/new/*-$pid.core.zst*" >/dev/null && inquest list --json "pid=$pid" >"$T/list" 2>"$T/list.stderr" &&
        jq -e '.[0] | select(. != null and .core != "capturing")' "$T/list" >"$T/listed.$1"; do
        if [ $SECONDS -ge $until ]; then
            note "pid $pid ($1) is not listed: $(cat "$T/list" "$T/list.stderr")"
            return 1
        fi
        sleep 0.05
    done
}

listed() { # TAG KEY
    jq -r ".$2" "$T/listed.$1"
}

# True of a core that ends where its last segment ends, as readelf understands it.
core_is_whole() { # FILE
    local fields end=0
    while read -ra fields; do
        [[ ${fields[1]:-} == 0x* && ${fields[4]:-} == 0x* ]] || continue
        ((fields[1] + fields[4] <= end)) || end=$((fields[1] + fields[4]))
    done < <(readelf -lW "$1" 2>/dev/null)
    [ $end -gt 0 ] && [ "$(stat -c %s "$1")" = $end ]
}

# The file of a crash that is in the store.
record_of() { # TAG
    local found=("$STORE"/crashes/*/"$(listed "$1" id).core.zst")
    printf '%s' "${found[0]}"
}

# kmsg_since prints what the kernel log has said since kmsg_mark.
kmsg_mark() {
    KMSG_MARK="inquest-test $T $RANDOM$RANDOM"
    echo "$KMSG_MARK" >/dev/kmsg
}
# inquest_said is true where it was one of our programs that named the process since then: the kernel
# names the victims of some signals, too.
kmsg_since() {
    dmesg | awk -v mark="$KMSG_MARK" 'seen; index($0, mark) { seen = 1 }'
}
inquest_said() { # PID
    grep -qE "inquest-[a-z]+\[[0-9]+\]:.*process $1\b" <(kmsg_since)
}
