#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-cgroup - a victim in a cgroup whose name has colons, escapes, shell words and what containers
# are known by: the crash is listed, nothing reaches a terminal raw, and nothing of it is taken for
# another fact.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$hierarchy" ] || hierarchy=$(awk '$3 == "cgroup" && /name=systemd/ { print $2; exit }' /proc/mounts)
[ -n "$hierarchy" ] || skip_all "no cgroup hierarchy is mounted"

HOSTILE=$'x:y\e[31m)$(id)%s\xff"'
base=$hierarchy/inquest.test.$$
group=$base/$HOSTILE/docker-$(printf 'f%.0s' {1..64}).scope
mkdir "$base" 2>"$T/stderr.mkdir" || skip_all "cannot make a cgroup: $(cat "$T/stderr.mkdir")"
remove_groups() {
    find "$base" -depth -type d -exec rmdir {} \; 2>/dev/null
}
finally remove_groups
mkdir -p "$group" || skip_all "cannot make a cgroup of such a name"
ok "trust-p1-cgroup: the kernel lets no newline be in a name" \
    bash -c "! mkdir '$base/a'$'\\n''b' 2>/dev/null"

crash_inside() {
    (
        echo $BASHPID >"$group/cgroup.procs" || exit 1
        crash victim -t 30 "$VICTIMS/signals" SEGV
    )
}
with_hook crash_inside
ok "trust-p1-cgroup: hook and keeper end" wait_idle 60
ok "trust-p1-cgroup: the crash is listed" wait_listed victim
id=$(listed victim id)
inquest info --json "$id" >"$T/info"
json "trust-p1-cgroup: whole" "$T/info" '.core == "full" and .signal == 11'
json "trust-p1-cgroup: with the name as it was" "$T/info" \
    '.metadata["proc.cgroup"] // "" | contains("(id)")'
json "trust-p1-cgroup: which is no other fact" "$T/info" \
    '[.hostname, .exe, .comm, .metadata.user] | tostring | contains("(id)") | not'
for verb in "info $id" "list --columns id,container,unit" "list -F container" "list -F unit"; do
    # shellcheck disable=SC2086
    inquest $verb --no-pager >"$T/out" 2>&1
    ok "trust-p1-cgroup: inquest ${verb/ $id/} shows no control character" \
        bash -c "! LC_ALL=C grep -qP '[\\x00-\\x08\\x0b-\\x1f\\x7f]' '$T/out'"
done
finish
