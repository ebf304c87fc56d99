#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-packages - a crash names the package that owns its program, with its version, as the package
# manager itself does: dpkg's of a program of the system, rpm's of one that is packed here.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config </dev/null

NAME=inquest-victim-$$
PROGRAM=$T/installed/victim
MACROS=/etc/rpm/macros.inquest-test

# Into the system's database. Debian has none, but one a user: there it is made, by rpm's own
# configuration, and removed at the end.
install_rpm() {
    at_end+=("rpm -e $NAME 2>/dev/null")
    if ! ls /usr/lib/sysimage/rpm/rpmdb.sqlite /var/lib/rpm/{rpmdb.sqlite,Packages*} >/dev/null 2>&1; then
        at_end+=("rm -f $MACROS /var/lib/rpm/rpmdb.sqlite* /var/lib/rpm/.rpm.lock")
        mkdir -p /etc/rpm /var/lib/rpm
        echo "%_dbpath /var/lib/rpm" >$MACROS
    fi
    cat >"$T/victim.spec" <<END
%define debug_package %{nil}
%define __os_install_post %{nil}
Name: $NAME
Epoch: 2
Version: 1.4
Release: 7
Summary: It crashes
License: GPL-2.0-or-later
AutoReqProv: no
%description
It crashes.
%install
install -D '$VICTIMS/signals' %{buildroot}$PROGRAM
%files
$PROGRAM
END
    rpmbuild -bb --define "_topdir $T/rpmbuild" "$T/victim.spec" >"$T/rpm.log" 2>&1 &&
        rpm -i --nodeps "$T"/rpmbuild/RPMS/*/"$NAME"-*.rpm >>"$T/rpm.log" 2>&1
}

shows_package() { # TAG OWNER
    local id
    wait_listed "$1" || fail "explain-packages: $1: the crash is listed"
    wait_idle 60
    wait_listed "$1"
    id=$(listed "$1" id)
    is "explain-packages: $1: list --json names the package and its version" "$(listed "$1" package)" "$2"
    inquest info "$id" >"$T/info"
    ok "explain-packages: $1: info names it" grep -qF "$2" "$T/info"
    inquest bt --json "$id" >"$T/bt"
    json "explain-packages: $1: bt --json names it beside the program" "$T/bt" \
        'any(.modules[]; .path == $exe and .package == $owner)' \
        --arg exe "$(listed "$1" exe)" --arg owner "$2"
    is "explain-packages: $1: crashes are found by it" \
        "$(inquest list --json "package=$2" | jq 'map(.id)' -c)" "[\"$id\"]"
}

dpkg='' rpm=''
# The shell is asked for by its name of before /usr was merged.
dpkg -S /bin/sh >/dev/null 2>&1 && dpkg=yes
if command -v rpmbuild >/dev/null; then
    install_rpm && rpm=yes || note "rpm: $(tail -n 3 "$T/rpm.log")"
fi

crash_them() {
    # shellcheck disable=SC2016 # the victim's own pid
    [ -z "$dpkg" ] || crash dpkg /bin/sh -c 'echo "{\"pid\": $$}"; kill -SEGV $$'
    [ -z "$rpm" ] || crash rpm "$PROGRAM" ABRT
}
with_hook crash_them

if [ -n "$dpkg" ]; then
    owner=$(dpkg -S "$(readlink -f /bin/sh)" "/bin/$(readlink /bin/sh)" 2>/dev/null | sed -n '1s/:.*//p')
    shows_package dpkg "$(dpkg-query -W -f '${Package} ${Version}' "$owner")"
else
    skip "explain-packages: dpkg" "no dpkg here"
fi
if [ -n "$rpm" ]; then
    shows_package rpm "$(rpm -q --qf '%{NAME} %{EVR}' "$NAME")"
else
    skip "explain-packages: rpm" "no rpmbuild here"
fi
finish
