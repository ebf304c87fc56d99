# SPDX-License-Identifier: GPL-2.0-or-later
# install.sh - make install puts files below DESTDIR and the prefix only, and uninstall takes them
# all away, but for a configuration that the administrator has changed.
. "$(dirname "$0")/lib.sh"

D=$T/dest
run_make() {
    MAKEFLAGS='' make -s -C "$top_builddir" "$@" DESTDIR="$D" prefix=/opt/iq sysconfdir=/opt/etc \
        localstatedir=/opt/var >"$T/make" 2>&1 || { note "$(tail -n 20 "$T/make")"; return 1; }
}

ok "make install" run_make install
is "nothing outside of the prefix" \
    "$(cd "$D" && find . -type f -not -path './opt/iq/*' -not -path './opt/etc/*')" ""
for file in bin/inquest libexec/inquest-hook libexec/inquest-keeper libexec/inquest-analyzer; do
    ok "$file is there, for everybody to run" test "$(stat -c %a "$D/opt/iq/$file")" = 755
done
for file in share/man/man1/inquest.1 share/man/man5/inquest.conf.5 share/man/man8/inquest-hook.8 \
    share/man/man8/inquest-keeper.8 lib/sysusers.d/inquest.conf lib/systemd/system/inquest-keeper.timer; do
    ok "$file is there" test -f "$D/opt/iq/$file"
done
is "sysusers.d makes both users" "$(grep -c '^u inquest' "$D/opt/iq/lib/sysusers.d/inquest.conf")" 2
is "no place is left to fill in" "$(grep -rlE '@[a-z]+@' "$D/opt" --include='*.service' --include='*.conf')" ""

echo '# changed' >>"$D/opt/etc/inquest/inquest.conf"
ok "make install once more" run_make install
is "leaves a changed configuration" "$(tail -n 1 "$D/opt/etc/inquest/inquest.conf")" "# changed"
ok "make uninstall" run_make uninstall
is "leaves nothing but that" "$(cd "$D" && find . -type f -o -type l)" "./opt/etc/inquest/inquest.conf"

# What git has, a release has.
if git -C "$top_srcdir" ls-files >"$T/git" 2>/dev/null; then
    MAKEFLAGS='' make -s -C "$top_builddir" distdir distdir="$T/dist" >"$T/make" 2>&1 ||
        note "$(tail -n 20 "$T/make")"
    (cd "$T/dist" && find . -type f) | sed 's|^\./||' | sort >"$T/dist.files"
    is "a release has every file" "$(grep -v '^\.gitignore$' "$T/git" | sort | comm -23 - "$T/dist.files")" ""
else
    skip "a release has every file" "not in a git repository"
fi

finish
