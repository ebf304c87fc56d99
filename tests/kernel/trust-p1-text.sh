#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-text - what a victim calls itself reaches nobody's terminal as control characters, no shell
# as words, no line as a line of its own, no parser of /proc as another field; what is secret in its
# environment is not told; and who can write lines makes no crash, and none of ours in the kernel log.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

# A window title, a colour, a bell, a carriage return, DEL, a C1 control, a right-to-left override.
EVIL=$'x\e]0;owned\a\e[31mred\rover\177\xc2\x9b31m\xe2\x80\xae'
INJECTED='$(touch '$T'/injected)`touch '$T'/injected`;touch '$T'/injected'
cp "$VICTIMS/signals" "$T/$EVIL"
cp "$VICTIMS/signals" "$T/${INJECTED//\//_}"

crash_all() {
    (
        export AWS_SECRET_ACCESS_KEY=the-secret-environment "EVIL=$EVIL" "container=$EVIL" \
            "INVOCATION_ID=$INJECTED" "LANG=$EVIL"
        crash evil -0 "$EVIL" "$T/$EVIL" SEGV "$EVIL" $'\nPID: 1 (init)\nSignal: 9'
        crash injected -0 "$INJECTED" "$T/${INJECTED//\//_}" SEGV "$INJECTED" '%s%n' '-n'
    )
}
with_hook crash_all
wait_listed evil || fail "trust-p1-text: listed"
wait_listed injected || fail "trust-p1-text: listed"
wait_idle

# Control bytes other than the line's end, and tabs; C1 controls and bidi overrides too, as UTF-8.
has_no_controls() { # FILE
    ! grep -naP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1"
}

# As has_no_controls, but of colours, which a terminal gets: those of Inquest are plain SGR.
has_only_colours() { # FILE
    sed -E $'s/\e\\[[0-9;]*m//g; s/\r$//' "$1" >"$1.plain"
    ! grep -qF $'\e[31mred' "$1" && has_no_controls "$1.plain"
}

id=$(listed evil id)
for command in list "info $id" "list --columns id,comm,exe" "list -F comm" "list -F exe" stats top \
    "bt $id"; do
    # shellcheck disable=SC2086
    inquest $command --no-pager >"$T/out" 2>&1
    ok "trust-p1-text: inquest ${command/ $id/}: into a pipe" has_no_controls "$T/out"
    script -qec "'$INQUEST' $command --no-pager" /dev/null </dev/null >"$T/out" 2>&1
    ok "trust-p1-text: inquest ${command/ $id/}: on a terminal" has_only_colours "$T/out"
done
inquest info --json "$id" >"$T/info"
json "trust-p1-text: JSON has every byte" "$T/info" \
    '.exe_b64 // (.exe | @base64) == $said' --arg said "$(said evil exe)"
ok "trust-p1-text: JSON into a pipe has the controls of ASCII escaped" \
    bash -c "! grep -nP '[\\x00-\\x09\\x0b-\\x1f]' '$T/info'"
script -qec "'$INQUEST' info --json --no-pager '$id'" /dev/null </dev/null | tr -d '\177' >"$T/out"
ok "trust-p1-text: JSON on a terminal has all of them escaped" has_only_colours "$T/out"
inquest info "$id" --no-pager >"$T/out"
is "trust-p1-text: a newline makes no line" "$(grep -c '^Signal: 9$' "$T/out")" 0
inquest info --json "$(listed injected id)" >>"$T/info"
ok "trust-p1-text: secrets of the environment are not told" \
    bash -c "! grep -qa the-secret-environment '$T/info'"
ok "trust-p1-text: nobody ran what it is called" test ! -e "$T/injected"

# ---- names that end the field that they are in ---------------------------------------------------

# A program's name becomes the process's, to 15 bytes, as by prctl(PR_SET_NAME).
declare -A FORGED=(
    [uid]=$'x) R 1\nUid:\t0' [capabilities]=$'x\nCapPrm:\tff' [inner-pid]=$'x)\nNSpid:\t7'
    [stat]='a) Z 1 2 3 4 5' [group]=$'\nGroups:\t0 (x' [setuid]=$')\nUid:\t61001'
)
ALICE=61001
mkdir "$T/forged"
for tag in "${!FORGED[@]}"; do
    cp "$VICTIMS/signals" "$T/forged/${FORGED[$tag]}"
