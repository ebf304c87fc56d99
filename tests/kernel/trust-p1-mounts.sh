#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-mounts - a victim whose program and directory lie on mounts with names, sources and options
# made of shell words, lines, escapes and fields of /proc/PID/mountinfo: the crash is listed as what and
# whose it is, no word of the mount table is run, and nothing of it is taken for another fact.
. "$(dirname "$0")/../lib.sh"
needs_kernel
unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
config </dev/null # the analysis asks for files on those mounts, too
ALICE=61001

# Names that could be paths: a slash in them is a directory more.
declare -A POINTS=(
    [words]=$'m x;$(touch '"$T"$'/injected)`touch '"$T"$'/injected`|touch '"$T"$'/injected&\'"\n#'
    [escapes]=$'m\\134n\\040o\\012p\\x0a%s%n\e[31m\tq'
    [fields]=$'m\n36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw\n37 36 0:5 / /proc rw - fuse.x y rw\n'
)
cat >"$T/enter.sh" <<'END'
mount -t tmpfs "$1" "$2" && cp "$3" "$2/a program" && cd "$2" && exec "$2/a program" SEGV
END
crash_on() { # TAG NAME UNSHARE-OPTION… [-u UID]
    local name=$2 tag=$1
    shift 2
    mkdir -p "$T/$tag/$name"
    chmod -R 755 "$T/$tag"
    crash "$tag" ${WHO:+-u "$WHO"} -t 30 /usr/bin/unshare "$@" --mount --propagation private /bin/sh \
        "$T/enter.sh" "none$name" "$T/$tag/$name" "$VICTIMS_COPY"
}
cp "$VICTIMS/signals" "$T/signals"
VICTIMS_COPY=$T/signals
crash_all() {
    for name in "${!POINTS[@]}"; do
        WHO='' crash_on "$name" "${POINTS[$name]}"
        WHO=$ALICE crash_on "$name-hers" "${POINTS[$name]}" --user --map-root-user
    done
}
with_hook crash_all
ok "trust-p1-mounts: hooks and keepers end" wait_idle 60
keeper
for name in "${!POINTS[@]}"; do
    for tag in $name $name-hers; do
        p="trust-p1-mounts-$tag"
        if [ "$(said "$tag" dumped)" != true ] || ! wait_listed "$tag"; then
            fail "$p: listed" "$(cat "$T/said.$tag" "$T/stderr.$tag")"
            continue
        fi
        id=$(listed "$tag" id)
        inquest info --json "$id" >"$T/info"
        json "$p: whole, and whose it is" "$T/info" '.core == "full" and .signal == 11 and .uid == $uid' \
            --argjson uid "$([ "$tag" = "$name" ] && echo 0 || echo $ALICE)"
        json "$p: where its program was" "$T/info" '(.exe_b64 // (.exe | @base64)) == $said[0].exe' \
            --slurpfile said "$T/said.$tag"
        json "$p: and where it was" "$T/info" \
            '(.metadata.cwd_b64 // (.metadata.cwd | @base64) | @base64d) == $cwd' --arg cwd "$T/$tag/${POINTS[$name]}"
        json "$p: its mounts as they were" "$T/info" '.metadata["proc.mountinfo"] | contains(" none")'
        json "$p: which are no container, nor another fact" "$T/info" \
            '[.container, .unit, .hostname, .metadata.root, .comm] | tostring | contains("touch") or contains("/dev/root") | not'
        for verb in "info $id" "bt $id" "export $id" "list -F exe" "list --columns id,exe"; do
            # shellcheck disable=SC2086
            inquest $verb --no-pager >"$T/out" 2>&1
            ok "$p: inquest ${verb/ $id/} has no control character" \
                bash -c "! LC_ALL=C grep -qaP '[\\x00-\\x08\\x0b-\\x1f\\x7f]' '$T/out'"
            is "$p: nor a line of the mount table" "$(grep -cE '^3[67] 3' "$T/out")" 0
        done
    done
done
ok "trust-p1-mounts: nothing that a mount is called was run" \
    test -z "$(find "$T" -name injected -not -path "$T/words*")" -a ! -e "$T/injected"
is "trust-p1-mounts: nothing is mounted here" "$(grep -cF "$T" /proc/self/mountinfo)" 0
finish
