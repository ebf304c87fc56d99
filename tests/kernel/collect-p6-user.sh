#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p6-user - an ordinary user sees his own crashes and nobody else's, imports without root, and
# has stores of his own.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001 BOB=61002 # two that no user database knows
for uid in $ALICE $BOB; do
    mkdir "$T/home.$uid"
    chown "$uid:$uid" "$T/home.$uid"
done
cp "$VICTIMS"/{signals,threads} "$T/"
cp "$T/signals" "$T/setuid"
chmod 4755 "$T/setuid"

crash_all() {
    crash root "$T/signals" SEGV
    crash alice -u $ALICE "$T/signals" ABRT
    crash alice-too -u $ALICE "$T/threads"
    crash alice-as-root -u $ALICE "$T/setuid" SEGV
    crash bob -u $BOB "$T/signals" FPE
}
with_hook crash_all
for tag in root alice alice-too alice-as-root bob; do
    wait_listed $tag || fail "collect-p6-user: $tag is listed for root"
done
wait_idle

pids_for() { # UID
    as_user "$1" "$INQUEST" list --json 2>"$T/stderr.list" | jq -r '.[].pid' | sort -n
}
pids_of() { # TAG…
    for tag; do said "$tag" pid; done | sort -n
}
is "collect-p6-user: alice sees her own" "$(pids_for $ALICE)" "$(pids_of alice alice-too)"
is "collect-p6-user: bob sees his own" "$(pids_for $BOB)" "$(pids_of bob)"
is "collect-p6-user: who had no crash sees none" "$(pids_for 61003)" ''
is "collect-p6-user: root sees all" "$(pids_for 0)" \
    "$(pids_of root alice alice-too alice-as-root bob)"

as_user $ALICE "$INQUEST" info --json "$(listed alice id)" >"$T/info.alice"
json "collect-p6-user: info of her own" "$T/info.alice" '.signal_name == "SIGABRT"'
as_user $ALICE "$INQUEST" dump "$(listed alice id)" >"$T/alice.core"
ok "collect-p6-user: the core of her own" core_is_whole "$T/alice.core"
ok "collect-p6-user: she may read the record itself" \
    as_user $ALICE zstd -tq "$(record_of alice)"

refused() { # NAME STATUS COMMAND…
    local name=$1 expected=$2 status
    shift 2
    as_user $ALICE "$@" >"$T/refused.out" 2>"$T/refused.err"
    status=$?
    is "$name" "$status $(wc -c <"$T/refused.out")" "$expected 0"
}
for tag in bob root alice-as-root; do
    id=$(listed $tag id)
    refused "collect-p6-user: alice gets no core of $tag" 2 "$INQUEST" dump "$id"
    refused "collect-p6-user: nor by the filesystem" 1 cat "$(record_of $tag)"
done
refused "collect-p6-user: the whole index is not hers" 1 cat "$STORE/index.db"
refused "collect-p6-user: nor what is new" 2 ls "$STORE/new"
refused "collect-p6-user: nor who else had crashes" 2 ls "$STORE/crashes"
refused "collect-p6-user: nor what bob had" 2 ls "$STORE/crashes/$BOB"
refused "collect-p6-user: she removes nothing" 1 "$INQUEST" rm -y "$(listed alice id)"
ok "collect-p6-user: and is told how" grep -q sudo "$T/refused.err"
ok "collect-p6-user: it is still there" test -e "$(record_of alice)"

# ---- import, and stores elsewhere ----------------------------------------------------------------

inquest dump "$(listed root id)" -o "$T/plain.core"
zstd -q "$T/plain.core" -o "$T/plain.core.zst"
chmod 644 "$T/plain.core" "$T/plain.core.zst"

# Without --store and INQUEST_STORE: her own, below her home.
as_alice() {
    (
        unset INQUEST_STORE
        as_user $ALICE "$INQUEST" "$@"
    )
}
ok "collect-p6-import: a plain core, without root" as_alice import "$T/plain.core"
ok "collect-p6-import: one compressed with zstd" as_alice import "$T/plain.core.zst"
as_alice list --json >"$T/list.imported"
json "collect-p6-import: both are listed" "$T/list.imported" \
    '[.[] | select(.signal == 11 and .comm == "signals" and .pid == $pid)] | length == 2' \
    --argjson pid "$(said root pid)"
ok "collect-p6-import: they lie below her home" test -d "$T/home.$ALICE/data/inquest"
for id in $(jq -r '.[].id' "$T/list.imported"); do
    as_alice dump "$id" >"$T/imported.core"
    ok "collect-p6-import: $id gives the core back" cmp "$T/plain.core" "$T/imported.core"
done
refuses_to_import() {
    ! as_alice import "$1"
}
ok "collect-p6-import: not what is no core" refuses_to_import /etc/passwd

elsewhere=$T/home.$ALICE/elsewhere
ok "collect-p6-store: import to a store elsewhere" \
    as_user $ALICE "$INQUEST" --store "$elsewhere" import "$T/plain.core"
as_user $ALICE "$INQUEST" --store "$elsewhere" list --json >"$T/list.elsewhere"
json "collect-p6-store: it is listed there" "$T/list.elsewhere" 'length == 1 and .[0].core == "full"'
ok "collect-p6-store: she removes her own there" \
    as_user $ALICE "$INQUEST" --store "$elsewhere" rm -y "$(jq -r '.[0].id' "$T/list.elsewhere")"
as_user $ALICE "$INQUEST" --store "$elsewhere" list --json >"$T/list.elsewhere"
is "collect-p6-store: and it is gone: exit 2, and an empty array" \
    "$? $(jq -c . "$T/list.elsewhere")" "2 []"
finish
