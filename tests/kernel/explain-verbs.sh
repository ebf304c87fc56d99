#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-verbs - bt, info, export, debug, analyze over real crashes, and cores from anywhere.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config </dev/null

# A program of everybody's: root's debugger is a user of its own.
cp "$VICTIMS/threads" "$T/threads"

crash_them() {
    crash threads "$T/threads" 6
    crash users -u 12345 "$T/threads" 2
    crash abort "$VICTIMS/signals" ABRT
}
with_hook crash_them
for tag in threads users abort; do
    wait_listed $tag || fail "explain-verbs: $tag is listed"
done
wait_idle 60
id=$(listed threads id)
report=$STORE/crashes/0/$id.report.json

# ---- bt ------------------------------------------------------------------------------------------

inquest bt "$id" >"$T/bt"
is "explain-verbs: bt: done" $? 0
is "explain-verbs: bt: the reason comes first" "$(head -1 "$T/bt")" \
    "$(inquest bt --json "$id" | jq -r .reason)"
is "explain-verbs: bt: the crashing thread comes first" "$(grep -m1 '^Thread' "$T/bt")" \
    "Thread $(said threads tid) \"worker-6\" crashed:"
is "explain-verbs: bt: threads with equal stacks are one" \
    "$(grep -cE '^(Thread [0-9]+|[0-9]+ threads)' "$T/bt")" \
    "$(inquest bt --json "$id" | jq '1 + ([.threads[1:][] | [.stop, .frames]] | unique | length)')"
is "explain-verbs: bt --all: each for itself" \
    "$(inquest bt --all "$id" | grep -cE '^Thread [0-9]+')" 7
is "explain-verbs: bt --thread: by name" \
    "$(inquest bt --thread worker-6 "$id" | grep -c '^Thread .*"worker-6" crashed:')" 1
other=$(inquest bt --json "$id" | jq '.threads[3].tid')
is "explain-verbs: bt --thread: by tid" \
    "$(inquest bt --thread "$other" "$id" | grep -oE '^(Thread [0-9]+|[0-9]+ threads)')" "Thread $other"
is "explain-verbs: bt --frames" "$(inquest bt --thread "$other" --frames 2 "$id" | grep -c '^  #')" 2
ok "explain-verbs: bt --registers" bash -c "'$INQUEST' bt --registers '$id' | grep -q 0x0000"
inquest bt --thread nobody "$id" >"$T/out" 2>&1
is "explain-verbs: bt: no such thread is exit 2" $? 2
inquest bt 99999999 >"$T/out" 2>&1
is "explain-verbs: bt: no such crash is exit 2" $? 2
is "explain-verbs: bt: no such crash is [] in JSON" "$(inquest bt --json 99999999 2>/dev/null)" "[]"
inquest bt --no-such-option >"$T/out" 2>&1
is "explain-verbs: bt: bad usage is exit 64" $? 64

inquest bt --json "$id" >"$T/json"
json "explain-verbs: bt --json: its keys" "$T/json" \
    '[.id, .signal, .signal_name, .si_code, .fault_address, .reason, .signature] as $head |
     .id == $id and .signal == 11 and .signal_name == "SIGSEGV" and (.si_code | type) == "number" and
     (.reason | type) == "string" and (.signature | test("^[0-9a-f]{16}$")) and
     has("fault_address") and (.threads | length) == 7 and .threads[0].crashed and
     ([.threads[] | select(.crashed)] | length) == 1 and
     all(.threads[]; has("tid") and has("name") and has("stop") and
         all(.frames[]; (keys - ["symbol_b64"]) ==
             (["index","pc","function","symbol","offset","module","build_id","module_offset",
               "file","line","column","inlined","trust"] | sort))) and
     all(.modules[]; keys ==
         (["path","build_id","start","end","verified","symbols","package"] | sort))' --arg id "$id"
json "explain-verbs: bt --json: frames have numbers and lines" "$T/json" \
    '.threads[0].frames | (map(.index) == [range(length)]) and
     any(.[]; .function == "work" and (.file | endswith("threads.c")) and .line > 0)'

# Whatever says the signature, lists and verbs find it by that, also by its beginning.
signature=$(jq -r .signature "$T/json")
for said in "$signature" "${signature^^}" "${signature:0:6}" "signature=$signature"; do
    is "explain-verbs: list and bt by the signature as $said" \
        "$(inquest list --json "$said" | jq -r "map(.id) | index(\"$id\") != null") $(
            inquest bt --json "$said" | jq -r .signature)" "true $signature"
