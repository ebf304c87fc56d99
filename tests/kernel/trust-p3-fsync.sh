#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-fsync - a disk that does not confirm is not believed: where fsync of the record fails, the
# kernel log says so, whatever is left of the record.
. "$(dirname "$0")/../lib.sh"
needs_kernel
command -v strace >/dev/null || skip_all "strace is not installed"
config_to_collect

cat >"$BIN/faulty" <<END
#!/bin/sh
exec strace -f -qq -o "$T/trace" -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO:when=1 \\
    "$BIN/inquest-hook" "\$@"
END
chmod +x "$BIN/faulty"
kmsg_mark
pattern_take 1024 '' "|$BIN/faulty -C $CONF $SPECIFIERS" 2
crash victim -t 30 "$VICTIMS/signals" SEGV
pattern_give_back
ok "trust-p3-fsync: hook and keeper end" wait_idle 60
ok "trust-p3-fsync: the hook asks the disk" grep -q INJECTED "$T/trace"
is "trust-p3-fsync: the victim is let go" "$(said victim hung)" null
ok "trust-p3-fsync: the kernel log tells of it" \
    grep -E "inquest-hook.*$(said victim pid).*(Input/output|disk)" <(kmsg_since)
finish
