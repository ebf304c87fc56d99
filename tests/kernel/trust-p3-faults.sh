#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-faults - system calls of hook and keeper fail, or end in SIGKILL, one at a time: each crash
# is whole, or listed with the reason, or reported in the kernel log; nothing hangs, nothing is left.
#
# POINTS=N tries that many of the points, drawn by SEED (16); POINTS=all tries every one (--long), from
# number FROM on (1), and says on the way where it is. Not
# among them are the calls of the dynamic loader: before main() there is nobody to do anything about
# a fault, as SECURITY.md says.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../faults.sh"
needs_kernel
command -v strace >/dev/null || skip_all "strace is not installed"
config_to_collect
POINTS=${POINTS:-16}
CALLS_OF_A_KIND=12 # of each system call in one process, the first so many are points

# In core_pattern, before the hook: strace, doing what $T/inject says.
cat >"$BIN/faulty" <<END
#!/bin/sh
read -r how <"$T/inject"
# shellcheck disable=SC2086 # options, by words
exec strace -f -qq -o "$T/trace" \$how "$BIN/inquest-hook" "\$@"
END
chmod +x "$BIN/faulty"

with_fault() { # STRACE-OPTIONS
    echo "$1" >"$T/inject"
    kmsg_mark # of each: the log is a ring
    pattern_take 1024 '' "|$BIN/faulty -C $CONF $SPECIFIERS" 2
    crash victim -t 30 "$VICTIMS/memory" 3 mixed
    pattern_give_back
    wait_idle 60
}

# Lines "SYSCALL COUNT": how many of them the hook makes before its main(), which opens /dev/null.
calls_before_main() {
    awk 'NR == 1 { hook = $1 }
         $1 == hook && /"\/dev\/null"/ { exit }
         $1 == hook && $2 ~ /^[a-z0-9_]+\(/ { name = $2; sub(/\(.*/, "", name); ++seen[name] }
         END { for (name in seen) print name, seen[name] }' "$T/trace"
}

# Every "SYSCALL NUMBER FAULT" that there is: for each call, those behind the loader's.
all_points() {
    local name count
    local -A before=()
    while read -r name count; do
        before[$name]=$count
    done < <(calls_before_main)
    while read -r name number fault; do
        ((number <= ${before[$name]:-0} || number > ${before[$name]:-0} + CALLS_OF_A_KIND)) ||
            echo "$name $number $fault"
    done < <(calls_made "$T/trace" | points_of 1000)
}

# Killed before there are two of them, a hook leaves nothing: SECURITY.md says so.
died_before_fork() {
    grep -q 'killed by SIGKILL' "$T/trace" &&
        ! grep -qE '(clone3?|v?fork)(\(| resumed>).* = [0-9]+$' "$T/trace"
}

# "" where the crash was treated as it should be, else what is wrong.
verdict() {
    local pid row core left
    pid=$(said victim pid)
    [ "$(said victim hung)" != true ] || echo "the victim hung"
    [ -z "$(our_processes)" ] || echo "a process is left"
    timeout 30 "$BIN/inquest-keeper" -C "$CONF" --foreground --no-analysis 2>"$T/stderr.keeper" ||
        echo "the next keeper fails: $(cat "$T/stderr.keeper")"
    row=$(inquest list --json "pid=$pid" 2>/dev/null)
    core=$(jq -r '.[0].core' <<<"$row")
    outcomes[$core]=$((${outcomes[$core]:-0} + 1))
    case $core in
    null) inquest_said "$pid" || died_before_fork || echo "it is lost without a word" ;;
    full)
        inquest dump "pid=$pid" >"$T/dumped" 2>"$T/stderr.dump" && core_is_whole "$T/dumped" ||
            echo "it is listed as whole, and its core is not: $(cat "$T/stderr.dump")" \
                "$(stat -c '%s bytes' "$T/dumped"), $(inquest info --json "pid=$pid" | jq -c .metadata.core_size)"
        ;;
    truncated | stacks | facts)
        [ -n "$(inquest info --json "pid=$pid" | jq -r '.metadata.reason // empty')" ] ||
            echo "it is $core for no reason"
        ;;
    *) echo "it is listed as $core" ;;
    esac
    inquest check >"$T/check" 2>&1 || echo "check: $(head -n 3 "$T/check")"
    left=$(find "$STORE/new" -mindepth 1 -not -name .lock -not -name .analysis -not -name .ledger)
    [ -z "$left" ] || echo "left in new/: $left"
}

declare -A outcomes=()
with_fault '-e trace=all'
all_points >"$T/all"
ok "trust-p3-faults: an undisturbed crash shows its system calls" test "$(wc -l <"$T/all")" -gt 100
SEED=${SEED:-17} # the same points each time: what is new is for POINTS=all
draw_points "$T/all" >"$T/points"
note "$(wc -l <"$T/points") of $(wc -l <"$T/all") points; SEED=$SEED"

failed='' tried=0
while read -r name number fault; do
    ((++tried % 50)) || note "$tried tried, the last one $name $number"
    with_fault "-e trace=$name -e inject=$name:$fault:when=$number"
    verdict >"$T/wrong"
    if [ -s "$T/wrong" ]; then
        failed+="$name number $number, $fault: $(cat "$T/wrong")"$'\n'
        note "$name number $number, $fault: $(cat "$T/wrong")"
        new_store
    fi
done <"$T/points"
for outcome in "${!outcomes[@]}"; do
    note "listed as $outcome: ${outcomes[$outcome]}"
done
is "trust-p3-faults: $(wc -l <"$T/points") points, and nothing lost, hung or left" "$failed" ''
finish