done
ok "explain-verbs: bt names the signal's code" grep -q 'Signal  SIGSEGV, code 1 (SEGV_MAPERR), fault' "$T/bt"
json "explain-verbs: bt --json: likewise" "$T/json" '.si_code == 1 and .si_code_name == "SEGV_MAPERR"'
is "explain-verbs: raise() has a code, too" \
    "$(inquest bt --json "$(listed abort id)" | jq -r '"\(.si_code) \(.si_code_name)"')" "-6 SI_TKILL"

inquest info "$id" >"$T/info"
ok "explain-verbs: info names the signal's code" grep -q 'Signal: 11 (SIGSEGV), code 1 (SEGV_MAPERR)' "$T/info"
is "explain-verbs: info says the signal once" "$(grep -cE '^ *Signal:? ' "$T/info")" 1
ok "explain-verbs: info has the backtrace" grep -q '^Thread .* crashed' "$T/info"
inquest info --json "$id" >"$T/info"
json "explain-verbs: info --json has the report" "$T/info" '.report.threads | length == 7'

# ---- cores from anywhere ---------------------------------------------------------------------------

inquest dump "$id" -o "$T/core" || fail "explain-verbs: dump"
zstd -q "$T/core" -o "$T/plain.zst"
record=$(record_of threads)
cp "$record" "$T/record"
frames='[.threads[] | .frames[] | [.pc, .function, .line]]'
jq "$frames" "$T/json" >"$T/expected"
for file in "$T/core" "$T/plain.zst" "$T/record"; do
    inquest bt --json "$file" 2>"$T/err" | jq "$frames" >"$T/got"
    ok "explain-verbs: bt ${file##*/}: as of the stored crash" cmp "$T/expected" "$T/got"
done
inquest bt --json - <"$T/plain.zst" | jq "$frames" >"$T/got"
ok "explain-verbs: bt -: likewise from a pipe" cmp "$T/expected" "$T/got"
chmod 644 "$T/core"
mkdir -m 777 "$T/home.12345"
as_user 12345 "$INQUEST" --store "$T/none" bt --json "$T/core" 2>"$T/err" | jq "$frames" >"$T/got"
ok "explain-verbs: bt: likewise as another user, without a store" cmp "$T/expected" "$T/got"
head -c 300000 "$T/core" >"$T/cut"
inquest bt "$T/cut" >"$T/out" 2>&1
is "explain-verbs: bt: a core that is cut short is exit 3" $? 3
ok "explain-verbs: bt: and still explained" grep -q '^Thread' "$T/out"
inquest bt "$T/threads.none/x" >"$T/out" 2>&1
is "explain-verbs: bt: no such file" $? 2
inquest bt /etc/passwd >"$T/out" 2>&1
is "explain-verbs: bt: no core" $? 1
inquest bt --json "$T/threads" >"$T/out" 2>&1
json "explain-verbs: bt PROGRAM: the path of a program is its latest crash" "$T/out" \
    '.id == $id' --arg id "$(listed users id)"

# ---- export ----------------------------------------------------------------------------------------

inquest export "$id" >"$T/out"
ok "explain-verbs: export: text is what bt prints" cmp "$T/bt" "$T/out"
inquest export --format json "$id" "$(listed abort id)" >"$T/out"
json "explain-verbs: export: several are an array" "$T/out" \
    'map(.id) == [$a, $b]' --arg a "$id" --arg b "$(listed abort id)"
inquest export --format json no-such-program "$id" >"$T/out" 2>/dev/null
is "explain-verbs: export: one that is not there is exit 2" $? 2
json "explain-verbs: export: and the others are there" "$T/out" 'map(.id) == [$a]' --arg a "$id"
inquest export --format ureport "$id" >"$T/out"
json "explain-verbs: export: a uReport as ABRT takes it" "$T/out" \
    '.ureport_version == 2 and .problem.type == "core" and .problem.signal == 11 and
     (.problem.component | test("^[a-zA-Z0-9._-]+$")) and (.problem.executable | type) == "string" and
     ([.problem.stacktrace[] | select(.crash_thread)] | length) == 1 and
     all(.problem.stacktrace[].frames[]; .address >= 0 and .build_id_offset >= 0 and
         (.file_name | type) == "string")'
inquest export --format markdown -o "$T/issue.md" "$id"
ok "explain-verbs: export -o" grep -q '^### `threads`' "$T/issue.md"
inquest export --format html "$id" "$id" >"$T/out" 2>&1
is "explain-verbs: export: a page is of one crash" $? 64
inquest export --format pdf "$id" >"$T/out" 2>&1
is "explain-verbs: export: no such format" $? 64
inquest export -o /dev/full "$id" >"$T/out" 2>&1
is "explain-verbs: export: a full disk is an error" $? 1
ok "explain-verbs: export: a device is not removed" test -c /dev/full

# ---- bundle ----------------------------------------------------------------------------------------

