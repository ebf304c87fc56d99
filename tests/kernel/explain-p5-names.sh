#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p5-names - symbols and files of a hostile program, with escape sequences and HTML in their
# names, come through a real crash and reach neither a terminal nor a page as what they are.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config </dev/null

cat >"$T/hostile.c" <<'SOURCE'
__attribute__((noinline)) int evil(volatile int *where)
    __asm__("\"\033]0;owned\007<script>alert(1)</script>\342\200\256\"");
#line 7 "\033[31m<img src=x onerror=alert(2)>.c"
__attribute__((noinline)) int evil(volatile int *where)
{
    return *where + 1;
}
int main(int argc, char **argv)
{
    (void)argv;
    return evil((int *)(long)(argc - 1)) + 1;
}
SOURCE
# With debug information the file's name is shown, without it the symbol.
if ! ${CC:-cc} -g -O1 -o "$T/file" "$T/hostile.c" 2>"$T/cc.log" ||
    ! ${CC:-cc} -O1 -o "$T/symbol" "$T/hostile.c" 2>>"$T/cc.log"; then
    bail "the compiler takes no such names: $(head -3 "$T/cc.log")"
fi
nm "$T/symbol" | grep -q 'owned.*script'
is "explain-p5-names: the symbol is in the program" $? 0

crash_them() {
    crash file "$T/file"
    crash symbol "$T/symbol"
}
with_hook crash_them
wait_listed file || fail "explain-p5-names: listed"
wait_listed symbol || fail "explain-p5-names: listed"
wait_idle 60
file=$(listed file id)
symbol=$(listed symbol id)

has_no_controls() { # FILE
    ! grep -naP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$1"
}
has_only_colours() { # FILE
    sed -E $'s/\e\\[[0-9;]*m//g; s/\r$//' "$1" >"$1.plain"
    ! grep -qF $'\e[31m<img' "$1" && has_no_controls "$1.plain"
}

for command in "bt $file" "bt $symbol" "bt $symbol --all --registers" "info $file" "info $symbol" \
    list top "export $file" "export --format markdown $symbol" "export --format html $file"; do
    # shellcheck disable=SC2086
    inquest $command --no-pager >"$T/out" 2>&1
    ok "explain-p5-names: ${command% 2*} into a pipe" has_no_controls "$T/out"
    script -qec "'$INQUEST' $command --no-pager" /dev/null </dev/null >"$T/out" 2>&1
    ok "explain-p5-names: ${command% 2*} on a terminal" has_only_colours "$T/out"
done

inquest bt "$symbol" >"$T/bt"
ok "explain-p5-names: the symbol is shown, written out" grep -qF '\x1b]0;owned\x07<script>' "$T/bt"
inquest bt "$file" >"$T/bt"
ok "explain-p5-names: and the file" grep -qF '\x1b[31m<img src=x' "$T/bt"
for id in "$file" "$symbol"; do
    inquest export --format html "$id" >"$T/page"
    ! grep -qE '<script|<img' "$T/page"
    is "explain-p5-names: no element of the page is theirs" $? 0
done
inquest bt --json "$symbol" >"$T/json"
json "explain-p5-names: JSON has the name as it is" "$T/json" \
    '.threads[0].frames[0].symbol == "\u001b]0;owned\u0007<script>alert(1)</script>\u202e"'
finish
