#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# prune - each kind of decision says why it was made: which budget, which value, which rule, whose
# turn it was. prune reads only the system's configuration: it gets ours in a mount namespace.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/store.sh"
unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
FILE=$(grep -aom1 '/[[:graph:]]*/inquest/inquest\.conf' "$BIN/inquest") || bail "where is the config?"
ETC=${FILE%/inquest/*}
[[ -d $ETC ]] || skip_all "there is no $ETC to put a configuration into"
mkdir "$T/etc" && cp -a "$ETC/." "$T/etc" && rm -rf "$T/etc/inquest" && mkdir "$T/etc/inquest"

system_config() {
    { printf '[store]\nmax_use = unlimited\nkeep_free = 0\ncore_age = unlimited\n' &&
        printf 'report_age = unlimited\nkeep_per_signature = 1\n' && cat; } >"$T/etc/inquest/inquest.conf"
}
with_config() { # COMMAND…
    # shellcheck disable=SC2016 # for the shell inside
    unshare -m --propagation private bash -c 'mount --bind "$0" "$1" && shift && exec "$@"' \
        "$T/etc" "$ETC" "$@"
}
inquest() {
    with_config "$INQUEST" "$@"
}
# Decisions in $T/out, JSON, and in $T/text.
prune() { # CONFIG
    printf '%b' "$1" | system_config
    inquest prune --dry-run >"$T/text" 2>"$T/err"
    is "prune --dry-run with $1" "$(exit_of inquest prune --dry-run --json)" 0
}
decided() { # NAME JQ
    json "$1" "$T/out" ".decisions | any($2)"
}
told() { # NAME REGEX
    ok "$1, and says so" grep -qE -- "$2" "$T/text"
}

# ---- ages ----
system_config </dev/null
import_core '20 days ago' pid=1 exe=/bin/mid data=100000
import_core '400 days ago' pid=2 exe=/bin/old data=100000
import_core '3 days ago' pid=3 exe=/bin/ruled data=100000
/usr/bin/python3 - "$STORE/index.db" <<'EOF' || bail "cannot set a rule"
import sqlite3, sys
index = sqlite3.connect(sys.argv[1])
index.execute("INSERT INTO text (value) VALUES (x'73686f7274')")
index.execute("UPDATE crash SET rule = (SELECT seq FROM text WHERE value = x'73686f7274') WHERE pid = 3")
index.commit()
EOF
prune 'core_age = 14d\nreport_age = 1y\n[rule short]\ncomm = ruled\ncore_age = 2d\n'
decided "a core's age" '(.path | test("-1.core")) and .action == "prune" and .budget == "core_age" and
    .limit_us == 1209600000000 and .why == "older than core_age (14 d)" and (has("rule") | not)'
decided "a crash's age" '(.path | test("-2.core")) and .action == "remove" and
    .budget == "report_age" and (.why | test("^older than report_age \\(1.0 y\\)$"))'
decided "a rule's age" '(.path | test("-3.core")) and .rule == "short" and
    .limit_us == 172800000000 and .why == "older than core_age (2.0 d) of [rule short]"'
told "a rule's age" '^would drop the core of .*-3 \(ruled\), .*: older than core_age \(2\.0 d\) of \[rule short\]$'
told "the summary is about what would be" \
    '^3 cores would be dropped, 1 crashes and 0 modules would be deleted: .* would be freed, '
json "nothing was touched" <(inquest list --json) 'map(.core) == ["full", "full", "full"]'

# ---- what is left of one that was never explained ----
import_core '30 days ago' pid=9 exe=/bin/gone data=100000
printf 'core_age = 25d\n' | system_config
is "a core is dropped" "$(exit_of inquest prune)" 0
is "its backtrace cannot be made any more" "$(exit_of inquest bt pid=9)" 1
ok "and why" grep -q "nothing of the process's memory is kept any more" "$T/err"
with_config "$BIN/inquest-keeper" -D "$STORE" --foreground 2>/dev/null
ok "nor does info say that it could" bash -c "! grep -q 'inquest analyze' <('$BIN/inquest' info -D '$STORE' pid=9)"
inquest rm -y pid=9 >/dev/null

# ---- kept modules, and files that cannot be changed ----
touch -d '500 days ago' "$STORE/modules/aabb"
prune ''
decided "a module" '.action == "module" and .path == "modules/aabb" and .budget == null and
    .why == "no core is left that may need it"'
told "a module" '^would delete module modules/aabb, 0B: no core is left that may need it$'
unfreeze() {
    chattr -i "$1" 2>/dev/null
}
record=$(echo "$STORE"/crashes/*/*-1.core.zst)
if chattr +i "$record" 2>/dev/null; then
    finally unfreeze "$record"
    prune 'core_age = 14d\n' # a dry run does not try
    exit_of inquest prune --json >/dev/null
    decided "a file that cannot be changed" '.action == "skip" and (.path | test("-1.core")) and
        (.why | test("Operation not permitted"))'
    json "which is counted" "$T/out" '.skipped == 1'
    inquest prune >"$T/text"
    told "a file that cannot be changed" '^could not change .*-1 \(mid\): .*not permitted$'
    printf 'max_use = 1\n' | system_config
    inquest prune >"$T/out" 2>"$T/text"
    told "what is left" ': what is left is pinned or being written, or could not be changed$'
    with_config "$BIN/inquest-keeper" -D "$STORE" --no-analysis --foreground 2>"$T/text"
    told "what is left, to the keeper" 'all that is left is pinned or in use, or cannot be changed$'
    unfreeze "$record"
