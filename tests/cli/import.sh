#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# import.sh - cores and records from elsewhere, with the facts that they tell, from root and others.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

"$MAKE_CORE" pid=321 tid=322 uid=1234 gid=1235 signal=7 code=2 address=0xdeadbeef comm=worker \
    args='./worker --fast ' exe=/srv/worker >"$T/core"
touch -d '2026-11-01 12:34:56' "$T/core"
is "import says the id" "$(inquest import --no-analysis "$T/core" | cut -d' ' -f1)" 20261101-123456-321
inquest info --json 321 >"$T/info"
json "facts come from the notes" "$T/info" \
    '.pid == 321 and .tid == 322 and .uid == 1234 and .gid == 1235 and .signal == 7 and
     .comm == "worker" and .exe == "/srv/worker" and .metadata.si_code == 2 and
     .metadata.fault_address == "0xdeadbeef" and .metadata.cmdline == "./worker --fast" and
     .metadata.source == "import" and .core == "full"'
json "metadata has every known key" "$T/info" \
    '.metadata | has("cwd") and has("proc.maps") and has("held_us") and .cwd == null'
ok "the core comes back" cmp "$T/core" <(inquest dump 321)

zstd -q "$T/core" -o "$T/core.zst"
touch -d '2026-11-02' "$T/core.zst"
is "a compressed core is imported" \
    "$(inquest import --json --no-analysis "$T/core.zst" | jq -r '.[0].id')" 20261102-000000-321
ok "and comes back uncompressed" cmp "$T/core" <(inquest dump 20261102-000000-321)
# shellcheck disable=SC2002 # a pipe is the point
is "a pipe is imported" "$(cat "$T/core" | inquest import -q --no-analysis -; echo $?)" 0
is "and one of the shell's, by its name" \
    "$(inquest -D "$T/piped" import -q --no-analysis <(cat "$T/core"); echo $?)" 0
for closed in '<&- 2>&-' '<&- >&- 2>&-'; do
    is "a core is imported with $closed" \
        "$(eval "inquest -D '$T/closed' import '$T/core' $closed" >/dev/null; echo $?)" 0
    is "and explained" "$(eval "inquest bt '$T/core' $closed" >/dev/null; echo $?)" 0
done
ok "and the store is whole" inquest -D "$T/closed" check
# Who is started with SIGCHLD ignored is not told how a child of his ended.
mv "$BIN/inquest-analyzer" "$T/analyzer"
echo 'not a program' >"$BIN/inquest-analyzer"
chmod 755 "$BIN/inquest-analyzer"
(trap '' CHLD && exec "$INQUEST" bt "$T/core") >"$T/out" 2>"$T/err"
is "an analyzer that cannot be started is told of, whatever SIGCHLD does" \
    "$? $(grep -c "cannot be started: .*Exec format error" "$T/err")" "1 1"
mv "$T/analyzer" "$BIN/inquest-analyzer"
is "what has the same second and PID gets the next free id" \
    "$(inquest import --json --no-analysis "$T/core" "$T/core" | jq -c 'map(.id)')" \
    '["20261101-123456-321.2","20261101-123456-321.3"]'
"$MAKE_CORE" pid=321 comm=other >"$T/namesake"
touch -d '2026-11-01 12:34:56' "$T/namesake"
is "another process, too" \
    "$(inquest import --json --no-analysis "$T/namesake" | jq -r '.[0].id')" 20261101-123456-321.4
is "and replaces nothing" "$(inquest list -F comm 20261101-123456-321)" worker

