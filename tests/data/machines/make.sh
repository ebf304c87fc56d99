#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make.sh - makes the cores that are kept here: each machine's own Linux, in an emulator, dumps them.
#
#   make.sh KERNEL-DIRECTORY [MACHINE…]
#
# KERNEL-DIRECTORY/MACHINE is the kernel of that machine: /boot/vmlinu* of Debian's linux-image-arm64,
# -armmp, -powerpc64le, -riscv64, -s390x. Also needs Debian's gcc-CPU-linux-gnu and libc6-dev-ARCH-cross
# for each, qemu-system-arm, -misc, -ppc, cpio, xz-utils. A minute for all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kernels=$(cd "$1" && pwd)
shift
ways='read call jump handler deep'

declare -A compiler=(
    [aarch64]=aarch64-linux-gnu-gcc
    [arm]=arm-linux-gnueabihf-gcc
    [ppc64le]=powerpc64le-linux-gnu-gcc
    [riscv64]=riscv64-linux-gnu-gcc
    [s390x]=s390x-linux-gnu-gcc
)
declare -A emulator=(
    [aarch64]='qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on'
    [arm]='qemu-system-arm -M virt -cpu cortex-a15'
    [ppc64le]='qemu-system-ppc64 -M pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off -cpu power9 -vga none'
    [riscv64]='qemu-system-riscv64 -M virt'
    [s390x]='qemu-system-s390x -M s390-ccw-virtio -cpu max'
)
declare -A console=([aarch64]=ttyAMA0 [arm]=ttyAMA0 [ppc64le]=hvc0 [riscv64]=ttyS0 [s390x]=ttysclp0)

# Code of one file without a C library; its signal frames and vdso are the kernel's.
build_victim() { # COMPILER OUTPUT
    cd "$here"
    "$1" -g -O1 -ffreestanding -fomit-frame-pointer -fno-stack-protector -fasynchronous-unwind-tables \
        -fno-tree-loop-distribute-patterns "-ffile-prefix-map=$here=." -static -nostdlib -Wl,--no-relax -Wl,--build-id \
        victim.c -o "$2"
}

# The console's lines "@bytes OFFSET HEX" and "@core WAY SIZE" as files WAY.core.
take_cores() { # CONSOLE DIRECTORY
    python3 - "$1" "$2" <<'END'
import re, sys
parts = []
for line in open(sys.argv[1], errors='replace'):
    bytes_ = re.search(r'@bytes ([0-9a-f]+) ([0-9a-f]+)', line)
    core = re.search(r'@core (\w+) ([0-9a-f]+)', line)
    if bytes_:
        parts.append((int(bytes_[1], 16), bytes.fromhex(bytes_[2])))
    elif core:
        whole = bytearray(int(core[2], 16))
        for offset, part in parts:
            whole[offset:offset + len(part)] = part
        open(f'{sys.argv[2]}/{core[1]}.core', 'wb').write(whole)
        parts = []
END
}

make_machine() { # MACHINE
    local machine=$1 work
    work=$(mktemp -d)
    mkdir -p "$work/root/dev" "$work/kept"
    build_victim "${compiler[$machine]}" "$work/kept/victim"
    "${compiler[$machine]}" -O1 -static "$here/init.c" -o "$work/root/init"
    cp "$work/kept/victim" "$work/root/victim"
    mknod "$work/root/dev/console" c 5 1
    (cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"
    # shellcheck disable=SC2086 # words of a command
    timeout 60 ${emulator[$machine]} -m 512 -net none -nographic -no-reboot -monitor none \
        -serial "file:$work/console" -kernel "$kernels/$machine" -initrd "$work/initrd" \
        -append "console=${console[$machine]} quiet panic=-1 -- $ways" </dev/null >"$work/log" 2>&1
    take_cores "$work/console" "$work/kept"
    ls -l "$work/kept"
    tar -C "$work/kept" --sort=name --owner=0 --group=0 --mtime=@0 -cf - . | xz -9e >"$here/$machine.tar.xz"
    rm -rf "$work"
}

for machine in "${@:-${!compiler[@]}}"; do
    echo "$machine:"
    make_machine "$machine"
done
