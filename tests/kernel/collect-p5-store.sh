#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p5-store - the store is not there, read-only or no directory, or the config is broken: the
# crash is kept and listed, if later.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

victim() { # TAG
    crash "$1" -t 30 "$VICTIMS/signals" SEGV
}

# It waits in /run/inquest/new, and the next keeper that finds the store takes it in.
kept_until_later() { # TAG
    local p="collect-p5-store-$1"
    is "$p: the victim is let go" "$(said "$1" hung) $(said "$1" dumped)" "null true"
    ok "$p: hook and keeper end" wait_idle
    is "$p: check tells that it waits" \
        "$(inquest check --dry-run --json | jq -r '.findings[] | select(.path == "/run/inquest/new") | .kind')" \
        file-without-row
    keeper --no-analysis
    if wait_listed "$1" 5; then
        ok "$p: back again, it is listed ($(listed "$1" core))" \
            test "$(listed "$1" core)" = full -o "$(listed "$1" core)" = stacks
    else
        fail "$p: back again, it is listed"
    fi
    ok "$p: none of it is left outside the store" \
        test -z "$(find /run/inquest/new -name "*-$(said "$1" pid).*" 2>/dev/null)"
}

mv "$STORE" "$STORE.away"
with_hook victim missing
wait_idle
ok "collect-p5-store-missing: the hook made none" test ! -e "$STORE"
mv "$STORE.away" "$STORE"
kept_until_later missing

mv "$STORE" "$STORE.away"
mkdir "$T/elsewhere"
ln -s "$T/elsewhere" "$STORE"
with_hook victim link
wait_idle
ok "collect-p5-store-link: nothing was written where the link leads" test -z "$(ls -A "$T/elsewhere")"
rm "$STORE"
mv "$STORE.away" "$STORE"
kept_until_later link

mv "$STORE" "$STORE.away"
echo 'no directory' >"$STORE"
with_hook victim file
wait_idle
rm "$STORE"
mv "$STORE.away" "$STORE"
kept_until_later file

if mount --bind "$STORE" "$STORE" 2>/dev/null && mount -o remount,bind,ro "$STORE"; then
    unmount_finally "$STORE"
    with_hook victim readonly
    wait_idle
    unmount "$STORE"
    kept_until_later readonly
else
    skip collect-p5-store-readonly "cannot mount --bind"
fi

# ---- the config ----------------------------------------------------------------------------------

broken_config() { # TAG: what is wrong comes after the store's place
    local p="collect-p5-config-$1"
    cat - >>"$CONF"
    with_hook victim "$1"
    is "$p: the victim is let go" "$(said "$1" hung) $(said "$1" dumped)" "null true"
    ok "$p: its crash is listed" wait_listed "$1"
    is "$p: as whole" "$(listed "$1" core)" full
    ok "$p: list does not hang" timeout $((20 * PATIENCE)) "$INQUEST" list --json
    config_to_collect
}

broken_config values < <(printf '[capture]\nmode = yesterday\nmax_core = -5\ndeadline = soon\n')
broken_config syntax < <(printf 'no section\n[[[\n= 5\n]\n[capture\nmode\n[rule]\n[rule x]\nexe =\n')
broken_config unknown < <(printf '[nonsense]\nkey = value\n[capture]\nnonsense = 1\n')
broken_config random < <(head -c 100000 /dev/urandom)
broken_config zeros < <(head -c 100000 /dev/zero)
broken_config long-line < <(head -c 300000 /dev/zero | tr '\0' x)
broken_config many-rules < <(for i in {1..2000}; do printf '[rule r%d]\ncomm = nobody\n' "$i"; done)
finish
