#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p2-infer - what a user is told is the same before and after another's crashes, of the same
# program and of others: by every command, its exit code and its errors; and of another's crash it is
# what it is of one that never was. Nor does her own index, or a name that she guesses, tell of them.
. "$(dirname "$0")/../lib.sh"
needs_kernel
ALICE=61001 BOB=61002
# With one first a signature, his crashes make hers repeats, for retention.
printf '[store]\nkeep_per_signature = 1\n' | config
mkdir "$T/home.$ALICE"
chown $ALICE:$ALICE "$T/home.$ALICE"
cp "$VICTIMS/signals" "$T/one"
cp "$VICTIMS/signals" "$T/two"
cp "$BIN/inquest" "$T/"
NOBODYS=20200101-000000-1

crash_hers() {
    crash hers -u $ALICE -t 30 "$T/one" SEGV
    crash early -u $BOB -t 30 "$T/one" SEGV # that he has a directory is no secret
}
crash_his() {
    local i
    sleep 1 # an id begins with its second: none of his begins as hers
    for i in 1 2 3; do
        crash "one$i" -u $BOB -t 30 "$T/one" SEGV
        crash "two$i" -u $BOB -t 30 "$T/two" ABRT
    done
    crash root -t 30 "$T/one" SEGV
}
crash_hers_again() {
    crash again -u $ALICE -t 30 "$T/two" ABRT
}
collect() { # COMMAND TAG
    with_hook "$1"
    ok "trust-p2-infer: hooks and keepers end ($1)" wait_idle 60
    keeper
    wait_listed "$2" || fail "trust-p2-infer: $2 is listed"
}

VERBS=(list "list -n 1" "list --json" "list ID" "list --json uid=$BOB" "list -F comm" "list -F uid"
    "list two" "list exe=$T/two" "list --function fault_abrt" "list id=ID" "info ID" "info two"
    "info PART" "bt ID" "dump ID -o $T/home.$ALICE/core" "export ID" "debug ID" "analyze ID"
    "rm -y ID" "pin ID" "unpin ID" top "top --json" stats "stats --json" check "check --json"
    "check --quick" reindex prune "prune --dry-run" "import $STORE/crashes/$BOB/ID.core.zst"
    "bt $STORE/crashes/$BOB/ID.core.zst" watch "watch --json" doctor "doctor --json")
# And whatever verb there is besides.
inquest --help | sed -n 's/^  \([a-z]\+\)  .*/\1/p' >"$T/verbs"
ok "trust-p2-infer: help lists the verbs" grep -qx unsetup "$T/verbs"
while read -r verb; do
    printf '%s\n' "${VERBS[@]%% *}" | grep -qxF "$verb" || VERBS+=("$verb" "$verb ID")
done <"$T/verbs"

# Without what doctor tells of the disk, and of settings that other tests change.
not_of_the_machine() { # VERB
    local changing='^(handler|core_pipe_limit|suid_dumpable|space)$'
    case $1 in
    doctor) awk -v changing="$changing" '$2 !~ changing && !/^ *→|^Crashes are/' ;;
    doctor\ --json)
        jq -c --arg changing "$changing" \
            'del(.collects, .core_pattern) | .checks |= map(select(.check | test($changing) | not))' 2>&1
        ;;
    *) cat ;;
    esac
}

