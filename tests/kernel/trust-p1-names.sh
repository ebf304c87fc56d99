#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-names - whoever could put links, FIFOs or directories where the hook's and the keeper's next
# names will be gains nothing: nothing outside the store is written or waited for, and the crash is kept.
. "$(dirname "$0")/../lib.sh"
needs_kernel
printf '[storm]\nwindow = 10min\n[analyze]\nauto = no\n' | config
BUILD_ID=$(readelf -n "$VICTIMS/signals" | sed -n 's/.*Build ID: //p')

victim() { # TAG
    crash "$1" -t 30 "$VICTIMS/signals" SEGV
}

# The hook's script: what is planted at each name that the crash could get.
plant() { # COMMAND, with $name for the name
    cat >"$T/first" <<END
precious=$T/precious
id=\$(date -u -d "@\$2" +%Y%m%d-%H%M%S)-\$1
for at in new/\$id.core.zst.part new/\$id.core.zst new/.\$id.core.zst.part crashes/0/\$id.core.zst \\
    crashes/0/\$id.report.json crashes/0/\$id.pin; do
    name=$STORE/\$at
    mkdir -p -m 750 "$STORE/crashes/0"
    $1
done
END
}

# What is not named after a crash: tables, locks, the index, kept modules.
plant_tables() { # COMMAND, with $name for the name
    cat >"$T/first" <<END
precious=$T/precious
mv /run/inquest/memory "$T/memory.away" 2>/dev/null
mv /run/inquest/storm "$T/storm.away" 2>/dev/null
for name in /run/inquest/memory /run/inquest/storm "$STORE"/new/.ledger "$STORE"/new/.lock \\
    "$STORE"/new/.analysis "$STORE"/index.db "$STORE"/index.db-wal "$STORE"/index.db-shm \\
    "$STORE"/crashes/0 "$STORE/modules/$BUILD_ID"; do
    $1
done
END
}
put_back() {
    local name
    for name in memory storm; do
        [ ! -e "$T/$name.away" ] || mv -f "$T/$name.away" "/run/inquest/$name"
    done
}
finally put_back

survives() { # TAG
    local p="trust-p1-names-$1" tag=$1
    echo precious >"$T/precious"
    chmod 600 "$T/precious"
    was=$(stat -c '%i %h %a %u %s' "$T/precious")
    with_hook -b first victim "$tag"
    put_back
    is "$p: something was in the way" "$(cat "$T/first.out")" ''
    is "$p: the victim is let go" "$(said "$tag" hung)" null
    ok "$p: hook and keeper end" wait_idle 20
    is "$p: what it leads to is untouched" "$(cat "$T/precious")" precious
    if [ "$tag" != hardlink ]; then
        is "$p: and its owner, mode and links" "$(stat -c '%i %h %a %u %s' "$T/precious")" "$was"
    fi
    timeout $((20 * PATIENCE)) "$BIN/${UNDER}inquest-keeper" -C "$CONF" --foreground --no-analysis 2>/dev/null
    is "$p: the keeper ends" $(($? == 124)) 0
    if [[ $tag == *-tables ]]; then # what waits then comes in once they are away
        find "$STORE" \( -type l -o -type p \) -delete
        keeper --no-analysis 2>/dev/null
    else
        rm -rf "$STORE"/crashes/0/*.{report.json,pin} "$STORE"/new/*
    fi
    ok "$p: the crash is listed" wait_listed "$tag" 5
    inquest dump "pid=$(said "$tag" pid)" >"$T/dumped"
    ok "$p: whole" core_is_whole "$T/dumped"
    new_store
}

plant 'ln -s "$precious" "$name"'
survives symlink
plant_tables 'ln -s "$precious" "$name"'
survives symlink-tables
plant_tables 'mkfifo "$name"'
survives fifo-tables
plant 'ln -s "$precious-that-is-not" "$name"'
survives dangling
ok "trust-p1-names-dangling: nothing was made there" test ! -e "$T/precious-that-is-not"
plant 'ln "$precious" "$name"'
survives hardlink
plant 'mkfifo "$name"'
survives fifo
plant 'mkdir "$name"'
survives directory
finish
