#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# adopt-nfs - a store on a filesystem whose rename knows no flags (NFS): records are adopted, and none
# replaces another.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../cli/store.sh"
! is_sanitized || skip_all "sanitizers must be loaded first"
cat >"$T/plain.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
int renameat2(int from, const char *name, int to, const char *new_name, unsigned flags)
{
    if (!flags)
        return syscall(SYS_renameat2, from, name, to, new_name, flags);
    errno = EINVAL;
    return -1;
}
END
gcc -shared -fPIC -o "$T/plain.so" "$T/plain.c" || bail "not built"

printf '[store]\ncore_age = unlimited\n' | config
import_core 2026-11-01 pid=1 comm=one || bail "import failed"
id=20261101-000000-1
record=$(echo "$STORE"/crashes/*/$id.core.zst)
cp "$record" "$T/one"
new_store
cp "$T/one" "$STORE/new/$id.core.zst"
LD_PRELOAD=$T/plain.so keeper --no-analysis
is "adopt-nfs: a record is adopted" "$(ids)" $id
is "adopt-nfs: and is in new/ no more" "$(ls "$STORE/new")" ""

import_core 2026-11-01 pid=1 comm=two || bail "import failed"
LD_PRELOAD=$T/plain.so keeper --no-analysis
is "adopt-nfs: another of its name has another id" "$(ids | tr ' ' '\n' | sort | tr '\n' ' ')" "$id $id.2 "
ok "adopt-nfs: the first is what it was" cmp "$record" "$T/one"
head -c $(($(stat -c %s "$T/one") * 2 / 3)) "$T/one" >"$STORE/new/20261101-000000-2.core.zst.part"
LD_PRELOAD=$T/plain.so keeper --no-analysis
is "adopt-nfs: a dead hook's record is adopted, too" "$(inquest list --json | jq length)" 3
is "adopt-nfs: nothing is wrong" "$(inquest check >"$T/check"; echo $?)" 0
finish