# What ALICE is told, with a crash's id in the place of ID, and most of it in that of PART.
tell() { # ID
    local verb words deadline
    for verb in "${VERBS[@]}"; do
        words=${verb//ID/$1}
        deadline=30
        [[ $verb != watch* ]] || deadline=1
        echo "== inquest $verb"
        # shellcheck disable=SC2086
        as_user $ALICE timeout $((deadline * PATIENCE)) "$INQUEST" ${words//PART/${1%-*}} --no-pager 2>&1 </dev/null |
            sed "s/$1/ID/g; s/${1%-*}/PART/g; s/ (.* ago)//; s/ (now)//" |
            not_of_the_machine "$verb"
        echo "exit ${PIPESTATUS[0]}"
    done
}

collect crash_hers hers
# Those who watch while he crashes: his crash is nothing to her, and hers is.
watch_as() { # UID
    # Not as_user, behind which $! would be a shell; and wait_idle would wait for what is in $BIN.
    HOME=$T/home.$1 XDG_DATA_HOME=$T/home.$1/data setpriv --reuid="$1" --regid="$1" --clear-groups \
        "$T/inquest" watch --json >"$T/watched.$1" 2>&1 &
    watchers+=($!)
    local until=$((SECONDS + 30 * PATIENCE))
    until readlink "/proc/$!"/fd/* 2>/dev/null | grep -q inotify || [ $SECONDS -ge $until ]; do
        sleep 0.05
    done
}
sizes() {
    as_user $ALICE stat -c '%s %n' "$STORE"/index.db{,-wal,-shm} 2>&1
}

watch_as $ALICE
watch_as 0
tell $NOBODYS >"$T/told.before"
sizes >"$T/sizes.before"
collect crash_his one1
tell $NOBODYS >"$T/told.after"
sizes >"$T/sizes.after"
is "trust-p2-infer: three files have sizes" "$(grep -c '^[0-9]' "$T/sizes.before")" 3
ok "trust-p2-infer: which one crash doesn't change" diff "$T/sizes.before" "$T/sizes.after"
tell "$(listed one1 id)" >"$T/told.his"
ok "trust-p2-infer: she is told of her own" grep -q '"comm":"one"' "$T/told.before"
ok "trust-p2-infer: and after his crashes, the same to the byte" diff "$T/told.before" "$T/told.after"
ok "trust-p2-infer: of a crash of his, what there is to tell of none" \
    diff "$T/told.after" "$T/told.his"

# Beneath what she may not enter, a name that is there is refused as one that is not.
his=$(listed one1 id)
refused() { # NAME
    as_user $ALICE stat "$1" 2>&1 | sed "s,.*': ,,"
}
ok "trust-p2-infer: his record is where it is guessed" test -e "$STORE/crashes/$BOB/$his.core.zst"
for name in "crashes/$BOB/$his.core.zst" "crashes/$BOB/$his.report.json" "crashes/$BOB/index.db" \
    "crashes/$BOB/$NOBODYS.core.zst" crashes/0/index.db new/.lock new/.ledger new/none \
    "modules/$(readelf -n "$T/one" | sed -n 's/.*Build ID: //p')" modules/none; do
    is "trust-p2-infer: she cannot ask for ${name/$his/his}" "$(refused "$STORE/$name")" \
        "Permission denied"
done
is "trust-p2-infer: nor for the tables of hooks" "$(refused /run/inquest/storm)" "Permission denied"

# Her own index: she can read its bytes.
collect crash_hers_again again
for ((try = 0; try < 100 * PATIENCE; try++)); do
    ! jq -e --argjson pid "$(said again pid)" 'select(.pid == $pid)' "$T"/watched.{0,$ALICE} |
        jq -es 'length == 2' >/dev/null || break
    sleep 0.1
done
kill "${watchers[@]}"
ok "trust-p2-infer: who watches as root sees his crash come" \
    jq -es 'any(.uid == 61002)' "$T/watched.0"
is "trust-p2-infer: and she nothing but hers" "$(jq -c '[.pid, .uid]' "$T/watched.$ALICE" 2>&1)" \
    "[$(said again pid),$ALICE]"
cat "$STORE/crashes/$ALICE"/index.db* >"$T/index.hers"
for tag in one1 one2 two1 root; do
    wait_listed $tag
    ok "trust-p2-infer: her index has no word of $tag" \
        bash -c "! grep -qaF '$(listed $tag id)' '$T/index.hers'"
done
cp "$STORE/crashes/$ALICE"/index.db* "$T/home.$ALICE/"
is "trust-p2-infer: and counts hers alone" "$(/usr/bin/python3 - "$T/home.$ALICE/index.db" <<'END'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
print(database.execute("SELECT max(seq), count(*), sum(repeat) FROM crash").fetchone(),
      database.execute("SELECT sum(count) FROM signature").fetchone(),
      database.execute("SELECT count(*) FROM usage").fetchone())
END
)" "(2, 2, 0) (2,) (1,)"
repeats=$(/usr/bin/python3 -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT sum(repeat) FROM crash WHERE uid = ?", (int(sys.argv[2]),)).fetchone()[0])' \
    "$STORE/index.db" $ALICE)
ok "trust-p2-infer: though retention knows hers for a repeat" test "$repeats" -ge 1
finish