done
chmod 4755 "$T/forged/${FORGED[setuid]}"
crash_forged() {
    for tag in "${!FORGED[@]}"; do
        crash "$tag" -u $ALICE "$T/forged/${FORGED[$tag]}" ABRT
    done
}
with_hook crash_forged
wait_idle
for tag in "${!FORGED[@]}"; do
    p="trust-p1-text: a name like $tag of /proc"
    wait_listed "$tag" || fail "$p: listed"
    inquest info --json "$(listed "$tag" id)" >"$T/info.$tag"
    json "$p: the process is who it said" "$T/info.$tag" '. as $l | $said[0] as $s |
        def bytes(key): $l[key + "_b64"] // ($l[key] | @base64);
        [.pid, .tid, .ns_pid, .uid, .gid, bytes("comm"), bytes("exe"), .core] ==
        [$s.pid, $s.tid, $s.pid, 61001, 61001, $s.comm, $s.exe, "full"]' --slurpfile said "$T/said.$tag"
    owner=$ALICE
    [ "$tag" != setuid ] || owner=0
    is "$p: whose it is" "$(record_of "$tag")" "$STORE/crashes/$owner/$(listed "$tag" id).core.zst"
    is "$p: and who may read it" "$(as_user $ALICE zstd -tq "$(record_of "$tag")" 2>/dev/null && echo she)" \
        "$([ $owner = 0 ] || echo she)"
done

# ---- lines of logs -------------------------------------------------------------------------------

# The kernel's own line of a fault names the process; of an abort there is none, and all lines are ours.
LINE=$'\ninquest-keeper: f0rged\n<3>inquest-hook[1]: crash 20200101-000000-1 of process 1: f0rged\n'
mkdir -p "$T/f0rged$LINE"
cp "$VICTIMS/signals" "$T/f0rged$LINE/"$'a\ninquest: f0rged'
cat >"$T/named.py" <<'END'
import os, socket, sys
socket.sethostname(sys.argv[1][:60])
os.chdir(os.path.dirname(sys.argv[2]))
os.execv(sys.argv[2], [sys.argv[1], "ABRT", sys.argv[1]])
END
crash_forger() { # TAG
    crash "$1" -t 30 /usr/bin/unshare --uts /usr/bin/python3 "$T/named.py" "$LINE" \
        "$T/f0rged$LINE/"$'a\ninquest: f0rged'
}
# What the log has, a record a line, with \x0a where a record has lines of its own.
records() {
    dd if=/dev/kmsg iflag=nonblock bs=8192 status=none 2>/dev/null |
        awk -v mark="$KMSG_MARK" 'seen && !/^ /; index($0, mark) { seen = 1 }'
}
# All that can fail, does: the hook's reading of the config, the keeper's, the analysis, the notification.
printf '[capture]\nno_such_key = 1\n[analyze]\nmemory = 1M\n[notify]\nprogram = /bin/false\n' | config
kmsg_mark
with_hook crash_forger fails
wait_idle
wait_listed fails || fail "trust-p1-text: a crash that all fails of is listed"
json "trust-p1-text: a host's name may have lines" "$T/listed.fails" '.hostname | test("\nin")'
mv "$STORE" "$STORE.away" # then the hook has nowhere to write
with_hook crash_forger away
wait_idle
mv "$STORE.away" "$STORE"
keeper --no-analysis 2>"$T/stderr"
records >"$T/records"
for tag in fails away; do
    ok "trust-p1-text: the hook logs of it ($tag)" \
        grep -qE ";inquest-hook\[[0-9]+\]: .*process $(said $tag pid)\b" "$T/records"
done
ok "trust-p1-text: the keeper logs of it" grep -qF ";inquest-keeper: $(listed fails id): " "$T/records"
is "trust-p1-text: no record of the log is forged, nor has one of ours a line more" \
    "$(grep -E ';(.*\\x0a)?.{0,12}inquest' "$T/records" | grep -E 'f0rged|\\x0a')" ''
is "trust-p1-text: nor what the keeper says on a terminal" "$(grep -c f0rged "$T/stderr")" 0

# Lines of the log are no crashes, whoever wrote them.
before=$(inquest list --json | jq -c 'map(.id)')
for line in "<3>inquest-hook[1]: crash 20200101-000000-1 of process 1: f0rged" \
    "<28>inquest-keeper: 20200101-000000-1: f0rged" \
    "<6>traps: f0rged[1] general protection fault ip:0 sp:0 error:0 in f0rged[0+1000]" \
    "<2>systemd-coredump[1]: Process 1 (f0rged) of user 0 dumped core."; do
    echo "$line" >/dev/kmsg
    ! command -v logger >/dev/null || logger "${line#*>}" 2>/dev/null
done
keeper 2>/dev/null
inquest check >/dev/null
is "trust-p1-text: a line of a log is no crash" "$(inquest list --json | jq -c 'map(.id)')" "$before"
finish
