#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-debuginfod - debug information from a debuginfod server, asked by build-id, only where
# that is switched on; a server that doesn't answer costs no frame.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"
if ! has debuginfod-find; then
    skip_all "no debuginfod client"
fi
INQUEST=$BIN/inquest # memcheck would ask the same server, and fill the cache as root

# debuginfod-find reads file:// URLs: a directory is a server.
build victim gcc -g -O1 -pthread "$EXPLAIN/faults.c" -w || bail "not built"
id=$(readelf -n "$T/victim" | awk '/Build ID/ { print $3 }')
mkdir -p "$T/server/buildid/$id" "$T/home"
mkdir -m 777 "$T/cache" # root's broker is another user
objcopy --only-keep-debug "$T/victim" "$T/server/buildid/$id/debuginfo"
strip --strip-all "$T/victim"
export HOME=$T/home
unset XDG_CACHE_HOME DEBUGINFOD_CACHE_PATH DEBUGINFOD_URLS
crash_one() {
    core_of victim "$T/victim" null-read
}
with_plain_cores crash_one

names='[.threads[0].frames[] | .function // "??"] | .[:4] | join(" ")'
explain victim
is "explain-p1-debuginfod: nobody is asked unless told" "$(fact_of victim "$names")" "?? ?? ?? ??"

export DEBUGINFOD_URLS="file://$T/server/"
explain victim
is "explain-p1-debuginfod: a caller whose cache cannot be written gets them, and nothing is left" \
    "$(fact_of victim "$names")$(ls -d /tmp/inquest-debuginfod.* 2>/dev/null)" \
    "read_shape die_null_read choose main"

export DEBUGINFOD_CACHE_PATH=$T/cache
explain victim
is "explain-p1-debuginfod: names and lines from the server that DEBUGINFOD_URLS names" \
    "$(fact_of victim "$names")" "read_shape die_null_read choose main"

rm -rf "$T/server"
unset DEBUGINFOD_URLS
explain victim
is "explain-p1-debuginfod: what was fetched before is used without asking" \
    "$(fact_of victim "$names")" "read_shape die_null_read choose main"

rm -rf "$T/cache"/*
export DEBUGINFOD_URLS="http://127.0.0.1:1/"
explain victim
is "explain-p1-debuginfod: a server that isn't there costs names, not frames" \
    "$(fact_of victim "$names") $(fact_of victim '.threads[0].stop')" "?? ?? ?? ?? end"
finish