else
    skip "a file that cannot be changed" "no immutable files here"
fi

if ! is_sanitized && command -v strace >/dev/null; then
    printf 'core_age = 2d\n' | system_config
    import_core '20 days ago' pid=11 data=100000
    import_core '19 days ago' pid=12 data=100000
    record=$(cd "$STORE" && echo crashes/*/*-11.core.zst)
    with_config strace -o "$T/strace" -P "$record" -e trace=openat -e inject=openat:error=EIO \
        "$INQUEST" prune --json >"$T/out" 2>"$T/err"
    decided "a disk that fails for one file" '.action == "skip" and (.path | test("-11.core")) and
        (.why | test("Input/output error"))'
    decided "and the next one, which goes" '.action == "prune" and (.path | test("-12.core"))'
    # What all files have ends the run.
    import_core '20 days ago' pid=13 data=100000
    record=$(cd "$STORE" && echo crashes/*/*-13.core.zst)
    for option in --no-pager --json; do
        is "a disk that fails for all of them, with $option" \
            "$(exit_of with_config strace -o "$T/strace" -P "$record" -e trace=openat \
                -e inject=openat:error=EROFS "$INQUEST" prune "$option")" 1
        is "and there are no sums" "$(grep -cE 'in use|"used"' "$T/out")" 0
    done
    json "and JSON is whole" "$T/out" '.decisions | type == "array"'
fi

# ---- size ----
new_store
system_config </dev/null
for i in 1 2 3 4 5 6 7; do # five firsts, two repeats
    import_core "$((10 - i)) days ago" pid=$i exe=/bin/loop data=200000
done
import_core '1 days ago' pid=8 uid=1234 exe=/bin/small data=4096
prune ''
used=$(jq .used "$T/out")
overhead=$((used - $(inquest stats --json | jq .record_bytes)))
prune "max_use = $((used - 100000))\n"
decided "a repeat" '.action == "prune" and (.path | test("-6.core")) and .repeat and
    .budget == "max_use" and .program == "loop" and .user_bytes > .share and .share > 0 and
    (.why | test("^over max_use \\(.*\\): a repeat of loop, of .*, who has .* and a share of .*K$"))'
told "a repeat" ': over max_use \([^)]*\): a repeat of loop, of .*, who has .* and a share of .*K$'
prune "max_use = $((used - 500000))\n"
decided "a first" '.action == "prune" and (.path | test("-1.core")) and (.repeat | not) and
    (.why | test("^over max_use \\(.*\\): the oldest of .*, who has "))'
prune "max_use = $((overhead + 100000))\n"
decided "a core larger than all" '.action == "prune" and .allowed > 0 and (has("user") | not) and
    (.why | test("^over max_use \\(.*\\): more than the .* that are left for all crashes$"))'
prune "max_use = $((overhead + 10000))\n"
decided "a whole crash" '.action == "remove" and .budget == "max_use" and (.user | type == "string")'
told "a whole crash" '^would delete '
head -c 8192 /dev/zero >"$STORE/cache/ab.debug" 2>/dev/null ||
    { mkdir -m 750 "$STORE/cache" && head -c 8192 /dev/zero >"$STORE/cache/ab.debug"; }
prune 'max_use = 32M\n'
decided "the cache" '.action == "cache" and .path == "cache" and .limit == 33554432 and
    .why == "over max_use (32M): more than the 0B that are left for the cache"'
prune 'keep_free = 100%\n'
decided "the cache on a full disk" '.action == "cache" and (.why | test("^under keep_free \\([0-9.]+[GTM]\\)$"))'
decided "and cores" '.action == "prune" and .budget == "keep_free" and
    (.why | test("^under keep_free \\(.*\\): a repeat of "))'
told "and cores" ': under keep_free \(.*\): a repeat of .*, of .*, who has '
finish
