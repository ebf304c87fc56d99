#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-import - core files that lie are refused or taken for what they are, within bounds of time
# and memory, and never bring a file anywhere but into the store.
. "$(dirname "$0")/../lib.sh"
config_to_collect

cat >"$T/make.py" <<'END'
import struct
import sys

def ehdr(phnum=1, phoff=64, shoff=0, shnum=0, kind=4, machine=62):
    return b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, 0, phoff, shoff, 0, 64, 56, phnum, 64, shnum, 0)

def phdr(kind=1, offset=4096, vaddr=0x1000, filesz=4096, memsz=4096, align=4096):
    return struct.pack("<IIQQQQQQ", kind, 6, offset, vaddr, 0, filesz, memsz, align)

HUGE = 0xffffffffffff0000
def note(kind, size, body=b""):
    return struct.pack("<III", 5, size, kind) + b"CORE\0\0\0\0" + body

cases = {
    "empty": b"",
    "magic": b"\x7fELF",
    "header": ehdr(),
    "nothing": ehdr(phnum=0),
    "no-core": ehdr(kind=2) + phdr() + bytes(8000),
    "other-machine": ehdr(machine=0xbeef) + phdr() + bytes(8000),
    "huge-size": ehdr() + phdr(filesz=HUGE, memsz=HUGE),
    "huge-offset": ehdr() + phdr(offset=HUGE),
    "wraps": ehdr() + phdr(offset=HUGE, filesz=0x20000),
    "headers-far": ehdr(phoff=HUGE) + phdr(),
    "headers-over": ehdr(phoff=0) + phdr(),
    "many": ehdr(phnum=65535, shoff=HUGE, shnum=1) + phdr() * 100,
    "many-none": ehdr(phnum=65535) + phdr() * 100,
    "note-huge": ehdr() + phdr(kind=4, offset=120, filesz=HUGE) + note(1, 0xffffffff),
    "note-long": ehdr() + phdr(kind=4, offset=120, filesz=100) + note(1, 0xfffffff0, bytes(80)),
    "note-file": ehdr() + phdr(kind=4, offset=120, filesz=200) + note(
        0x46494c45, 100, struct.pack("<QQ", HUGE, 1) + b"\xff" * 84),
    "note-auxv": ehdr() + phdr(kind=4, offset=120, filesz=200) + note(6, 100, b"\xff" * 100),
    "note-empty": ehdr() + phdr(kind=4, offset=120, filesz=0),
}
for name, content in cases.items():
    with open(sys.argv[1] + "/" + name, "wb") as file:
        file.write(content)
END
mkdir "$T/cases"
/usr/bin/python3 "$T/make.py" "$T/cases"
# A bomb: 6 GiB of zeros in half a megabyte.
head -c 4096 "$T/cases/huge-size" >"$T/bomb"
truncate -s 6G "$T/bomb"
zstd -q -1 "$T/bomb" -o "$T/cases/bomb.zst"
rm "$T/bomb"
zstd -q "$T/cases/huge-size" -o "$T/cases/huge-size.zst"
head -c 20 "$T/cases/huge-size.zst" >"$T/cases/cut.zst"
head -c 100000 /dev/urandom >"$T/cases/random"

bounded() { # COMMAND…: 0 done, 1 refused, 3 partial: no signal, no hang
    local status
    (is_sanitized || ulimit -v 2000000; ulimit -f 10000000; timeout $((60 * PATIENCE)) "$@") >"$T/out" 2>&1
    status=$?
    case $status in
    0 | 1 | 3) return 0 ;;
    *) echo "status $status: $(head -c 1000 "$T/out")"; return 1 ;;
    esac
}
for case in "$T"/cases/*; do
    ok "trust-p1-import: ${case##*/}: refused or taken" bounded "$INQUEST" import "$case"
done
inquest list --json >"$T/list"
for id in $(jq -r '.[].id' "$T/list"); do
    ok "trust-p1-import: dump of what was taken" bounded "$INQUEST" dump "$id" -o "$T/dumped"
    rm -f "$T/dumped"
    ok "trust-p1-import: info of what was taken" bounded "$INQUEST" info --json "$id"
    ok "trust-p1-import: analysis of what was taken" bounded "$INQUEST" bt "$id"
