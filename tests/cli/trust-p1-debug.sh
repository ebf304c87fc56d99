#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-debug - root's `debug` gives the files of a private crash to its debugger and to nobody else, and
# neither building nor removing them leads root to what another has put there.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root, whose debugger is another user"
command -v gcc >/dev/null || bail "no compiler"
mkdir -m 1777 "$T/tmp" "$T/out"
mkdir -m 755 "$T/precious"

"$MAKE_CORE" pid=321 uid=0 args=A-SECRET-OF-ROOT >"$T/core"
inquest import --no-analysis "$T/core" >"$T/imported" || bail "not imported: $(cat "$T/imported")"
id=321

debug() { # PROGRAM [OPTION…]: that program is the debugger
    TMPDIR=$T/tmp timeout 60 "$INQUEST" debug --debugger "$1" "${@:2}" "$id" >"$T/said" 2>&1
}

# ---- who may do what while it runs -----------------------------------------------------------------

# The debugger tells of itself, tries to write, and waits until it was looked at from outside.
cat >"$T/debugger" <<END
#!/bin/sh
for core; do :; done
cd "\${core%/core}" || exit 9
id -u >$T/out/uid; id -g >$T/out/gid; id -G >$T/out/groups
find . ! -type l -printf '%U:%#m:%y %P\n' >$T/out/tree
grep -ac A-SECRET-OF-ROOT core >$T/out/secrets
mkdir planted 2>/dev/null || ln -s $T/precious root/planted 2>/dev/null || mv root libs/ 2>/dev/null ||
    true >>core 2>/dev/null && echo planted >$T/out/planted
echo "\$PWD" >$T/out/place
for i in \$(seq 300); do [ -e $T/out/seen ] && exit 7; sleep 0.1; done
END
chmod 755 "$T/debugger"
(debug "$T/debugger"; echo $? >"$T/status") &
for _ in $(seq 300); do
    [ -s "$T/out/place" ] && break
    sleep 0.1
done
place=$(cat "$T/out/place" 2>/dev/null)
uid=$(cat "$T/out/uid" 2>/dev/null)
ok "trust-p1-debug: nobody is who the debugger is" \
    bash -c "[ -n '$uid' ] && [ '$uid' != 0 ] && ! getent passwd '$uid'"
is "trust-p1-debug: nor in its groups" "$(cat "$T/out/gid" "$T/out/groups" | sort -u)" "$uid"
is "trust-p1-debug: it reads the core" "$(cat "$T/out/secrets")" 1
is "trust-p1-debug: what it is given is root's, for its group to read" \
    "$(awk '$1 !~ /^0:0(750|755|644|640):/' "$T/out/tree")$(stat -c ' %a %g' "$place" "$place/core" | tr '\n' ' ')" \
    " 750 $uid  640 $uid "
is "trust-p1-debug: it can put nothing there" "$(ls "$T/out/planted" 2>/dev/null)" ""
setpriv --reuid 65534 --regid 65534 --clear-groups cat "$place/core" >"$T/got" 2>/dev/null
is "trust-p1-debug: the user nobody reads none of it" "$(stat -c %s "$T/got")" 0
touch "$T/out/seen"
wait
is "trust-p1-debug: the debugger's status" "$(cat "$T/status")" 7
is "trust-p1-debug: nothing is left behind" "$(ls -A "$T/tmp")" ""

# ---- where there is no other user ------------------------------------------------------------------

if unshare --user --map-root-user true 2>/dev/null; then
    TMPDIR=$T/tmp unshare --user --map-root-user "$INQUEST" debug --debugger true "$id" >"$T/said" 2>&1
    is "trust-p1-debug: without a user of its own it is refused" $? 1
    ok "and the way out is named" grep -q -e "--as-root" "$T/said"
    ok "which is one" unshare --user --map-root-user env TMPDIR="$T/tmp" \
        "$INQUEST" debug --as-root --debugger true "$id"
else
    skip "trust-p1-debug: without a user of its own it is refused" "no user namespaces here"
fi

# ---- its terminal ----------------------------------------------------------------------------------

cat >"$T/type.c" <<'END_OF_C'
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
int main(void)
{
    puts(ioctl(0, TIOCSTI, "x") == 0 ? "typed" : errno == EPERM ? "refused" : "no terminal");
    return 0;
}
END_OF_C
gcc -o "$T/type" "$T/type.c" || bail "not built"
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    TMPDIR=$T/tmp script -qec "'$INQUEST' debug --debugger '$T/type' $id" /dev/null </dev/null >"$T/said" 2>&1
    is "trust-p1-debug: it types nothing on root's terminal" "$(grep -oE 'typed|refused|no terminal' "$T/said")" refused
else
    skip "trust-p1-debug: it types nothing on root's terminal" "no script(1)"
fi

# What stays behind a debugger is ended with it.
cat >"$T/linger" <<END
#!/bin/sh
setsid sh -c 'echo \$\$ >$T/out/lingers; exec sleep 300' >/dev/null 2>&1 </dev/null &
for i in \$(seq 100); do [ -s $T/out/lingers ] && exit 0; sleep 0.1; done
END
chmod 755 "$T/linger"
debug "$T/linger"
left=$(cat "$T/out/lingers" 2>/dev/null)
ok "trust-p1-debug: it left something behind" test -n "$left"
# Where nobody takes note of orphans' ends, it is a zombie.
ok "trust-p1-debug: which is ended with it" \
    bash -c "[ ! -e /proc/$left ] || grep -q '^State:.*Z' /proc/$left/status"

# ---- what is swapped while it is removed -----------------------------------------------------------

# A debugger that may write there puts a link to a directory in the place of one that is being emptied.
cat >"$T/swap.c" <<'END_OF_C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char *core = argv[argc - 1], events[4096], name[64];
    *strrchr(core, '/') = '\0';
    if (chdir(core) < 0 || mkdir("full", 0755) < 0 || chdir("full") < 0)
        return 1;
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, i ? "file-%d" : "precious", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    int watch = inotify_init();
    if (symlink(PRECIOUS, OUT "/link") < 0 || inotify_add_watch(watch, ".", IN_OPEN | IN_DELETE) < 0 || chdir("..") < 0)
        return 2;
    if (fork() > 0)
        return 0;
    if (read(watch, events, sizeof events) > 0 && renameat2(AT_FDCWD, "full", AT_FDCWD, OUT "/link", RENAME_EXCHANGE) == 0)
        close(open(OUT "/swapped", O_CREAT | O_WRONLY, 0644));
    return 0;
}
END_OF_C
gcc -DPRECIOUS="\"$T/precious\"" -DOUT="\"$T/out\"" -o "$T/swap" "$T/swap.c" || bail "not built"
echo kept >"$T/precious/precious"
for _ in 1 2 3; do
    debug "$T/swap" --as-root
    sleep 0.3
    rm -rf "$T/out/link" "$T/out/full"
done
ok "trust-p1-debug: a directory was swapped for a link" test -e "$T/out/swapped"
is "trust-p1-debug: what the link leads to stays" "$(cat "$T/precious/precious")" kept
finish
