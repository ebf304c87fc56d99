#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p2-group - a store with the user and the group inquest, as setup makes it, with all that comes
# into one: nothing in it is open to everybody, the group reads all of it but what is root's alone.
. "$(dirname "$0")/../lib.sh"
needs_kernel
unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
needs_no_valgrind "the hook is started in a mount namespace"
ALICE=61001 READER=61003 OWNER=61011
config </dev/null
cp "$VICTIMS"/signals "$T/signals"
cp "$T/signals" "$T/setuid"
chmod 4755 "$T/setuid"

# The user inquest is one that only these hooks know of, and the keepers that they become.
{
    sed '/^inquest/d' /etc/passwd
    echo "inquest:x:$OWNER:$OWNER::/:/sbin/nologin"
} >"$T/passwd"
cat >"$BIN/known" <<END
#!/bin/sh
exec unshare -m --propagation private /bin/sh -c \\
    'mount --bind "$T/passwd" /etc/passwd && exec "$BIN/inquest-hook" "\$@"' hook "\$@"
END
chmod +x "$BIN/known"
chown -R $OWNER:$OWNER "$STORE"

crash_all() {
    crash hers -u $ALICE -t 30 "$T/signals" SEGV
    crash private -u $ALICE -t 30 "$T/setuid" SEGV
    crash root -t 30 "$T/signals" ABRT
}
pattern_take 1024 '' "|$BIN/known -C $CONF $SPECIFIERS" 2
crash_all
pattern_give_back
ok "trust-p2-group: hooks and keepers end" wait_idle 60
for tag in hers private root; do
    wait_listed $tag || fail "trust-p2-group: $tag is listed"
    json "trust-p2-group: $tag is whole" "$T/listed.$tag" '.core == "full"'
done
inquest analyze "$(listed hers id)" "$(listed private id)" "$(listed root id)" >/dev/null
inquest pin "$(listed hers id)" "$(listed private id)" >/dev/null
# And a crash that came with its files.
inquest export --bundle "$T/bundle.tar.zst" "$(listed root id)" || fail "trust-p2-group: it is exported"
inquest rm --yes "$(listed root id)" >/dev/null
inquest import "$T/bundle.tar.zst" >/dev/null
report_of() { # TAG
    local record
    record=$(record_of "$1")
    echo "${record%.core.zst}.report.json"
}
hers=$STORE/crashes/$ALICE private=$STORE/crashes/0

# ---- everybody -----------------------------------------------------------------------------------

for there in index.db cache/packages "crashes/$ALICE/index.db" \
    "crashes/$ALICE/$(listed hers id)".{report.json,pin} "crashes/0/$(listed private id)".{report.json,pin}; do
    if [ "$there" = cache/packages ] && [ ! -d /var/lib/dpkg/info ]; then continue; fi
    ok "trust-p2-group: there is $(sed 's/[0-9]*-[0-9]*-[0-9]*/ID/' <<<"$there")" test -f "$STORE/$there"
done
ok "trust-p2-group: and files from a bundle" compgen -G "$STORE/crashes/*/modules/*"
is "trust-p2-group: nothing can be read or written by everybody" "$(find "$STORE" -perm /o+rw)" ''
is "trust-p2-group: and passed are the store and crashes/ alone" \
    "$(find "$STORE" -perm /o+x | sort)" "$(printf '%s\n' "$STORE" "$STORE/crashes")"
is "trust-p2-group: all is of the user and the group inquest" \
    "$(find "$STORE" ! -uid $OWNER -o ! -gid $OWNER)" ''
# The group's bits are the mask of an ACL, where there is one.
is "trust-p2-group: and only its user writes" \
    "$(find "$STORE" -perm /g+w; getfacl -RcnE "$STORE" | grep -E '^(user:[0-9]+|group:[0-9]*|other:):.w')" ''

# ---- the group -----------------------------------------------------------------------------------

as_reader() { # COMMAND…: in the group, and nobody else
    setpriv --reuid=$READER --regid=$READER --groups=$OWNER "$@"
}
reads() { # FILE: whether it is read, whole
    as_reader cat "$1" 2>/dev/null | cmp -s - "$1" && echo yes || echo no
}
is "trust-p2-group: the group reads a record of hers" "$(reads "$(record_of hers)")" yes
is "trust-p2-group: and its report" "$(reads "$(report_of hers)")" yes
is "trust-p2-group: her index" "$(reads "$hers/index.db")" yes
is "trust-p2-group: the index of all" "$(reads "$STORE/index.db")" yes
is "trust-p2-group: and the list of her directory" "$(as_reader ls "$hers")" "$(ls "$hers")"
is "trust-p2-group: without the group, none of it" "$(as_user $READER cat "$(record_of hers)" \
    "$(report_of hers)" "$hers/index.db" "$STORE/index.db" 2>/dev/null | wc -c)" 0

for file in "$(record_of private)" "$(report_of private)"; do
    name=${file##*"$(listed private id)"}
    is "trust-p2-group: $name of a private crash is root's alone" "$(stat -c '%a %n' "$file")" \
        "600 $private/$(listed private id)$name"
    is "trust-p2-group: $name has no ACL" "$(getfacl -cpE "$file" | grep -c "user:[^:]\|group:[^:]\|mask")" 0
    is "trust-p2-group: $name is not read by the group" "$(reads "$file")" no
    is "trust-p2-group: nor by her ($name)" "$(as_user $ALICE cat "$file" 2>/dev/null | wc -c)" 0
done
finish