done
json "trust-p1-import: none of them is called whole when it is not" "$T/list" \
    'all(.[]; .core != "full" or .core_size < 1000000)'

# Names in a bundle that lead out of it.
mkdir -p "$T/bundle/x"
cp "$T/cases/nothing" "$T/bundle/x/core"
for name in /tmp/iq-escaped ../../../../../../../../tmp/iq-escaped x/../../../../../../tmp/iq-escaped; do
    tar -C "$T/bundle" -P --transform "s,^x/core\$,$name," -cf - x/core | zstd -q >"$T/evil.tar.zst"
    bounded "$INQUEST" import "$T/evil.tar.zst"
    ok "trust-p1-import: a bundle with the name $name writes nothing there" test ! -e /tmp/iq-escaped
    rm -f /tmp/iq-escaped
done
ln -s "$T/escaped" "$T/bundle/link"
tar -C "$T/bundle" -cf - link --transform 's,^x/core$,link/core,' x/core 2>/dev/null |
    zstd -q >"$T/evil.tar.zst"
bounded "$INQUEST" import "$T/evil.tar.zst"
ok "trust-p1-import: nor through a link in it" test ! -e "$T/escaped"

# What is no core, or no file, is refused, and nothing of it is quoted.
ln -s /etc/shadow "$T/shadow"
mkfifo "$T/fifo"
for odd in /dev/null /dev/zero /dev/tty "$T" "$T/fifo" /proc/self/mem "$T/shadow"; do
    timeout 60 "$BIN/inquest" import "$odd" >"$T/out" 2>&1
    is "trust-p1-import: ${odd/"$T"/the test} is refused" $? 1
    ok "trust-p1-import: and not quoted" bash -c "! grep -q 'root:' '$T/out'"
done

# What comes by stdin may have no end.
for endless in 'cat /dev/zero' yes; do
    for verb in import bt; do
        $endless 2>/dev/null | timeout 60 "$BIN/inquest" $verb - >"$T/out" 2>&1
        is "trust-p1-import: $verb of the output of $endless is refused" "${PIPESTATUS[1]}" 1
    done
done

# A bundle whose core is a link, a device or a directory, or is there twice, or longer than its file.
new_store # without the bomb
printf 'not a core' >"$T/bundle/plain"
ln -sf /etc/shadow "$T/bundle/x/soft"
ln -f "$T/bundle/x/core" "$T/bundle/x/hard"
mkfifo "$T/bundle/x/pipe"
for member in soft hard pipe; do
    tar -C "$T/bundle" --transform "s,^x/$member\$,x/core.zst," -cf - "x/$member" | zstd -q >"$T/evil.tar.zst"
    ok "trust-p1-import: a bundle whose core is a $member: refused or taken" \
        bounded "$INQUEST" import "$T/evil.tar.zst"
    ok "trust-p1-import: and nothing of another file is in the store" \
        bash -c "! zstd -dcq '$STORE'/crashes/*/*.core.zst 2>/dev/null | grep -qa '^root:'"
done
tar -C "$T/bundle" -cf - x/core plain >"$T/long.tar"
printf '77777777777' | dd of="$T/long.tar" bs=1 seek=124 conv=notrunc status=none
ok "trust-p1-import: a bundle with a member of 8 GiB that is not there" \
    bounded "$INQUEST" import "$T/long.tar"

# A crash's name is an id of one form, whatever else there is.
outside=$T/outside-20261101-000000-1
cp -r "$T/cases/nothing" "$outside.core.zst"
for name in ../../etc/passwd "../${outside##*/}" "../../outside-20261101-000000-1" \
    20261101-000000-1/../../x '20261101-000000-1%00' $'20261101-000000-1\n'; do
    for verb in info bt "dump -o $T/dumped" "pin" "rm -y --force"; do
        # shellcheck disable=SC2086
        inquest $verb -- "$name" >"$T/out" 2>&1
        status=$?
        case $status in
        1 | 2 | 64) ;;
        *) fail "trust-p1-import: $verb takes $(printf %q "$name") for a crash" "$(cat "$T/out")" ;;
        esac
    done
done
ok "trust-p1-import: no name leads out of the store" test -e "$outside.core.zst" -a ! -e "$T/dumped"
finish
