#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p6-cage - an analyzer taken over: a hostile program stands in its place, and opens no file, no
# network and no process, asks the broker in vain, and what it reports is parsed as hostile. Under the
# keeper, by the real core_pattern, and under a user's own `inquest bt`.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"
! is_sanitized || skip_all "sanitizers do not live in a cage"
ALICE=61001 BOB=61002
HER=$T/home.$ALICE
config_to_collect

# ---- what there is to steal ----------------------------------------------------------------------

mkdir -m 700 "$HER"
echo secret >"$HER/secret"
cp "$VICTIMS/signals" "$HER/program"
mkfifo "$HER/fifo"
chown -R $ALICE:$ALICE "$HER"
chmod 711 "$HER"
install -m 700 "$VICTIMS/signals" "$T/roots-program"
plain_core() {
    core_of plain "$VICTIMS/signals" SEGV
}
with_plain_cores plain_core
install -m 644 "$T/plain.core" "$HER/core"
crash_all() {
    crash hers -u $ALICE -t 30 "$VICTIMS/signals" SEGV
    crash other -u $ALICE -t 30 "$VICTIMS/signals" ABRT
    crash bobs -u $BOB -t 30 "$VICTIMS/signals" SEGV
    crash roots -t 30 "$VICTIMS/signals" SEGV
}
with_hook crash_all
ok "trust-p6-cage: hooks and keepers end" wait_idle 60
keeper --no-analysis
for tag in hers other bobs roots; do
    ok "trust-p6-cage: the crash '$tag' is listed" wait_listed $tag
done

# ---- the intruder --------------------------------------------------------------------------------

