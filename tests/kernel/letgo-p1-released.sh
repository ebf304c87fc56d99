#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# letgo-p1-released - the victim is let go when its memory is taken, not when all work is done: it is
# reaped while the keeper, here one that never ends by itself, is still there.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

cat >"$BIN/inquest-keeper" <<END
#!/bin/sh
echo started >"$T/keeper"
while [ -e "$T" ] && [ ! -e "$T/enough" ]; do sleep 0.05; done
END

victim() {
    crash victim -t 20 "$VICTIMS/memory" 4 mixed
}
with_hook -b log victim
is "letgo-p1-released: the victim did not wait for the keeper" "$(said victim hung)" null
is "letgo-p1-released: it died of its own signal" "$(said victim died_of)" 11
until_started=$((SECONDS + 20 * PATIENCE))
until [ -e "$T/keeper" ] || [ $SECONDS -ge $until_started ]; do
    sleep 0.05
done
ok "letgo-p1-released: the keeper was started" test -e "$T/keeper"
touch "$T/enough"
finish
