#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p2-listed - whatever crashes is listed with what it was: every fact is compared with what
# the victim, or its parent, said of itself before it died.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

SIGNALS="SEGV ABRT BUS FPE ILL TRAP SYS QUIT"
declare -A NAMES=(
    [spaces]='  two  spaces '
    [quotes]="it's \"quoted\" and \`ticked\`"
    [newlines]=$'two\nlines\n'
    [percent]='%s%n %P%%'
    [utf8]='größe-日本'
    [invalid]=$'bad\xff\xfe\xc3('
    [control]=$'\e[31mred\a\177'
    [dashes]='--json=off'
)
# Where every user may run them.
cp "$VICTIMS"/{signals,deleted} "$T/"
mkdir "$T/names"
cp "$T/signals" "$T/setuid"
chmod 4755 "$T/setuid"

crash_all() {
    local name
    crash threads "$VICTIMS/threads" 3
    crash python /usr/bin/python3 "$top_srcdir/tests/victims/crash.py"
    for name in $SIGNALS; do
        crash "$name" "$VICTIMS/signals" "$name"
    done
    crash user -u 1 "$T/signals" SEGV
    crash setuid -u 1 "$T/setuid" SEGV
    crash namespaces "$VICTIMS/namespaces"
    crash deleted "$T/deleted" "an argument"
    for name in "${!NAMES[@]}"; do
        cp "$T/signals" "$T/names/${NAMES[$name]}"
        crash "$name" -0 "0 ${NAMES[$name]}" "$T/names/${NAMES[$name]}" SEGV "${NAMES[$name]}" '' $'\t'
    done
}

crash_mappings() {
    crash mappings "$VICTIMS/mappings" 70000
}

# Facts of the row and of `info` that are not what the victim said, as {"key":[listed, said]}.
differences() { # TAG
    jq -nc --slurpfile listed "$T/listed.$1" --slurpfile info "$T/info.$1" \
        --slurpfile said "$T/said.$1" '
        # The bytes behind a text: KEY_b64 is there exactly when the text is not all of them.
        def bytes(key): .[key + "_b64"] // (.[key] // "" | @base64);
        def microseconds: (.[0:19] + "Z" | fromdateiso8601) * 1000000 + (.[20:26] | tonumber);

        $listed[0] as $l | $said[0] as $s | $info[0].metadata as $m |
        {
            pid: [$l.pid, $s.pid],
            tid: [$l.tid, $s.tid],
            uid: [$l.uid, $s.uid],
            gid: [$l.gid, $s.gid],
            signal: [$l.signal, $s.signal],
            comm: [($l | bytes("comm")), $s.comm],
            exe: [($l | bytes("exe")), $s.exe],
            cmdline: [($m | bytes("cmdline")), $s.cmdline],
            core: [$l.core, "full"],
            count: [$l.count, 1],
            # The kernel tells whole seconds.
            time: [($l.time | microseconds - $s.time_us | . > -1000000 and . < 2000000), true],
            utc: [($l.time | test("^[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z$")), true]
        } | with_entries(select(.value[0] != .value[1]))'
}

is_right() { # TAG
    local tag=$1
    if wait_listed "$tag" 10; then
        inquest info --json "$(listed "$tag" id)" >"$T/info.$tag"
        is "collect-p2-$tag: listed with the right facts" "$(differences "$tag")" '{}'
    else
        fail "collect-p2-$tag: listed"
    fi
}

with_hook crash_all
for tag in threads python $SIGNALS user setuid namespaces deleted "${!NAMES[@]}"; do
    is_right "$tag"
done
for name in $SIGNALS; do
    is "collect-p2-$name: the signal has its name" "$(listed "$name" signal_name)" "SIG$name"
done

json "collect-p2-threads: the thread that crashed is not the first one, and has a name" \
    "$T/info.threads" '.tid != .pid and .metadata.thread_comm == "worker-3"'
is "collect-p2-user: his name is known" "$(listed user user)" "$(id -nu 1)"
json "collect-p2-namespaces: the pid inside, and which namespaces are not the machine's" \
    "$T/info.namespaces" '.ns_pid == 2 and
        ([.metadata.namespaces | splits(" ")] | contains(["mnt", "pid", "user"]))'
json "collect-p2-deleted: it is known to be gone" "$T/info.deleted" \
    '.metadata.exe_deleted | tostring == "1" or . == true'
is "collect-p2-setuid: kept for root alone" \
    "$(stat -c '%a %u' "$STORE/crashes/0/$(listed setuid id).core.zst")" "600 0"
is "collect-p2-user: kept among his own" \
    "$(record_of user)" "$STORE/crashes/1/$(listed user id).core.zst"

with_hook -m 80000 crash_mappings
is_right mappings
ok "collect-p2: nothing is left to adopt" test -z "$(ls "$STORE/new")"
finish
