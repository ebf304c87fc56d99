#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-runtime - what is damaged among the records that wait in /run/inquest/new, or is no record,
# keeps none of the others: from the keeper, and from `inquest check`.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
RUNTIME=/run/inquest/new

victim() {
    crash victim -t 30 "$VICTIMS/signals" SEGV
}

mv "$STORE" "$STORE.away"
with_hook victim
wait_idle
pid=$(said victim pid)
waiting=$(compgen -G "$RUNTIME/*-$pid.core.zst")
ok "trust-p1-runtime: without a store the record waits" test -f "$waiting"
cp "$waiting" "$T/record"
mv "$STORE.away" "$STORE"

# Ids of a year when nobody crashed; whatever order the directory has, some come before the record.
damaged=()
for i in {10..29}; do
    damaged+=("$RUNTIME/20000101-0000$i-$pid.core.zst")
done
finally rm -rf "${damaged[@]}" "$RUNTIME/20000101-000030-$pid.core.zst.part"
for i in "${!damaged[@]}"; do
    case $((i % 5)) in
    0) head -c 5000 /dev/urandom >"${damaged[i]}" ;;
    1) mkfifo "${damaged[i]}" ;;
    2) mkdir "${damaged[i]}" ;;
    3) ln -s /etc/shadow "${damaged[i]}" ;;
    4) : >"${damaged[i]}" && chown 61001 "${damaged[i]}" ;;
    esac
done
mkfifo "$RUNTIME/20000101-000030-$pid.core.zst.part"
timeout $((60 * PATIENCE)) "$BIN/${UNDER}inquest-keeper" -C "$CONF" --foreground --no-analysis 2>"$T/stderr"
is "trust-p1-runtime: the keeper ends" $? 0
ok "trust-p1-runtime: says that there is something" grep -q 'cannot take over' "$T/stderr"
ok "trust-p1-runtime: and has taken the record" wait_listed victim 5
ok "trust-p1-runtime: which waits no more" test ! -e "$waiting"
is "trust-p1-runtime: none of the others is in the store" \
    "$(inquest list --json | jq length)" 1

inquest rm --yes "pid=$pid" >/dev/null
cp "$T/record" "$waiting"
finally rm -f "$waiting"
inquest check --dry-run >/dev/null
ok "trust-p1-runtime: a check that repairs nothing leaves it there" test -f "$waiting"
inquest check >/dev/null
ok "trust-p1-runtime: one that repairs takes it, beside all that cannot be taken" \
    wait_listed victim 5
ok "trust-p1-runtime: which waits no more then" test ! -e "$waiting"
finish
