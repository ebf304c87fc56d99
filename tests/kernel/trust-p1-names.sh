#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-names - whoever could put links, FIFOs or directories where the hook's, the keeper's and the
# analysis' next names will be gains nothing: nothing outside the store is written, made, opened up or
# waited for, and the crash is kept.
. "$(dirname "$0")/../lib.sh"
needs_kernel
# Of so many crashes of one program none is a storm's.
printf '[storm]\nwindow = 10min\nfull = 500\nstacks = 600\n[analyze]\nauto = no\n' | config
cp "$CONF" "$T/conf.collect"
sed 's/^auto = no/auto = yes/' "$CONF" >"$T/conf.explain"
BUILD_ID=$(readelf -n "$VICTIMS/signals" | sed -n 's/.*Build ID: //p')
LIBC_ID=$(readelf -n "$(ldd "$VICTIMS/signals" | awk '/libc\.so/ { print $3 }')" | sed -n 's/.*Build ID: //p')
ALICE=61001
cp "$VICTIMS/signals" "$T/signals"

victim() { # TAG
    crash "$1" -u $ALICE -t 30 "$T/signals" SEGV
}

# Where something is planted: what is named after the crash ($id), by hook and keeper; tables, locks,
# the index and kept modules; what analysis and users' own indexes write; what hooks share.
declare -A PLACES=(
    [crash]='new/$id.core.zst.part new/$id.core.zst new/.$id.core.zst.part crashes/$uid/$id.core.zst
        crashes/$uid/$id.report.json crashes/$uid/$id.pin'
    [tables]='/run/inquest/memory /run/inquest/storm new/.ledger new/.lock new/.analysis index.db
        index.db-wal index.db-shm index.db.damaged crashes/$uid modules/$build_id cache'
    [logs]='index.db-wal index.db-shm crashes/$uid/index.db-wal crashes/$uid/index.db-shm'
    [within]='cache/packages cache/part cache/$build_id.debug cache/$libc_id.debug crashes/$uid/index.db
        crashes/$uid/index.db-wal crashes/$uid/index.db-shm crashes/$uid/index.db.damaged
        crashes/$uid/modules crashes/$uid/.$id.report.json.new crashes/$uid/.$id.core.zst.new'
    [runtime]='/run/inquest'
    [runtime-new]='/run/inquest/new'
)
# And how. $precious is a file of root's, $elsewhere a directory with one.
declare -A KINDS=(
    [symlink]='ln -s "$precious" "$name"' [symlink-directory]='ln -s "$elsewhere" "$name"'
    [dangling]='ln -s "$precious-that-is-not" "$name"' [hardlink]='ln "$precious" "$name"'
    [fifo]='mkfifo "$name"' [directory]='mkdir "$name"'
)

# What of another place is moved away while something is planted there, and put back.
AWAY=/run/inquest.away.$$
put_back() {
    local name
    for name in memory storm new; do
        [ ! -e "$AWAY.$name" ] || { remove "/run/inquest/$name"; mv "$AWAY.$name" "/run/inquest/$name"; }
    done
    if [ -e "$AWAY" ]; then
        remove /run/inquest
        mv "$AWAY" /run/inquest
    fi
}
finally put_back
remove() { # NAME: what was planted there, or what was made instead
    if [ -d "$1" ] && [ ! -L "$1" ]; then rm -rf "$1"; else rm -f "$1"; fi
}

# The hook's script, to its end before the hook begins.
plant() { # PLACE KIND
    cat >"$T/first" <<END
precious=$T/precious elsewhere=$T/elsewhere uid=\$3 build_id=$BUILD_ID libc_id=$LIBC_ID
id=\$(date -u -d "@\$2" +%Y%m%d-%H%M%S)-\$1
: >"$T/planted"
for at in ${PLACES[$1]//$'\n'/ }; do
    case \$at in
    /run/inquest) name=\$at; mkdir -p "\$at"; mv "\$at" "$AWAY" ;;
    /run/inquest/*) name=\$at; mkdir -p /run/inquest; [ ! -e "\$at" ] || mv "\$at" "$AWAY.\${at##*/}" ;;
    cache/* | crashes/*/*) name=$STORE/\$at; mkdir -p -m 750 "\${name%/*}" ;;
    *) name=$STORE/\$at ;;
    esac
    ${KINDS[$2]}
    echo "\$name" >>"$T/planted"
done
END
}
# The names that are planted and still that; a directory in the place of one is as good as another.
unplant() {
    local name
    while read -r name; do
        case $name in
        /run/*) ;;
        *) if [ -L "$name" ] || [ -p "$name" ] || [ "$name" -ef "$T/precious" ]; then
            rm -f "$name"
        elif [[ $name != */crashes/$ALICE && $name != */cache && $name != */modules ]]; then
            [ ! -d "$name" ] || rmdir "$name"
        fi ;;
        esac
    done <"$T/planted"
}
outside() { # KIND: all of what is led to, but how many names it has
    stat -c '%i %a %u %g %s' "$T/precious" "$T/elsewhere/precious"
    [ "$1" = hardlink ] || stat -c %h "$T/precious"
    getfacl -cnE "$T/precious" "$T/elsewhere" 2>/dev/null
    cat "$T/precious" "$T/elsewhere/precious"
    find "$T/elsewhere" "$T/precious-that-is-not" -printf '%p %i %m %U %s\n' 2>/dev/null
}

survives() { # PLACE KIND
    local tag=$2-$1 p="trust-p1-names-$2-$1"
    echo precious >"$T/precious"
    rm -rf "$T/elsewhere"
    mkdir "$T/elsewhere"
    echo precious too >"$T/elsewhere/precious"
    chmod 600 "$T/precious" "$T/elsewhere/precious"
    outside "$2" >"$T/outside.before"
    cp "$T/conf.collect" "$CONF"
    [ "$1" != within ] || cp "$T/conf.explain" "$CONF"
    plant "$1" "$2"
    kmsg_mark
    with_hook -b first victim "$tag"
    is "$p: something was in the way" "$(cat "$T/first.out")" ''
    is "$p: the victim is let go" "$(said "$tag" hung)" null
    ok "$p: hook and keeper end" wait_idle 60
    [ "$1" != tables ] || ok "$p: what holds no more is told" \
        grep -qE "process $(said "$tag" pid)\b.*\[storm\] does not hold: .*/run/inquest/storm" <(kmsg_since)
    put_back
    timeout $((60 * PATIENCE)) "$BIN/${UNDER}inquest-keeper" -C "$CONF" --foreground 2>/dev/null
    is "$p: the keeper ends" $(($? == 124)) 0
    outside "$2" >"$T/outside.after"
    ok "$p: what it leads to is untouched" diff "$T/outside.before" "$T/outside.after"
    unplant
    keeper --no-analysis 2>/dev/null # what waited comes in
    ok "$p: the crash is listed" wait_listed "$tag" 5
    inquest dump "pid=$(said "$tag" pid)" >"$T/dumped"
    ok "$p: whole" core_is_whole "$T/dumped"
    outside "$2" >"$T/outside.after"
    ok "$p: and still untouched" diff "$T/outside.before" "$T/outside.after"
    new_store
}

for kind in symlink symlink-directory dangling hardlink fifo directory; do
    for place in crash tables logs within runtime runtime-new; do
        survives $place $kind
    done
done
finish
