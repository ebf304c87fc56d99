#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p3-broker - whoever looks for the analyzer's files as root is not uid 0 while he does: as such
# he could write to all that root owns, without any capability.
. "$(dirname "$0")/../lib.sh"
! is_sanitized || skip_all "LeakSanitizer and valgrind do not live with strace"
[ "$(id -u)" = 0 ] || skip_all "not root"
command -v strace >/dev/null || skip_all "strace is not installed"
strace -qq -e trace=none true 2>/dev/null || skip_all "strace may not trace here"

"$top_builddir/make-core" >"$T/core" || bail "make-core failed"
# A file for each process: in one for all, a call is in two lines where another process came between.
strace -ff -qq -o "$T/trace" -e trace=setresuid,capset,openat2 "$BIN/inquest" -D "$STORE" import \
    "$T/core" >"$T/said" 2>&1 || bail "import: $(cat "$T/said")"

# The last user that each process became before it gave up its capabilities.
awk '/^setresuid/ && $NF == 0 { gsub(/[^0-9]/, "", $2); user[FILENAME] = $2 }
     /^capset/ && /CAP_DAC_READ_SEARCH/ { print user[FILENAME] }' "$T"/trace.* >"$T/users"
ok "trust-p3-broker: it keeps the right to read alone" test -s "$T/users"
is "trust-p3-broker: and not as root" "$(grep -cx 0 "$T/users")" 0
finish
