#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p5-index - index.db is locked by somebody, deleted, or garbage: crashes are collected, and
# the next keeper has everything in the list again.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

victim() { # TAG
    crash "$1" -t 30 "$VICTIMS/signals" SEGV
}

victims_are_let_go() {
    is "$1: the victim is let go" "$(said "$2" hung) $(said "$2" dumped)" "null true"
}

# All crashes so far, by pid, listed as whole.
all_are_listed() { # NAME TAG…
    local name=$1 tag expected=
    shift
    for tag; do
        expected+=$(said "$tag" pid)$'\n'
    done
    timeout $((20 * PATIENCE)) "$INQUEST" list --json --oldest-first >"$T/list" 2>"$T/stderr.list"
    is "$name" "$(jq -r '.[] | select(.core == "full").pid' "$T/list" | sort -n)" \
        "$(sort -n <<<"${expected%$'\n'}")"
}

with_hook victim first
wait_listed first
wait_idle

python3=/usr/bin/python3
$python3 - "$STORE/index.db" >"$T/locked" <<'END' &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin exclusive")
print("locked", flush=True)
time.sleep(60)
END
locker=$!
until [ -s "$T/locked" ]; do
    kill -0 $locker 2>/dev/null || bail "cannot lock index.db"
    sleep 0.02
done
with_hook victim locked
victims_are_let_go collect-p5-index-locked locked
ok "collect-p5-index-locked: list does not hang" \
    bash -c "timeout $((20 * PATIENCE)) '$INQUEST' list --json >/dev/null; test \$? -ne 124"
kill $locker
wait $locker 2>/dev/null
ok "collect-p5-index-locked: the keeper ends" wait_idle 60
keeper --no-analysis
all_are_listed "collect-p5-index-locked: unlocked, all are listed" first locked

rm -f "$STORE"/index.db*
with_hook victim deleted
victims_are_let_go collect-p5-index-deleted deleted
wait_idle
all_are_listed "collect-p5-index-deleted: all are listed" first locked deleted

for garbage in text random zeros empty; do
    rm -f "$STORE"/index.db*
    case $garbage in
    text) yes 'this is no database' | head -c 20000 ;;
    random) head -c 50000 /dev/urandom ;;
    zeros) head -c 40960 /dev/zero ;;
    empty) : ;;
    esac >"$STORE/index.db"
    with_hook victim "$garbage"
    victims_are_let_go "collect-p5-index-$garbage" "$garbage"
    wait_idle
    tags="${tags:-first locked deleted} $garbage"
    # shellcheck disable=SC2086
    all_are_listed "collect-p5-index-$garbage: all are listed" $tags
done

# Damage inside: SQLite finds it when it gets there.
size=$(stat -c %s "$STORE/index.db")
for ((at = 4096; at < size; at += 8192)); do
    head -c 512 /dev/urandom | dd of="$STORE/index.db" bs=1 seek=$at conv=notrunc status=none
done
rm -f "$STORE"/index.db-*
with_hook victim damaged
victims_are_let_go collect-p5-index-damaged damaged
wait_idle
inquest check >"$T/check" 2>&1
# shellcheck disable=SC2086
all_are_listed "collect-p5-index-damaged: check puts it right" $tags damaged
ok "collect-p5-index-damaged: and then finds nothing wrong" inquest check
finish
