#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-bundle - a bundle is explained elsewhere as it was at home, though the program and its library
# are gone: its report is shown at once, and its modules are found when it is explained anew. What it
# brings is its own crash's, and no other's.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"
config_to_collect

mkdir "$T/d"
printf 'int library_read(int *from)\n{\n    return *from + 1;\n}\n' >"$T/library.c"
printf 'int library_read(int *);\nint main(void)\n{\n    return library_read(0) + 1;\n}\n' >"$T/program.c"
gcc -g -O1 -shared -fPIC -o "$T/d/libq.so" "$T/library.c" &&
    gcc -g -O1 -o "$T/d/program" "$T/program.c" "$T/d/libq.so" || bail "not built"
crash_it() {
    crash program "$T/d/program"
}
with_hook crash_it
wait_idle 60
wait_listed program || fail "explain-bundle: it is listed"
id=$(listed program id)
inquest analyze "$id" >/dev/null
frames() {
    inquest bt --json "$id" | jq -c '[.threads[0].frames[] | [.function, .line]]'
}
home=$(frames)
ok "explain-bundle: it has names and lines at home" \
    jq -e '.[:2] == [["library_read", 3], ["main", 4]]' <<<"$home"
inquest export --bundle "$T/bundle.tar.zst" "$id" || fail "explain-bundle: it is exported"
mv "$T/d" "$T/away"

new_store
imported=$(inquest import --json "$T/bundle.tar.zst" | jq -r '.[0].id')
is "explain-bundle: it is imported" "$imported" "$id"
is "explain-bundle: its report is there" "$(ls "$STORE"/crashes/*/"$id.report.json" | wc -l)" 1
is "explain-bundle: bt shows functions and lines" "$(frames)" "$home"
ok "explain-bundle: and says where they are from" grep -q 'came with the bundle' <(inquest bt "$id")
is "explain-bundle: the list knows where it crashed" "$(inquest list -F function "$id")" library_read
json "explain-bundle: its report says nothing of stacks of others" "$(echo "$STORE"/crashes/*/"$id.report.json")" \
    '.stack_id == null'

inquest analyze "$id" >/dev/null
is "explain-bundle: explained anew, its modules are found" "$(frames)" "$home"
ok "explain-bundle: and nothing is from elsewhere" bash -c "! '$INQUEST' bt '$id' | grep -q 'came with'"
if command -v gdb >/dev/null; then
    inquest debug "$id" -- -nx -batch -ex bt >"$T/gdb" 2>&1
    is "explain-bundle: gdb has them" "$(grep -cE '^#[01] .*(library_read \(|main \()' "$T/gdb" | sed 's/[23]/both/')" both
fi
inquest export --bundle "$T/again.tar.zst" "$id"
is "explain-bundle: bundled again, they are in it" \
    "$(zstd -dc "$T/again.tar.zst" | tar -t | grep -cE '/root/.*/(program|libq.so)$')" 2
is "explain-bundle: nobody else may read them" \
    "$(find "$STORE"/crashes/*/modules -type f ! -perm 600 | wc -l)" 0

# Another crash of the same build-ids does not get them: what a bundle brings is only claimed to be so.
zstd -dc "$T/bundle.tar.zst" | tar -x -C "$T" "$id/$id.core.zst"
other=$(inquest import --json "$T/$id/$id.core.zst" | jq -r '.[0].id')
is "explain-bundle: another crash has its own files only" \
    "$(inquest bt --json "$other" | jq -r '.threads[0].frames[0].function')" null
inquest rm -y "$id"
is "explain-bundle: rm takes them along" "$(find "$STORE"/crashes/*/modules -type f | wc -l)" 0

# Without analysis, and what lies in it.
new_store
inquest import -q --no-analysis "$T/bundle.tar.zst"
is "explain-bundle: its report needs no analysis" "$(frames)" "$home"
pack() { # FILE…: the members of a hostile bundle, in this order
    tar -C "$T/pack" --format=ustar -c "$@" | zstd -q -f -o "$T/pack.tar.zst"
}
mkdir -p "$T/pack/$id/root/tmp"
cp "$T/$id/$id.core.zst" "$T/pack/$id/"
cp "$T/away/program" "$T/pack/$id/root/program"
for report in '{' '[]' '{"version":1}' "$(printf '[%.0s' {1..5000})" '"\u0000"'; do
    new_store
    printf '%s' "$report" >"$T/pack/$id/$id.report.json"
    pack "$id/$id.core.zst" "$id/$id.report.json" "$id/root/program"
    inquest import --no-analysis "$T/pack.tar.zst" >"$T/out" 2>"$T/err"
    is "explain-bundle: a report that is none is left out: $(head -c 20 <<<"$report")" \
        "$? $(ls "$STORE"/crashes/*/*.report.json 2>/dev/null | wc -l) $(grep -c 'its report is left out' "$T/err")" "0 0 1"
done
# A report may not speak for other crashes, whatever stack it claims to be of.
new_store
good=$(inquest import --json "$T/bundle.tar.zst" | jq -r '.[0].id')
inquest analyze "$good" >/dev/null
before=$(inquest list --json "$good" | jq -c '.[0] | [.signature, .function]')
report=$(echo "$STORE"/crashes/*/"$good.report.json")
jq -c '.signature = "0123456789abcdef" | .function = "evil"' "$report" >"$T/pack/$id/$id.report.json"
pack "$id/$id.core.zst" "$id/$id.report.json"
evil=$(inquest import --json --no-analysis "$T/pack.tar.zst" | jq -r '.[0].id')
is "explain-bundle: what a report claims is its own crash's" \
    "$(inquest list -F function "$evil") $(inquest list --json "$good" | jq -c '.[0] | [.signature, .function]')" "evil $before"
# Modules before the record belong to nothing; a cut behind the record costs the rest alone.
new_store
pack "$id/root/program" "$id/$id.core.zst"
ok "explain-bundle: what stands before the record is passed over" inquest import -q --no-analysis "$T/pack.tar.zst"
is "explain-bundle: and not kept" "$(find "$STORE"/crashes/*/modules -type f 2>/dev/null | wc -l)" 0
new_store
tar -C "$T/pack" --format=ustar -c "$id/$id.core.zst" "$id/root/program" | head -c $(($(stat -c %s "$T/pack/$id/$id.core.zst") + 4096)) |
    zstd -q -f -o "$T/pack.tar.zst"
inquest import --no-analysis "$T/pack.tar.zst" >"$T/out" 2>"$T/err"
is "explain-bundle: one that is cut behind the record is imported, and it is said" \
    "$? $(wc -l <"$T/out") $(grep -c 'the rest of the bundle' "$T/err")" "0 1 1"

# Without root it goes to the user's own store, likewise.
mkdir -m 777 "$T/home.1234"
chmod 644 "$T/bundle.tar.zst"
as_user 1234 env -u INQUEST_STORE "$INQUEST" import -q "$T/bundle.tar.zst"
is "explain-bundle: likewise of a user" \
    "$(as_user 1234 env -u INQUEST_STORE "$INQUEST" bt --json "$id" | jq -c '[.threads[0].frames[] | [.function, .line]]')" "$home"
as_user 1234 env -u INQUEST_STORE "$INQUEST" analyze "$id" >/dev/null
is "explain-bundle: a user explains it anew" \
    "$(as_user 1234 env -u INQUEST_STORE "$INQUEST" bt --json "$id" | jq -c '[.threads[0].frames[] | [.function, .line]]')" "$home"
finish
