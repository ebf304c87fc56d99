#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# dump.sh - the core comes back as it was, sparse where it is zero, and errors are errors.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"

# No segment ends behind the file's end.
core_is_inside() { # FILE
    local offset filesz size seen=0
    size=$(stat -c %s "$1")
    while read -r _ offset _ _ filesz _; do
        seen=1
        [ $((offset + filesz)) -le "$size" ] || return 1
    done < <(readelf -lW "$1" 2>/dev/null | grep -E '^ *(LOAD|NOTE) ')
    [ $seen = 1 ]
}

"$MAKE_CORE" pid=100 data=300000 zeros=50000000 >"$T/whole"
inquest import -q --no-analysis "$T/whole"
whole=$(ids)
size=$(stat -c %s "$T/whole")

ok "dump to a pipe is the core, byte for byte" cmp "$T/whole" <(inquest dump)
is "and exits 0" "$(exit_of inquest dump 100)" 0
is "dump to a file exits 0" "$(exit_of inquest dump 100 -o "$T/dumped")" 0
ok "and is the core, byte for byte" cmp "$T/whole" "$T/dumped"
ok "the file has holes" test "$(($(stat -c '%b*512' "$T/dumped")))" -lt 2000000
is "nobody else may read it" "$(stat -c %a "$T/dumped")" 600
ok "zstd alone gives the core, too" cmp "$T/whole" <(zstd -dcq "$STORE"/crashes/*/"$whole.core.zst")
ok "readelf takes it" core_is_inside "$T/dumped"

is "dump to a full disk fails" "$(inquest dump >/dev/full 2>"$T/err"; echo $?)" 1
ok "and says so" grep -q 'No space left' "$T/err"
is "dump -o /dev/full fails" "$(exit_of inquest dump -o /dev/full)" 1
is "dump -o below a file fails" "$(exit_of inquest dump -o "$T/whole/x")" 1
is "dump of nothing that matches exits 2" "$(exit_of inquest dump nosuch)" 2
is "a terminal gets no core" \
    "$(script -qec "'$INQUEST' dump" /dev/null >"$T/out" 2>&1 </dev/null; echo $?)" 1
ok "but a word" test "$(wc -c <"$T/out")" -lt 300

# A core that was cut short.
head -c 200000 "$T/whole" >"$T/cut"
touch -d 2026-11-01 "$T/cut"
inquest import -q --no-analysis "$T/cut"
cut=$(ids core=truncated)
ok "a cut core is listed as truncated" test -n "$cut"
is "its size is that of the whole" "$(inquest list "$cut" -F core_size)" "$size"
is "its dump exits 3" "$(exit_of inquest dump "$cut" -o "$T/composed")" 3
ok "and is a core whose segments are all there" core_is_inside "$T/composed"
ok "with the content that there is" cmp -n 190000 -i 64 "$T/whole" "$T/composed"

rm "$STORE"/crashes/*/"$whole.core.zst"
is "a core that is gone cannot be dumped" "$(exit_of inquest dump "$whole" -o "$T/gone")" 1
ok "and leaves no file" test ! -e "$T/gone"
finish
