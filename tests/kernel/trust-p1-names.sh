#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-names - whoever could put links, FIFOs or directories where the hook's and the keeper's next
# names will be gains nothing: nothing outside the store is written or waited for, and the crash is kept.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

victim() { # TAG
    crash "$1" -t 30 "$VICTIMS/signals" SEGV
}

# The hook's script: what is planted at each name that the crash could get.
plant() { # COMMAND, with $name for the name
    cat >"$T/first" <<END
precious=$T/precious
id=\$(date -u -d "@\$2" +%Y%m%d-%H%M%S)-\$1
for at in new/\$id.core.zst.part new/\$id.core.zst new/.\$id crashes/0/\$id.core.zst \\
    crashes/0/\$id.report.json crashes/0/\$id.pin; do
    name=$STORE/\$at
    mkdir -p -m 750 "$STORE/crashes/0"
    $1
done
END
}

survives() { # TAG
    local p="trust-p1-names-$1" tag=$1
    echo precious >"$T/precious"
    chmod 600 "$T/precious"
    was=$(stat -c '%i %h %a %u %s' "$T/precious")
    with_hook -b first victim "$tag"
    is "$p: something was in the way" "$(cat "$T/first.out")" ''
    is "$p: the victim is let go" "$(said "$tag" hung)" null
    ok "$p: hook and keeper end" wait_idle 20
    is "$p: what it leads to is untouched" "$(cat "$T/precious")" precious
    if [ "$tag" != hardlink ]; then
        is "$p: and its owner, mode and links" "$(stat -c '%i %h %a %u %s' "$T/precious")" "$was"
    fi
    timeout 20 "$BIN/inquest-keeper" -C "$CONF" --foreground --no-analysis 2>/dev/null
    is "$p: the keeper ends" $(($? == 124)) 0
    rm -rf "$STORE"/crashes/0/*.{report.json,pin} "$STORE"/new/*
    ok "$p: the crash is listed" wait_listed "$tag" 5
    inquest dump "pid=$(said "$tag" pid)" >"$T/dumped"
    ok "$p: whole" core_is_whole "$T/dumped"
    new_store
}

plant 'ln -s "$precious" "$name"'
survives symlink
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