ok "explain-verbs: export --bundle" inquest export --bundle "$T/bundle.tar.zst" "$id"
mkdir "$T/elsewhere"
zstd -dc "$T/bundle.tar.zst" | tar -x -C "$T/elsewhere"
is "explain-verbs: bundle: tar takes it" "$?" 0
bundle=$T/elsewhere/$id
ok "explain-verbs: bundle: the record is in it" cmp "$record" "$bundle/$id.core.zst"
ok "explain-verbs: bundle: the program is in it" cmp "$T/threads" "$bundle/root$T/threads"
ok "explain-verbs: bundle: the report is in it" cmp "$T/bt" "$bundle/report.txt"
is "explain-verbs: bundle: it is its owner's alone" "$(stat -c %a "$T/bundle.tar.zst")" 600
if command -v gdb >/dev/null; then
    mv "$T/threads" "$T/threads.away"
    "$bundle/open-in-gdb" -nx -batch -ex bt >"$T/gdb" 2>&1
    ok "explain-verbs: bundle: gdb opens it, without the original" grep -q ' work (' "$T/gdb"
    mv "$T/threads.away" "$T/threads"
fi

# ---- debug -----------------------------------------------------------------------------------------

if command -v gdb >/dev/null; then
    inquest debug "$id" -A "-batch -ex bt" -- -ex 'shell id -u' -ex 'quit 7' >"$T/gdb" 2>&1
    is "explain-verbs: debug: the debugger's status" $? 7
    ok "explain-verbs: debug: it has core, program and names" grep -q ' work (' "$T/gdb"
    ok "explain-verbs: debug: root's is a user of its own" grep -qxE '2[0-9]{9}' "$T/gdb"
    inquest debug --as-root "$id" -- -batch -ex 'shell id -u' >"$T/gdb" 2>&1
    ok "explain-verbs: debug --as-root" grep -qx 0 "$T/gdb"
    printf '#!/bin/sh\necho "$$ $PPID" >%q; kill -TERM $PPID; kill -KILL $$\n' "$T/said.dbg" \
        >"$T/debugger"
    : >"$T/said.dbg"
    chmod 666 "$T/said.dbg"
    chmod 755 "$T/debugger"
    mkdir -m 1777 "$T/tmp"
    TMPDIR=$T/tmp inquest debug --debugger "$T/debugger" "$id" >"$T/out" 2>&1
    is "explain-verbs: debug: one that is killed" $? 137
    is "explain-verbs: debug: nothing is left behind" "$(ls -A "$T/tmp")" ""
fi
inquest debug --debugger no-such-debugger "$id" >"$T/out" 2>&1
is "explain-verbs: debug: no such debugger" $? 127

# A copy that is not the one that ran is not used: the build-id differs.
cp "$T/threads" "$T/threads.kept"
cp "$VICTIMS/signals" "$T/threads.new"
mv "$T/threads.new" "$T/threads"
printf '#!/bin/sh\nfor a; do echo "$a"; done; find "$(dirname "$(dirname "$0")")" >/dev/null\n' \
    >"$T/printer"
chmod 755 "$T/printer"
inquest debug --debugger "$T/printer" "$id" >"$T/out" 2>"$T/err"
! grep -q "root$T/threads" "$T/out"
is "explain-verbs: debug: a replaced program is not used" $? 0
mv "$T/threads.kept" "$T/threads"

# ---- analyze ---------------------------------------------------------------------------------------

cp "$report" "$T/report.before"
rm "$report"
inquest bt "$id" >"$T/out" 2>"$T/err"
ok "explain-verbs: bt: makes a report that is missing" cmp "$T/bt" "$T/out"
ok "explain-verbs: bt: and root keeps it" test -s "$report"
rm -f "$report"
ok "explain-verbs: analyze" inquest analyze "$id"
ok "explain-verbs: analyze: the report is back" test -s "$report"
is "explain-verbs: analyze: it says why" \
    "$(inquest analyze "$id")" "$id  threads: $(head -1 "$T/bt")"
inquest analyze no-such-program >"$T/out" 2>&1
is "explain-verbs: analyze: nothing matches" $? 2
echo garbage >"$report"
inquest bt "$id" >"$T/out" 2>"$T/err"
ok "explain-verbs: bt: a report that is garbage is made anew" cmp "$T/bt" "$T/out"

# A user's own crash: he reads it, and may explain it himself.
mine=$(listed users id)
as_user 12345 "$INQUEST" bt "$mine" >"$T/out" 2>&1
is "explain-verbs: a user explains his own crash" $? 0
as_user 12345 "$INQUEST" bt "$id" >"$T/out" 2>&1
is "explain-verbs: and not another's" $? 2
as_user 12345 "$INQUEST" analyze "$mine" >"$T/out" 2>&1
is "explain-verbs: and keeps no report of it" $? 1
finish
