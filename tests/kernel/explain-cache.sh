#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-cache - what the keeper keeps in STORE/cache makes analyses quicker and nothing else:
# reports are the same, byte for byte, with it, without it, and with rubbish in its place.
. "$(dirname "$0")/../lib.sh"
needs_kernel
CACHE=$STORE/cache
build_id=$(readelf -n "$(ldd "$VICTIMS/signals" | awk '/libc\.so/ { print $3 }')" |
    awk '/Build ID/ { print $3 }')
debug=/usr/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug

crash_one() { crash "$1" "$VICTIMS/signals" ABRT; }

# Waits until the keeper has nothing left to do: the cache is the last that it sees to.
explained() { # TAG
    wait_listed "$1" && wait_idle 120 && wait_listed "$1"
}

# A report made now.
analyzed() { # NAME
    inquest analyze "$(listed first id)" >"$T/analyze" 2>&1 || note "$(cat "$T/analyze")"
    cp "$STORE/crashes/0/$(listed first id).report.json" "$T/$1.report"
}

same_report() { # NAME DESCRIPTION
    analyzed "$1"
    ok "explain-cache: the report is the same $2" cmp "$T/none.report" "$T/$1.report"
}

config </dev/null
with_hook crash_one first
ok "explain-cache: a crash is explained" explained first
is "explain-cache: who may look into the cache" "$(stat -c %a "$CACHE" 2>/dev/null)" 750
mv "$CACHE" "$T/kept"
analyzed none
cp -a "$T/kept" "$CACHE"
same_report cached "with the cache"

if [ -d /var/lib/dpkg/info ]; then
    is "explain-cache: dpkg's lists have an index" "$(stat -c %a "$CACHE/packages")" 640
    ok "explain-cache: libc's package is named" grep -q '"libc6 ' "$T/cached.report"
    if is_sanitized; then
        skip "explain-cache: few of dpkg's lists are read with it" "LeakSanitizer and valgrind do not live with strace"
    else
        rm -f "$STORE/crashes/0/$(listed first id).report.json"
        strace -f -e trace=openat -o "$T/all" "$BIN/inquest" bt --json "$(record_of first)" >/dev/null 2>&1
        strace -f -e trace=openat -o "$T/indexed" "$BIN/inquest" bt --json "$(listed first id)" >/dev/null 2>&1
        lists=$(grep -c '\.list"' "$T/indexed") all=$(grep -c '\.list"' "$T/all")
        ok "explain-cache: $lists of dpkg's lists are read with it, $all without" test \
            "$lists" -lt 10 -a "$all" -gt 50
    fi
    truncate -s -1 "$CACHE/packages"
    same_report cut "with an index of packages that is cut short"
    head -c 300000 /dev/urandom >"$CACHE/packages"
    same_report random "with an index of packages that is none"
    : >"$CACHE/packages"
    same_report empty "with an index of packages that is empty"
    # Of other lists than are there now.
    cp "$T/kept/packages" "$CACHE/packages"
    printf '\377\377\377' | dd of="$CACHE/packages" bs=1 seek=16 conv=notrunc status=none
    same_report stale "with an index of packages that is out of date"
else
    skip "explain-cache: dpkg's lists have an index" "no dpkg here"
fi

is_compressed() {
    readelf -SW "$debug" 2>/dev/null | grep -q '\.debug_info .* C '
}

if is_compressed; then
    file=$CACHE/$build_id.debug
    ok "explain-cache: libc's debug file is there, decompressed" test -s "$file"
    is "explain-cache: nothing of it is compressed" "$(readelf -SW "$file" | grep -c ' C  ')" 0
    is "explain-cache: its symbols are those of the installed one" \
        "$(readelf -sW "$file" | awk '{ print $2, $4, $8 }' | sort | md5sum)" \
        "$(readelf -sW "$debug" | awk '{ print $2, $4, $8 }' | sort | md5sum)"
    is "explain-cache: its lines, too" "$(readelf --debug-dump=decodedline "$file" 2>/dev/null | tail -n +4 | md5sum)" \
        "$(readelf --debug-dump=decodedline "$debug" 2>/dev/null | tail -n +4 | md5sum)"
    truncate -s 100000 "$file"
    analyzed half # by a disk that fails: as an installed one that is, it costs lines
    is "explain-cache: a debug file that is cut short costs no frame" \
        "$(jq -c '[.stacks[][] | select(.inlined | not) | .pc]' "$T/half.report" | sort -u)" \
        "$(jq -c '[.stacks[][] | select(.inlined | not) | .pc]' "$T/none.report" | sort -u)"
    cp "$BIN/inquest" "$file"
    same_report stranger "with another file in a debug file's place"
    ln -sf /etc/shadow "$file"
    same_report link "with a link in a debug file's place"
    rm "$file"
    mkfifo "$file"
    same_report fifo "with a FIFO in a debug file's place"
else
    skip "explain-cache: libc's debug file is there, decompressed" "no compressed debug file of libc here"
fi

rm -rf "$CACHE"
printf '[store]\nmax_use = 32M\n' | config
with_hook crash_one small
ok "explain-cache: a crash in a small store is explained" explained small
ok "explain-cache: which has no room for a cache" test ! -e "$CACHE/packages" -a ! -e "$CACHE/$build_id.debug"
cp -a "$T/kept/." "$CACHE"
with_hook crash_one again
ok "explain-cache: what was there goes when the budget shrinks" explained again
ok "explain-cache: nothing is left in it" test -z "$(ls "$CACHE")"
config </dev/null
with_hook crash_one large
explained large
is "explain-cache: stats counts it" "$(inquest stats --json | jq "(if type == \"array\" then .[0] else . end).index_bytes >= $(du -sB1 "$CACHE" | cut -f1) - 4096")" true

# With its owner's rights alone, no keeper could end the analyzer.
rm -rf "$CACHE"
printf '[store]\nmax_use = 64M\n[analyze]\nauto = no\n' | config
with_hook crash_one owned
wait_idle 60
printf '[store]\nmax_use = 64M\n' | config
chown -R 4242:4242 "$STORE"
ok "explain-cache: a debug file that gets too large keeps nobody waiting, whoever owns the store" \
    timeout 60 "$BIN/inquest-keeper" -C "$CONF" --foreground
is "explain-cache: the cache is the store's owner's" "$(stat -c %u "$CACHE" "$CACHE/packages" | sort -u)" 4242
finish
