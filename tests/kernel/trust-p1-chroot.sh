#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-chroot - a user's process crashes in namespaces and a root directory of his own making, with
# files in it that lie: the crash is his, and nothing of those files is believed, run or kept as shared.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
ALICE=61001

# A root with a libc that is what she likes, users of her own and links to what she can't read.
root=$T/root
mkdir -p "$root"/{etc,bin,tmp,proc,var/lib/dpkg,usr/lib}
cp "$VICTIMS/signals" "$root/bin/victim"
ldd "$VICTIMS/signals" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp "$library" "$root$library"
done
echo "root:x:$ALICE:$ALICE::/:/bin/sh" >"$root/etc/passwd"
echo 'PRETTY_NAME="An OS that lies"' >"$root/etc/os-release"
ln -s /etc/shadow "$root/etc/machine-id"
mkfifo "$root/usr/lib/os-release"
chown -R $ALICE:$ALICE "$root"

cat >"$T/enter.sh" <<END
mount -t proc proc $root/proc && exec chroot $root /bin/victim SEGV
END
crash_inside() {
    crash victim -u $ALICE -t 30 /usr/bin/unshare --user --map-root-user --mount --pid --fork \
        --kill-child /bin/sh "$T/enter.sh"
}
with_hook -b log crash_inside
wait_idle
# unshare dies of its child's signal, too.
pid=$(inquest list --json | jq '.[] | select(.comm == "victim").pid')
if [ ! -s "$T/handed" ]; then
    skip trust-p1-chroot "user namespaces cannot be had: $(head -1 "$T/stderr.victim")"
    finish
    exit
fi
jq -nc --argjson pid "$pid" '{$pid}' >"$T/said.victim"
ok "trust-p1-chroot: listed" wait_listed victim
inquest info --json "$(listed victim id)" >"$T/info"
json "trust-p1-chroot: by the machine's view of who it was" "$T/info" \
    '.uid == 61001 and .user == null and .core == "full" and .ns_pid != .pid'
json "trust-p1-chroot: where it had its root" "$T/info" '.metadata.root == $root' --arg root "$root"
json "trust-p1-chroot: the machine's OS, not its own" "$T/info" \
    '.metadata.os // "" | contains("lies") | not'
json "trust-p1-chroot: nothing that only root can read" "$T/info" 'tostring | contains("root:$") | not'
build_id=$(readelf -n "$root/bin/victim" | sed -n 's/.*Build ID: //p')
ok "trust-p1-chroot: no file of hers among the shared modules" \
    test -n "$build_id" -a ! -e "$STORE/modules/$build_id"
finish