# A time that cannot have been: no crash is the latest for ever.
import_day() { # FILE
    inquest -D "$T/times" import --json --no-analysis "$1" | jq -r '.[0].id[:8]'
}
for times in '2 days:' 2400-01-01: 1930-01-01:19700101; do
    touch -d "${times%:*}" "$T/namesake"
    day=${times#*:}
    is "a core of '${times%:*}' is of ${day:-today}" "$(import_day "$T/namesake")" "${day:-$(date +%Y%m%d)}"
done
if [ "$(id -u)" = 0 ] && mkdir "$T/far" && mount -t tmpfs -o size=1M none "$T/far"; then
    unmount_finally "$T/far"
    for seconds in 9223372036854 9223372036855 99999999999999 9223372036854775807; do
        cp "$T/namesake" "$T/far/core"
        touch -d "@$seconds" "$T/far/core" # which ext4 cannot hold
        is "a core of second $seconds is of today" "$(import_day "$T/far/core")" "$(date +%Y%m%d)"
    done
else
    skip "a core of a far second is of today" "no tmpfs is to be mounted"
fi

# A record keeps its facts.
inquest import -q --no-analysis -D "$T/other" "$STORE"/crashes/*/20261101-123456-321.core.zst
inquest -D "$T/other" info --json >"$T/info2"
json "a record of another store keeps id, time and facts" "$T/info2" \
    '.id == $a[0].id and .time == $a[0].time and .metadata.cmdline == $a[0].metadata.cmdline' \
    --slurpfile a "$T/info"
ok "and its core" cmp "$T/core" <(inquest -D "$T/other" dump)

# A bundle, as `inquest export --bundle` writes it: its record is taken, and nothing else.
bundle() { # TAR-ARGUMENT…
    tar -C "$T/bundled" --format=ustar -c "$@" | zstd -q -f -o "$T/bundle.tar.zst"
}
mkdir -p "$T/bundled/20261101-123456-321/root"
echo hello >"$T/bundled/20261101-123456-321/README"
cp "$BIN/inquest" "$T/bundled/20261101-123456-321/root/program"
cp "$STORE"/crashes/*/20261101-123456-321.core.zst "$T/bundled/20261101-123456-321/"
bundle 20261101-123456-321/README 20261101-123456-321/root 20261101-123456-321/20261101-123456-321.core.zst
is "a bundle is imported" \
    "$(inquest -D "$T/third" import --json --no-analysis "$T/bundle.tar.zst" | jq -r '.[0].id')" \
    20261101-123456-321
ok "with its core" cmp "$T/core" <(inquest -D "$T/third" dump)
bundle 20261101-123456-321/README
is "a bundle without a record is refused" "$(exit_of inquest import "$T/bundle.tar.zst")" 1
ln -s /etc/passwd "$T/bundled/20261101-000000-1.core.zst"
bundle 20261101-000000-1.core.zst
is "a link is no record" "$(exit_of inquest import "$T/bundle.tar.zst")" 1
bundle 20261101-123456-321
head -c 50000 "$T/bundle.tar.zst" >"$T/cut.tar.zst"
is "a bundle that is cut is refused" "$(exit_of inquest import "$T/cut.tar.zst")" 1

# A bundle may be a bomb: no member is larger than a core may be, or than the disk has room for.
claim() { # SIZE [ZEROS]: 12 bytes of a header, in printf's escapes; how many follow
    printf 'x' >"$T/bundled/20261101-000000-1.core.zst.x"
    tar -C "$T/bundled" --format=ustar --transform 's/[.]x$//' -cf "$T/bomb.tar" 20261101-000000-1.core.zst.x
    printf %b "$1" | dd of="$T/bomb.tar" bs=1 seek=124 conv=notrunc status=none
    { cat "$T/bomb.tar"; head -c "${2:-0}" /dev/zero; } | zstd -q -1 -f -o "$T/bundle.tar.zst"
}
claim '\0200\0\0\0\0\0\0\0100\0\0\0\0' # 256 GiB
is "a bundle whose record is too large is refused" "$(exit_of inquest import "$T/bundle.tar.zst")" 1
ok "and it is said" grep -q "larger than max_core" "$T/err"
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=32M none "$T/small"; then
    unmount_finally "$T/small"
    export TMPDIR=$T/small
    claim 10000000000 1100000000 # 1 GiB
    is "and one that the disk has no room for" "$(exit_of inquest import "$T/bundle.tar.zst")" 1
    ok "and it is said" grep -q "$T/small has too little room" "$T/err"
    # shellcheck disable=SC2317 # called by name
    too_much() {
        { cat "$T/core"; head -c 64M /dev/urandom; } | inquest import -
    }
    is "likewise what comes by a pipe" "$(exit_of too_much)" 1
    ok "and it is said" grep -q "$T/small has too little room" "$T/err"
    { cat "$T/core"; head -c 64M /dev/urandom; } | zstd -q -1 -f -o "$T/much.zst"
    is "and what is compressed" "$(exit_of inquest bt "$T/much.zst")" 1
    ok "and it is said" grep -q "$T/small has too little room" "$T/err"
    { cat "$T/core"; head -c 64M /dev/zero; } | zstd -q -1 -f -o "$T/much.zst"
    is "but zeros need none" "$(exit_of inquest bt "$T/much.zst")" "$(exit_of inquest bt "$T/core")"
    is "and nothing is left" "$(($(stat -f -c %b-%f "$T/small")))" 0
    unset TMPDIR
else
    skip "and one that the disk has no room for" "no tmpfs is to be mounted"
fi

# What is no core.
echo 'not a core' >"$T/text"
: >"$T/empty"
head -c 3000 /dev/urandom >"$T/noise"
head -c 40 "$T/core" >"$T/short"
cp "$BIN/inquest" "$T/program"
before=$(ids)
for file in text empty noise short program; do
    is "$file is refused" "$(exit_of inquest import --no-analysis "$T/$file")" 1
done
is "a missing file is refused" "$(exit_of inquest import "$T/nosuch")" 1
is "a directory is refused" "$(exit_of inquest import "$T")" 1
is "nothing of them is kept" "$(ids)" "$before"
is "nor left in new/" "$(find "$STORE/new" -name "*.zst*")" ""
is "a good file beside a bad one is imported" \
    "$(inquest import --no-analysis "$T/text" "$T/core" 2>/dev/null | wc -l)" 1

# A hostile core: bytes of the headers and notes in turn.
"$MAKE_CORE" pid=9 data=4096 >"$T/whole"
worse=0
for ((i = 0; i < 1400; i += 37)); do
    cp "$T/whole" "$T/hostile"
    printf '\377' | dd of="$T/hostile" bs=1 seek=$i conv=notrunc status=none
    status=$(exit_of inquest -D "$T/hostile.store" import -q --no-analysis "$T/hostile")
    [ "$status" -le 1 ] || { note "byte $i: exit $status"; worse=1; }
done
is "a hostile core is imported or refused, never worse" $worse 0
ok "and some are imported" inquest -D "$T/hostile.store" list

if [ "$(id -u)" = 0 ]; then
    is "collect-p6-import: what a core claims of other users gives them nothing" \
        "$(find "$STORE/crashes" -name '*.core.zst' ! -path "$STORE/crashes/0/*" | wc -l)" 0
    mkdir -p "$T/home.1234"
    chown 1234:1234 "$T/home.1234"
    chmod 644 "$T/core" "$T/core.zst"
    unset INQUEST_STORE
    is "collect-p6-import: a plain core is imported without root" \
        "$(as_user 1234 "$INQUEST" import --no-analysis "$T/core" 2>&1 | cut -d' ' -f1)" \
        20261101-123456-321
    is "collect-p6-import: and one compressed with zstd" \
        "$(as_user 1234 "$INQUEST" import --no-analysis "$T/core.zst" 2>&1 | cut -d' ' -f1)" \
        20261102-000000-321
    own=$T/home.1234/data/inquest/crashes/1234/20261101-123456-321.core.zst
    is "collect-p6-import: it lies in the user's own store" "$(stat -c %u "$own")" 1234
    is "collect-p6-import: and is listed" \
        "$(as_user 1234 "$INQUEST" list -F uid | tr '\n' ' ')" "1234 1234 "
    ok "collect-p6-import: and comes back" cmp "$T/core" <(as_user 1234 "$INQUEST" dump -1)
    is "collect-p6-import: and goes without root" \
        "$(as_user 1234 "$INQUEST" rm -y --all 321 >"$T/out" 2>&1; echo $?)" 0
    is "collect-p6-import: and is gone" \
        "$(as_user 1234 "$INQUEST" list >/dev/null 2>&1; echo $?)" 2
fi
finish