list_of() { # PATH…: as C text, each ended by NUL
    printf '"'
    printf '%s\\0' "$@"
    printf '"'
}
files=(
    "$(record_of other)" "$(record_of bobs)" "$(record_of roots)" "$STORE" "$STORE"/index* "$STORE/new"
    "$STORE/crashes" "$CONF" "$HER/secret" "$HER/program" "$HER/core" /var/lib/inquest /run/inquest
    /etc/passwd /etc/shadow /etc/hostname /root /root/.profile /root/.ssh /home /proc/self/maps
    /proc/cmdline /proc/1/environ /sys/kernel /dev/kmsg /dev/mem /dev/null /dev/tty /dev/ptmx /tmp
)
asked=(
    "$(record_of other)" "$(record_of bobs)" "$(record_of roots)" "$HER/secret" "$HER/core"
    "$HER/fifo" "$STORE"/index* /etc/passwd /etc/shadow /dev/zero /dev/kmsg /proc/self/mem
    /proc/self/environ /proc/1/mem "$T/roots-program"
)
places=(
    /tmp /var/tmp /dev/shm /run /etc /usr / "$STORE" "$STORE/new" "$STORE/crashes/$ALICE" "$HER" "$T"
)
make_intruder() { # KIND: as $T/made.KIND
    build "made.$1" gcc -std=gnu11 -Wall -Wextra -Werror -O1 -D_GNU_SOURCE -I"$top_srcdir" \
        -DKIND="$1" -DFILES="$(list_of "${files[@]}")" -DASKED="$(list_of "${asked[@]}")" \
        -DPLACES="$(list_of "${places[@]}")" -DALLOWED="\"$VICTIMS/signals\"" \
        "$top_srcdir/tests/victims/intruder.c" || bail "$(cat "$T/made.$1.log")"
}
put_in_place() { # FILE: where the analyzer was
    rm -f "$BIN/inquest-analyzer"
    cp "$1" "$BIN/inquest-analyzer"
}
# What the intruder could do, by its own report.
achieved() { # FILE
    jq -r '.problems | if .[0] == "tried everything" then .[1:] | join("\n") else "nothing tried" end' "$1"
}
state() { # files that it could have changed, made or removed
    stat -c '%n %s %Y %a %U' "$HER" "$HER"/* "${asked[@]:0:3}"
    find / /tmp /var/tmp /dev/shm /run "$STORE" "$T" -xdev -maxdepth 2 -name intruder
}

# ---- it tries everything: for the keeper, for a user, where walls are missing ----------------------

make_intruder TRIES
put_in_place "$T/made.TRIES"
state >"$T/before"
config </dev/null # with analysis
crash_one() {
    crash victim -u $ALICE -t 30 "$VICTIMS/signals" SEGV
}
with_hook crash_one
ok "trust-p6-cage: the keeper ends" wait_idle 60
ok "trust-p6-cage: a crash of hers is listed" wait_listed victim
inquest bt --json "$(listed victim id)" >"$T/keeper.json"
is "trust-p6-cage: the keeper's analyzer, taken over, can do nothing" "$(achieved "$T/keeper.json")" ""

tries_of() { # NAME COMMAND…: runs `inquest bt` behind it
    local name=$1
    shift
    "$@" "$BIN/inquest" bt --json "$HER/core" >"$T/$name.json" 2>"$T/$name.stderr"
    achieved "$T/$name.json" || cat "$T/$name.stderr"
}
is "trust-p6-cage: a user's analyzer can do nothing to what is his own" "$(tries_of user as_user $ALICE)" ""
# Root may read all programs.
is "trust-p6-cage: nor can root's" "$(tries_of root env | grep -v "could get .*$T/roots-program ")" ""
if command -v strace >/dev/null; then
    without() { # CALL: the kernel doesn't have it
        as_user $ALICE strace -f -o /dev/null -e trace="$1" -e inject="$1:error=ENOSYS" "${@:2}"
    }
    is "trust-p6-cage: nor a user's, where there are no user namespaces" \
        "$(tries_of no-namespaces without unshare)" ""
    is "trust-p6-cage: nor where there is no Landlock" \
        "$(tries_of no-landlock without landlock_create_ruleset)" ""
else
    skip "trust-p6-cage: where walls are missing" "strace is not installed"
fi
state >"$T/after"
is "trust-p6-cage: no file was made, changed or removed" "$(diff "$T/before" "$T/after")" ""
as_user $ALICE "$BIN/inquest" bt "$(listed hers id)" >"$T/bt.said" 2>&1
is "trust-p6-cage: a crash of her own, which she may read, is explained by it" $? 0

# ---- it makes threads -----------------------------------------------------------------------------

make_intruder MULTIPLIES
put_in_place "$T/made.MULTIPLIES"
crash_one() {
    crash many -u $ALICE -t 30 "$VICTIMS/signals" SEGV
}
with_hook crash_one
ok "trust-p6-cage: the keeper ends" wait_idle 60
ok "trust-p6-cage: a crash of hers is listed" wait_listed many
few() { # COMMAND…: its analyzer gets some threads, and no more than that
    local made
    made=$("$@" | jq -r '.problems[0] | sub(" threads"; "")') && note "$made threads"
    [ "$made" -ge 8 ] && [ "$made" -lt 64 ]
}
ok "trust-p6-cage: the keeper's analyzer makes few threads" few inquest bt --json "$(listed many id)"
ok "trust-p6-cage: and root's" few "$BIN/inquest" bt --json "$HER/core"
if as_user $ALICE unshare -U true 2>/dev/null; then
    ok "trust-p6-cage: and a user's" few as_user $ALICE "$BIN/inquest" bt --json "$HER/core"
    # Her own processes don't count.
    as_user $ALICE bash -c 'for ((i = 0; i < 50; i++)); do sleep 15 & done; wait' &
    sleepers=$!
    ok "trust-p6-cage: whose own processes don't count" few as_user $ALICE "$BIN/inquest" bt --json "$HER/core"
    # Before Linux 5.14 they would, and leave none: there is no limit then.
    if [[ $(setarch --uname-2.6 uname -r 2>&1) == 2.6.* ]]; then
        as_user $ALICE setarch --uname-2.6 "$BIN/inquest" bt --json "$HER/core" >"$T/old.json"
        json "trust-p6-cage: an old kernel's count of them limits no threads" "$T/old.json" \
            '.problems[0] | sub(" threads"; "") | tonumber >= 64'
    else
        skip "trust-p6-cage: an old kernel's count of threads" "this kernel cannot be taken for one"
    fi
    wait $sleepers
else
    skip "trust-p6-cage: a user's makes few threads" "no user namespaces for users"
fi
if command -v strace >/dev/null; then
    ok "trust-p6-cage: nor does root's make more, where there are no user namespaces" few \
        strace -f -o /dev/null -e trace=unshare -e inject=unshare:error=ENOSYS \
        "$BIN/inquest" bt --json "$HER/core"
fi

# ---- reports that are none -------------------------------------------------------------------------

# What a terminal would obey: control characters but tab and newline, C1 and changes of direction.
raw_in() { # on stdin: how many lines have such
    LC_ALL=C grep -caP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]'
}
kinds='HUGE ENDLESS MALFORMED NESTED SILENT LIES SHOUTS DIES SLEEPS LINGERS ESCAPES'
for kind in $kinds; do
    make_intruder "$kind"
done
crash_each() {
    local kind deadline
    for kind in $kinds; do
        deadline=2min
        case $kind in SLEEPS | LINGERS) deadline=100ms ;; esac
        printf '[analyze]\ndeadline = %s\n' $deadline | config
        put_in_place "$T/made.$kind"
        kmsg_mark
        crash "$kind" -u $ALICE -t 30 "$VICTIMS/signals" SEGV
        wait_idle 90 || fail "trust-p6-cage: $kind: the keeper does not end"
        kmsg_since | grep -a inquest-keeper >"$T/log.$kind"
    done
}
with_hook crash_each
expect() { # KIND TEXT
    ok "trust-p6-cage: $1: the crash is listed" wait_listed "$1"
    is "trust-p6-cage: $1: with its core" "$(listed "$1" core)" full
    ok "trust-p6-cage: $1: the keeper says '$2'" grep -qa "cannot be explained: .*$2" "$T/log.$1"
    is "trust-p6-cage: $1: and nothing raw" "$(raw_in <"$T/log.$1")" 0
}
expect_from_both() { # KIND TEXT
    expect "$@"
    put_in_place "$T/made.$1"
    as_user $ALICE "$BIN/inquest" bt "$(listed "$1" id)" >"$T/said" 2>&1
    is "trust-p6-cage: $1: her own inquest bt fails" $? 1
    ok "trust-p6-cage: $1: and says why" grep -qa "$2" "$T/said"
    is "trust-p6-cage: $1: and nothing raw" "$(raw_in <"$T/said")" 0
}
expect_from_both HUGE "report is larger than"
expect_from_both ENDLESS "report is larger than"
expect_from_both MALFORMED "no JSON object"
expect_from_both NESTED "too many values, or too deep"
expect_from_both SILENT "no JSON object"
expect_from_both LIES "no text in 'reason'"
expect_from_both SHOUTS "the analyzer failed (status 1): "
expect_from_both DIES "the analyzer was killed by signal 6: "
expect SLEEPS "did not finish in time"
expect LINGERS "did not end in time"
ok "trust-p6-cage: ESCAPES: the crash is listed" wait_listed ESCAPES
inquest bt "$(listed ESCAPES id)" >"$T/said" 2>&1
is "trust-p6-cage: ESCAPES: nothing raw is shown" "$(raw_in <"$T/said")" 0
ok "trust-p6-cage: ESCAPES: but text" grep -qF '\x1b]0;owned' "$T/said"
inquest list --json >"$T/all"
json "trust-p6-cage: the death of an analyzer is no crash to explain" "$T/all" \
    'map(select(tostring | test("inquest-analyzer"))) | length == 0'

# ---- and those that cannot be started --------------------------------------------------------------

cannot_start() { # NAME TEXT
    "$BIN/inquest" bt "$HER/core" >"$T/said" 2>&1
    ok "trust-p6-cage: $1: is told" grep -qa "cannot be started: .*$2" "$T/said"
}
rm -f "$BIN/inquest-analyzer"
echo 'not a program' >"$BIN/inquest-analyzer"
chmod 755 "$BIN/inquest-analyzer"
cannot_start "what is no program" "inquest-analyzer: exec: Exec format error"
rm "$BIN/inquest-analyzer"
mkdir "$BIN/inquest-analyzer"
cannot_start "a folder" "inquest-analyzer: exec: "
rmdir "$BIN/inquest-analyzer"
printf 'int lacking(void) { return 0; }\n' >"$T/lacking.c"
gcc -shared -fPIC -o "$T/liblacking.so" "$T/lacking.c"
printf 'int lacking(void); int main(void) { return lacking(); }\n' >"$T/needs.c"
gcc -o "$BIN/inquest-analyzer" "$T/needs.c" -L"$T" -llacking
cannot_start "a library that is missing" "liblacking.so: cannot open shared object file"

# The crashes are as they were: the real one explains them.
put_in_place "$top_builddir/inquest-analyzer"
ok "trust-p6-cage: the analyzer itself explains what was left" inquest analyze "$(listed victim id)"
inquest bt "$(listed victim id)" >"$T/said"
ok "trust-p6-cage: in full" grep -q fault_segv "$T/said"
finish
