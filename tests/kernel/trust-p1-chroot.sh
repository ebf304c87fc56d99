#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-chroot - a user's process crashes in namespaces and a root directory of his own making, with
# files in it that lie: the crash is his, and nothing of those files is believed, run or kept as shared.
# That bait is there for all that the hook, the keeper and the analyzer run or load, and takes.
. "$(dirname "$0")/../lib.sh"
needs_kernel
command -v gcc >/dev/null || bail "no compiler"
config </dev/null # the analysis, too
ALICE=61001

# A root with users of her own and links to what she can't read.
root=$T/root
mkdir -p "$root"/{etc,tmp,proc,var/lib/dpkg}
# Its victim needs none of the libraries there: all of them are bait.
mkdir -p "$root/bin"
gcc -std=gnu11 -D_GNU_SOURCE -g -static -pthread -I"$top_srcdir" -o "$root/bin/victim" \
    "$top_srcdir"/tests/victims/{signals,victim}.c || bail "no static victim"

# Whoever runs or loads bait leaves a line in $T/ran: in this root or in hers, as whichever user.
mkdir -p "$root$T"
touch "$T/ran" "$root$T/ran"
chmod 666 "$T/ran" "$root$T/ran"
# It needs no library, so that it can be a loader and a libc.
cat >"$T/bait.c" <<END
#include <fcntl.h>
#include <sys/syscall.h>
static long call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return number;
#else
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c, x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}
__attribute__((constructor)) static void bite(void)
{
    char name[200] = "?";
    long n = call(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)name, sizeof name - 1);
    long fd = call(SYS_openat, AT_FDCWD, (long)"$T/ran", O_WRONLY | O_APPEND, 0);
    name[n < 1 ? n = 1 : n] = '\\n';
    call(SYS_write, fd, (long)name, n + 1, 0);
}
#ifdef PROGRAM
void _start(void)
{
    bite();
    call(SYS_exit_group, 0, 0, 0, 0);
}
#endif
END
bare=(-O1 -nostdlib -ffreestanding -fno-stack-protector)
gcc "${bare[@]}" -shared -fPIC -o "$T/bait.so" "$T/bait.c" &&
    gcc "${bare[@]}" -static-pie -DPROGRAM -o "$T/bait" "$T/bait.c" || bail "no bait"
# Each directory where a program or a library of theirs is looked for, on any system, and where it is here.
mapfile -t libraries < <(for program in inquest inquest-hook inquest-keeper inquest-analyzer; do
    ldd "$BIN/$program" | grep -o '/[^ ]*'
done | sort -u)
for at in /bin /sbin /usr/{bin,sbin,libexec,lib/inquest} /usr/local/{bin,sbin,libexec} "$BIN"; do
    mkdir -p "$root$at"
    for name in inquest{,-hook,-keeper,-analyzer} sh bash env ldd ld.so ldconfig id getent dpkg dpkg-query rpm \
        gdb eu-stack eu-unstrip addr2line debuginfod-find zstd chroot true; do
        ln "$T/bait" "$root$at/$name"
    done
done
for at in /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib "${libraries[@]%/*}"; do
    mkdir -p "$root$at"
    for library in "${libraries[@]}" libc.so.6 libnss_files.so.2 libthread_db.so.1 libdebuginfod.so.1; do
        case $library in
        *ld-linux*) cp "$T/bait" "$root$at/${library##*/}" ;;
        *) cp "$T/bait.so" "$root$at/${library##*/}" ;;
        esac
    done
done
echo "$T/bait.so" >"$root/etc/ld.so.preload"
echo "/usr/local/lib" >"$root/etc/ld.so.conf"
cp "$T/bait.so" "$root$T/"

# Bait that nobody can take shows nothing: by hand, here and in there, it is taken.
bites() { # NAME COMMAND…
    local name=$1
    shift
    "$@" >/dev/null 2>&1
    ok "trust-p1-chroot: bait is taken: $name" grep -qs . "$T/ran" "$root$T/ran"
    : >"$T/ran"
    : >"$root$T/ran"
}
cp "$(type -P true)" "$root/tmp/dynamic"
bites "a keeper in her root" chroot "$root" /usr/libexec/inquest-keeper
bites "one where ours is" chroot "$root" "$BIN/inquest-keeper"
bites "a shell by its path here" "$root/bin/sh"
bites "a library" env LD_PRELOAD="$T/bait.so" "$(type -P true)"
bites "the loader of any program in there" chroot "$root" /tmp/dynamic
for library in "${libraries[@]}"; do
    [[ $library == *ld-linux* ]] || bites "${library##*/}" env LD_PRELOAD="$root$library" true
done

echo "root:x:$ALICE:$ALICE::/:/bin/sh" >"$root/etc/passwd"
mkdir -p "$root/usr/lib"
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
ok "trust-p1-chroot: hook and keeper end" wait_idle 60
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
ok "trust-p1-chroot: it is explained all the same" jq -e '.threads | length == 1' \
    <(inquest bt --json "$(listed victim id)")
inquest analyze "$(listed victim id)" >/dev/null
is "trust-p1-chroot: nothing of her root was run or loaded" "$(cat "$T/ran" "$root$T/ran")" ''
build_id=$(readelf -n "$root/bin/victim" | sed -n 's/.*Build ID: //p')
ok "trust-p1-chroot: no file of hers among the shared modules" \
    test -n "$build_id" -a ! -e "$STORE/modules/$build_id"

# ---- where there is nothing to lie with: what she may read is hers as anywhere -------------------

mkdir "$T/plain"
echo 'int main(void) { return *(volatile int *)0; }' | gcc -static -x c -o "$T/plain/fault" - ||
    bail "no static victim"
cat >"$T/unshare.py" <<'END'
import ctypes, os
uid, gid = os.getuid(), os.getgid()
NEWNS, NEWUSER = 0x00020000, 0x10000000
if ctypes.CDLL(None).unshare(NEWNS | NEWUSER) == 0:
    for name, text in ("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    print('{"pid":%d}' % os.getpid(), flush=True)
    os.kill(os.getpid(), 11)
END
crash_plainly() {
    crash plain -t 30 "$(type -P chroot)" --userspec=$ALICE:$ALICE --groups= "$T/plain" /fault
    crash unshared -u $ALICE -t 30 /usr/bin/python3 "$T/unshare.py"
}
with_hook crash_plainly
ok "trust-p1-chroot: hooks and keepers end" wait_idle 60
for tag in plain unshared; do
    ok "trust-p1-chroot: $tag: listed" wait_listed $tag
    is "trust-p1-chroot: $tag: hers" "$(record_of $tag)" \
        "$STORE/crashes/$ALICE/$(listed $tag id).core.zst"
done
finish
