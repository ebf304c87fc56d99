#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trust-p1-pager - a pager is no way from `sudo inquest` to a shell of root's (CVE-2023-1326): the user's
# own choice of a pager is not run, and less is told to be secure.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect
command -v script >/dev/null || skip_all "script(1) is not installed"
victim() {
    crash victim -t 30 "$VICTIMS/signals" SEGV
}
with_hook victim
wait_idle
ok "trust-p1-pager: there is a crash to show" wait_listed victim

mkdir "$T/path"
printf '#!/bin/sh\necho "$LESSSECURE" >"%s/secure"\ncat\n' "$T" >"$T/path/less"
printf '#!/bin/sh\ntouch "%s/owned"\ncat\n' "$T" >"$T/path/evil"
chmod +x "$T/path/"*

on_terminal() { # [VARIABLE=VALUE…] VERB
    rm -f "$T/secure" "$T/owned"
    env PATH="$T/path:$PATH" "${@:1:$#-1}" \
        script -qec "'$INQUEST' ${*: -1}" /dev/null </dev/null >"$T/out" 2>&1
}
for verb in list info bt; do
    on_terminal SUDO_UID=61001 PAGER="$T/path/evil" INQUEST_PAGER="$T/path/evil" "$verb"
    ok "trust-p1-pager: $verb under sudo does not run the user's pager" test ! -e "$T/owned"
    on_terminal PKEXEC_UID=61001 PAGER="$T/path/evil" INQUEST_PAGER="$T/path/evil" "$verb"
    ok "trust-p1-pager: nor under pkexec" test ! -e "$T/owned"
    on_terminal SUDO_UID=61001 LESSSECURE=0 "$verb"
    is "trust-p1-pager: less is to be secure" "$(cat "$T/secure" 2>&1)" 1
done
on_terminal PAGER="$T/path/evil" list
ok "trust-p1-pager: root's own choice is run" test -e "$T/owned"
finish
