#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p2-names - a user cannot tell by the filesystem what crashed, whose, how often or how large
# (systemd #20848): crashes/ can be passed but not listed, others' directories not even that, and no
# file's name has a word of the victim's. And he changes nothing there, of his own crashes neither: no
# file is his, none can be made, opened for writing, renamed, linked or removed by him.
. "$(dirname "$0")/../lib.sh"
needs_kernel
ALICE=61001 BOB=61002
cp "$VICTIMS/signals" "$T/secret-project"
crash_both() {
    crash hers -u $ALICE -t 30 "$T/secret-project" SEGV
    crash his -u $BOB -t 30 "$T/secret-project" ABRT
}
printf '[analyze]\nauto = yes\n' | config # index, report and cache are there, too
with_hook crash_both
ok "trust-p2-names: hooks and keepers end" wait_idle 60
keeper
wait_listed hers || fail "trust-p2-names: hers is listed"
wait_listed his || fail "trust-p2-names: his is listed"

sees() { # PATH: what ALICE finds there
    as_user $ALICE find "$1" -mindepth 1 2>/dev/null
}
is "trust-p2-names: she cannot list the store" "$(sees "$STORE")" ''
is "trust-p2-names: nor who has crashes" "$(sees "$STORE/crashes")" ''
is "trust-p2-names: nor what he has" "$(sees "$STORE/crashes/$BOB")" ''
is "trust-p2-names: nor what waits" "$(sees "$STORE/new")" ''
ok "trust-p2-names: nor ask for one of his by name" \
    bash -c "! setpriv --reuid=$ALICE --regid=$ALICE --clear-groups stat '$(record_of his)'"
ok "trust-p2-names: but has her own" as_user $ALICE zstd -tq "$(record_of hers)"
is "trust-p2-names: no name has a word of the victim's" \
    "$(find "$STORE" -name '*secret*' -o -name '*signals*')" ''
is "trust-p2-names: what files are called is time and process" \
    "$(find "$STORE/crashes" -type f ! -name 'index.db*' -printf '%f\n' |
        grep -vxE '[0-9]{8}-[0-9]{6}-[0-9]+\.(core\.zst|report\.json|pin)')" ''

# What she could do to each name that there is, and beside it; names are told to her, so that it is
# not for want of one that she fails. What succeeds is printed.
inquest pin "$(listed hers id)" "$(listed his id)" >/dev/null
mkdir -m 777 "$T/hers"
chown $ALICE "$T/hers"
cat >"$T/meddle.py" <<'END'
import os, sys
own = sys.argv[1]
def tries(what, path, call, *arguments):
    try:
        call(*arguments)
        print(what, path)
    except OSError:
        pass
for path in sys.stdin.read().split("\0")[:-1]:
    open(own + "/mine", "w").close()
    for flags in "O_WRONLY", "O_RDWR", "O_WRONLY|O_TRUNC", "O_WRONLY|O_APPEND", "O_WRONLY|O_CREAT":
        bits = 0
        for flag in flags.split("|"):
            bits |= getattr(os, flag)
        tries("open " + flags, path, os.open, path, bits, 0o666)
    tries("truncate", path, os.truncate, path, 0)
    tries("chmod", path, os.chmod, path, 0o777)
    tries("chown", path, os.chown, path, os.getuid(), os.getgid())
    tries("utime", path, os.utime, path)
    tries("setxattr", path, os.setxattr, path, "user.inquest", b"x")
    within = path + "/20200101-000000-1"
    tries("create in", path, os.open, within + ".core.zst", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    tries("mkdir in", path, os.mkdir, within)
    tries("mkfifo in", path, os.mkfifo, within + ".core.zst.part")
    tries("symlink in", path, os.symlink, "/etc/passwd", path + "/index.db-journal")
    tries("link in", path, os.link, own + "/mine", within + ".pin")
    tries("rename into", path, os.rename, own + "/mine", within + ".report.json")
    open(own + "/mine", "w").close()
    tries("nameless in", path, os.open, path, os.O_WRONLY | os.O_TMPFILE, 0o666)
    tries("link from", path, os.link, path, own + "/linked")
    # Each makes room for the next, where it succeeds.
    tries("rename away", path, os.rename, path, own + "/taken")
    tries("rename over", path, os.rename, own + "/mine", path)
    tries("rename beside", path, os.rename, path, path + ".moved")
    tries("symlink", path, os.symlink, "/etc/passwd", path)
    tries("unlink", path, os.unlink, path)
    tries("rmdir", path, os.rmdir, path)
END
meddle() { # DIR…: what she can do beneath them
    find "$@" -depth -print0 2>/dev/null | as_user $ALICE /usr/bin/python3 "$T/meddle.py" "$T/hers"
}
# Names, owners, modes, lists and bytes of all there is.
snapshot() {
    find "$STORE" -printf '%P %i %n %U %G %m %s %l\n' | sort
    (cd "$STORE" && find . -exec getfacl -cnE {} + 2>/dev/null && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
cp -a "$STORE" "$T/hers/copy"
chown -R $ALICE "$T/hers/copy"
meddle "$T/hers/copy" >"$T/meddled"
ok "trust-p2-names: what she does works on what is hers" \
    bash -c 'for what in "open O_WRONLY" truncate chmod "create in" "link in" "rename into" "link from" \
        "rename away" "rename over" "rename beside" symlink unlink; do
        grep -q "^$what " "$0" || { echo "not seen: $what"; exit 1; }; done' "$T/meddled"
snapshot >"$T/before"
ok "trust-p2-names: there is one of each kind to try" bash -c "for name in index.db new cache modules \
    crashes/$ALICE/index.db crashes/$ALICE/$(listed hers id).{report.json,pin} crashes/$BOB/$(listed his id).core.zst; do
    test -e '$STORE'/\$name || { echo \$name; exit 1; }; done"
is "trust-p2-names: nothing of the store is hers" "$(find "$STORE" -uid $ALICE -o -gid $ALICE)" ''
is "trust-p2-names: and she changes none of it" "$(meddle "$STORE")" ''
snapshot >"$T/after"
ok "trust-p2-names: it is what it was" diff "$T/before" "$T/after"
is "trust-p2-names: nor has she a way into the runtime directory" "$(meddle /run/inquest)" ''
finish
