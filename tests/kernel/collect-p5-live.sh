#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# collect-p5-live - a keeper that comes while a hook is still writing, however slowly, leaves its record
# alone: only a dead hook's is salvaged.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config_to_collect

victim() {
    crash victim -t 30 "$VICTIMS/memory" 32 mixed
}
UNDER='' with_hook victim # as fast as the one that is stopped
wait_listed victim || bail "nothing is collected even when nobody stops the hook"
duration=$(inquest info --json "$(listed victim id)" | jq .metadata.taken_us)

hit=0
for ((part = 1; part < 10 && hit < 3; part++)); do
    printf 'pause %s %s\n' $((duration * part / 10)) "$STORE" >"$T/kill"
    with_hook -b kill victim
    wait_idle 30
    keeper --no-analysis
    state=$(awk -v pid="$(said victim pid)" '$1 == pid { print $3 }' "$T/killed")
    [ "$state" = part ] || continue
    hit=$((hit + 1))
    wait_listed victim
    is "collect-p5-live: it goes on, and is whole ($hit)" "$(listed victim core)" full
    rm -f "$T/dumped"
    ok "collect-p5-live: it can be dumped ($hit)" \
        inquest dump "$(listed victim id)" -o "$T/dumped"
    ok "collect-p5-live: its core is ($hit)" core_is_whole "$T/dumped"
done
ok "collect-p5-live: keepers came while hooks were writing" test $hit -ge 1
finish
