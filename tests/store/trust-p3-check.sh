#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-check - each kind of damage that `inquest check` knows, done to a store of real records: it
# is found, named, and repaired where that can be, and the exit code tells; then nothing is wrong any
# more, and no crash is lost by it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../cli/store.sh"

for i in 1 2 3; do
    import_core "2026-11-0$i" pid=$i "comm=c$i" || bail "import failed"
done
id=20261102-000000-2
owner=$(basename "$(dirname "$(echo "$STORE"/crashes/*/$id.core.zst)")")
record=$STORE/crashes/$owner/$id.core.zst
cp -a "$STORE" "$T/sound"
sound_store() {
    rm -rf "$STORE"
    cp -a "$T/sound" "$STORE"
}

# What check says of the store as it is now: exit code, kinds, how many of them are repaired.
checked() { # [OPTION…]
    local status
    inquest check --json "$@" >"$T/check" 2>"$T/check.err"
    status=$?
    echo "$status $(jq -r '"\([.findings[].kind] | unique | join(",")) \(.repaired)/\(.found)"' "$T/check")"
}

# Without a repair it is found and the exit code is 1; with one, 0, and the next check finds nothing.
repairs() { # KIND NAME [CRASHES-THEN]
    is "trust-p3-check: $2: is found, and left with --dry-run" "$(checked --dry-run)" "1 $1 0/1"
    is "trust-p3-check: $2: is repaired" "$(checked)" "0 $1 1/1"
    is "trust-p3-check: $2: then nothing is wrong" "$(checked)" "0  0/0"
    is "trust-p3-check: $2: and no crash is lost" "$(inquest list --json | jq length)" "${3:-3}"
    sound_store
}
# What cannot be repaired is found again and again.
tells() { # KIND NAME
    is "trust-p3-check: $2: is told" "$(checked)" "1 $1 0/1"
    is "trust-p3-check: $2: each time" "$(checked)" "1 $1 0/1"
}
sql() {
    /usr/bin/python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database: database.execute(sys.argv[2])' "$STORE/index.db" "$1"
}

is "trust-p3-check: a sound store" "$(checked)" "0  0/0"

rm "$record"
repairs row-without-file "a row without a file" 2
sql "DELETE FROM crash WHERE id = '$id'"
repairs file-without-row "a file without a row"
sql "UPDATE crash SET stored_size = 1 WHERE id = '$id'"
repairs row-differs "a row that says another size"
sql "UPDATE usage SET bytes = bytes + 4096000"
repairs totals "totals that are off"

# ---- what hooks and keepers leave that died ----
cp "$record" "$STORE/new/20261104-000000-4.core.zst"
repairs file-without-row "a record that nobody adopted" 4
head -c $(($(stat -c %s "$record") * 2 / 3)) "$record" >"$STORE/new/20261104-000000-4.core.zst.part"
repairs orphan-part "a dead hook's .part" 4
head -c 3000 "$record" >"$STORE/new/.20261104-000000-4.core.zst.part"
repairs orphan-part "one that has no name yet, of a crash without another" 4
touch "$STORE/crashes/$owner/20261104-000000-4.pin"
repairs orphan-file "a pin of nothing"
touch -d '2 hours ago' "$STORE/crashes/$owner/.$id.new"
repairs orphan-file "a temporary file that nobody is at"
echo '{}' >"$STORE/crashes/$owner/20261104-000000-4.report.json"
tells orphan-file "a report without a record, which is kept"
sound_store

# ---- owners, modes, ACLs ----
chmod 666 "$record"
repairs mode "a record that everybody may write"
chmod 777 "$STORE/crashes/$owner"
repairs mode "a directory that everybody may write"
chmod 755 "$STORE/crashes"
repairs mode "a list of all that everybody may read"
chmod 755 "$STORE/new"
repairs mode "new crashes that everybody may read"
mkdir -m 777 "$STORE/crashes/$owner/modules"
repairs mode "kept modules that everybody may replace"
mkdir -m 755 "$STORE/cache"
repairs mode "a cache that everybody may list"
ln -s "$T" "$STORE/cache"
tells mode "a link in place of a directory"
rm "$STORE/cache"
for file in index.db crashes/$owner/$id.pin modules/0123 cache/packages; do
    [ "$file" != cache/packages ] || mkdir -m 750 "$STORE/cache"
    [ -e "$STORE/$file" ] || inquest pin -q "$id" # which makes one of them
    [ -e "$STORE/$file" ] || touch "$STORE/$file"
    chmod 666 "$STORE/$file"
    repairs mode "$file, which everybody may write"
done
inquest analyze -q "$id" >"$T/out" 2>&1
chmod 644 "$STORE/crashes/$owner/$id.report.json"
repairs mode "a report that everybody may read"
if setfacl -m u:61001:rw "$record" 2>"$T/setfacl.err"; then
    repairs mode "an ACL that the facts do not lead to"
    setfacl -m u:61001:rx "$STORE/crashes/$owner"
    repairs mode "a stranger in the ACL of a directory"
    setfacl -m u:61001:r "$STORE/index.db"
    repairs mode "a stranger in the ACL of the index"
else
    skip "trust-p3-check: an ACL" "no ACLs here: $(cat "$T/setfacl.err")"
fi
if [ "$(id -u)" = 0 ]; then
    chown 61001 "$record"
    repairs mode "a record of another owner"
    chgrp 61001 "$record"
    repairs mode "a record of another group"
    install -m 600 /dev/null "$STORE/modules/0123"
    chown 61001 "$STORE/modules/0123"
    repairs mode "a private module of another owner"
    mkdir -m 750 "$STORE/crashes/$owner/modules"
    chown 61001 "$STORE/crashes/$owner/modules"
    repairs mode "a directory of modules of another owner"
    chown 61001 "$STORE/crashes/$owner"
    repairs mode "a directory of another owner"

    # A store of inquest's: what its owner cannot even open, the root who checks it can.
    closed() { # NAME FILE…
        local name=$1
        shift
        chown -R 61003:61003 "$STORE"
        chown 61002 "$@"
        chmod go-rwx "$@"
        is "trust-p3-check: $name: is found" "$(checked --dry-run)" "1 mode 0/$#"
        is "trust-p3-check: $name: is repaired" "$(checked | sed 's:\(.*\)/\1$:all:')" "0 mode all"
        is "trust-p3-check: $name: then nothing is wrong" "$(checked)" "0  0/0"
        is "trust-p3-check: $name: nor another's" "$(find "$STORE" ! -uid 61003)" ""
        sound_store
    }
    closed "a record that its owner cannot read" "$record"
    inquest analyze -q "$id" >"$T/out" 2>&1
    closed "nor its report" "$record" "${record%.core.zst}.report.json"
    closed "a directory that its owner cannot list" "$STORE/crashes/$owner"
    install -m 640 /dev/null "$STORE/modules/0123"
    closed "a module of another" "$STORE/modules/0123"

    # A name of what is elsewhere is not given to him.
    chown -R 61003:61003 "$STORE"
    for mode in 600 644; do
        rm -f "$T/elsewhere" "$STORE/modules/4567"
        install -m $mode /dev/null "$T/elsewhere"
        ln "$T/elsewhere" "$STORE/modules/4567"
        tells mode "a name of what is elsewhere, of mode $mode"
        is "trust-p3-check: and it stays root's" "$(stat -c %u:%a "$T/elsewhere")" 0:$mode
    done
    sound_store
else
    skip "trust-p3-check: owners" "not root"
fi

# ---- what waits in /run while the store was away ----
if [ "$(id -u)" = 0 ] && unshare -m true 2>"$T/unshare.err"; then
    mkdir -p /run/inquest
    runtime() { # COMMAND…
        # shellcheck disable=SC2016 # for the shell inside
        unshare -m --propagation private bash -c 'mount --bind "$0" /run/inquest && exec "$@"' \
            "$T/runtime" "$@"
    }
    mkdir -p "$T/runtime/new"
    live=$T/runtime/new/20261104-000000-4.core.zst.part
    head -c 3000 "$record" >"$live"
    exec {hook}<"$live"
    flock -n $hook
    for option in --dry-run --quick; do
        is "trust-p3-check: what a hook is at in /run is no finding, with $option" \
            "$(runtime "$INQUEST" check $option --json | jq .found)" 0
    done
    exec {hook}<&-
    is "trust-p3-check: what a dead one has left there is" \
        "$(runtime "$INQUEST" check --dry-run --json | jq -c '[.findings[].kind]')" '["file-without-row"]'
    runtime "$INQUEST" check >"$T/out" 2>&1
    is "trust-p3-check: and is taken home" "$(inquest list --json | jq length)" 4
    sound_store
else
    skip "trust-p3-check: what waits in /run" "not root: $(cat "$T/unshare.err" 2>&1)"
fi

# ---- contents ----
damage() { # FILE OFFSET
    printf 'damage' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
damage "$record" 30000
tells frame-damaged "a core whose checksum fails"
json "trust-p3-check: where in the core it is" "$T/check" \
    '.frames_damaged == 1 and (.findings[0] | .id == $id and .content_offset >= 0 and .size > 0)' \
    --arg id "$id"
is "trust-p3-check: --quick does not read it" "$(checked --quick)" "0  0/0"
sound_store
head -c 100 /dev/urandom >"$record"
is "trust-p3-check: a record that is none: is told" "$(checked | cut -d' ' -f1,2 | tr ' ' :)" "1:record-damaged"
sound_store
head -c 100000 /dev/urandom >"$STORE/index.db"
is "trust-p3-check: an index that is none is made anew" "$(inquest check >"$T/out" 2>&1; echo $?)" 0
is "trust-p3-check: and knows every crash" "$(inquest list --json | jq length)" 3
sound_store

# A backup by hard links is no damage.
cp -al "$STORE" "$T/linked"
inquest pin -q $id
is "trust-p3-check: a store that has other names, too" "$(checked)" "0  0/0"
ok "trust-p3-check: its index was not made anew" test ! -e "$STORE/index.db.damaged"
rm -rf "$T/linked"
sound_store

# ---- modules ----
install -m 640 "$BIN/inquest" "$STORE/modules/0123456789abcdef0123456789abcdef01234567"
is "trust-p3-check: a module that a core may need stays" "$(checked)" "0  0/0"
touch -d 2026-10-01 "$STORE/modules"/*
repairs module-stale "a module that no core is left for"
finish
