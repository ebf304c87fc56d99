#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-debuggers - `debug` gives gdb and lldb what the process had: both show the functions and lines
# that `bt` shows, for root and for a user, also of a program that is gone; and where a file is another
# one now, they show no names rather than wrong ones.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config </dev/null
command -v gcc >/dev/null || bail "no compiler"

# A program and a library of its own, everybody's to read: root's debuggers are users of their own.
mkdir "$T/d" "$T/home.12345"
chmod 777 "$T/home.12345"
cat >"$T/library.c" <<'END_OF_C'
__attribute__((noinline)) int library_read(int *from)
{
    return *from + 1;
}
__attribute__((noinline)) int library_call(int *from)
{
    return library_read(from) + 1;
}
END_OF_C
cat >"$T/program.c" <<'END_OF_C'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int library_call(int *from);
__attribute__((noinline)) int program_do(int *from)
{
    return library_call(from) + 1;
}
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sparse") == 0)
        *(char *)mmap(0, 3ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) = 1;
    if (argc > 1 && strcmp(argv[1], "delete") == 0)
        unlink(argv[0]);
    if (argc > 2 && strcmp(argv[1], "replace") == 0)
        rename(argv[2], argv[0]);
    return program_do(0) + 1;
}
END_OF_C
# Others of the same names, in which other functions lie at those places.
{
    seq -f 'int other_%g(int x) { return x * 7; }' 400
    sed 's/library_/wrong_/' "$T/library.c"
    echo 'int library_call(int *from) { return *from; }'
} >"$T/library-2.c"
{
    seq -f 'int other_%g(int x) { return x * 7; }' 400
    sed 's/program_/wrong_/' "$T/program.c"
} >"$T/program-2.c"
build() { # SUFFIX SUFFIX-OF-SOURCE
    gcc -g -O1 -shared -fPIC -Wl,-soname,libq.so.1 -o "$T/d/libq$1.so" "$T/library$2.c" &&
        gcc -g -O1 -o "$T/d/program$1" "$T/program$2.c" "$T/d/libq$1.so" -Wl,-rpath,"$T/d" || bail "not built"
}
build '' ''
build .new -2
ln -s libq.so "$T/d/libq.so.1"
for name in deleted replaced; do
    cp "$T/d/program" "$T/d/$name"
done
cp "$T/d/program.new" "$T/d/newer"

crash_them() {
    crash normal "$T/d/program"
    crash user -u 12345 "$T/d/program"
    crash sparse "$T/d/program" sparse
    crash deleted "$T/d/deleted" delete
    crash replaced "$T/d/replaced" replace "$T/d/newer"
}
with_hook crash_them
for tag in normal user sparse deleted replaced; do
    wait_listed $tag || fail "explain-debuggers: $tag is listed"
done
wait_idle 60
is "explain-debuggers: layout sparse" \
    "$(inquest info --json "$(listed sparse id)" | jq -r .metadata.layout)" sparse

# A hook keeps files of mounts that are trusted with set-user-id programs, and no others.
kept=(deleted replaced)
if findmnt -no OPTIONS -T "$T" | grep -qw nosuid; then
    kept=()
    skip "explain-debuggers: a program that is gone" "this filesystem is mounted nosuid"
fi

# Frames as "FUNCTION FILE:LINE", up to main.
our_frames() { # TAG
    inquest bt --json "$(listed "$1" id)" |
        jq -r '.threads[0].frames[] | select(.file) | "\(.function) \(.file | sub(".*/"; "")):\(.line)"' | sed '/^main /q'
}
gdb_frames() {
    sed -nE 's/^#[0-9]+ +(0x[0-9a-f]+ in )?([a-z_]+) \(.*\) at (.*\/)?([^/]*)$/\2 \4/p' "$T/said" | uniq | sed '/^main /q'
}
lldb_frames() {
    sed -nE 's/^[ *]*frame #[0-9]+: 0x[0-9a-f]+ [^`]*`([a-z_]+)(\(.*\))? at ([^:]*:[0-9]+).*/\1 \3/p' "$T/said" | sed '/^main /q'
}
debug() { # DEBUGGER TAG [COMMAND-BEFORE…]: leaves what it said in $T/said
    local debugger=$1 tag=$2 batch=(-nx -batch -ex bt)
    shift 2
    [ "$debugger" = gdb ] || batch=(--no-lldbinit --batch -o 'bt all')
    "$@" "$BIN/inquest" debug --debugger "$debugger" "$(listed "$tag" id)" -- "${batch[@]}" \
        </dev/null >"$T/said" 2>"$T/said.err"
}

is "explain-debuggers: bt itself" "$(our_frames normal | cut -d' ' -f1 | tr '\n' ' ')" \
    "library_read library_call program_do main "
for debugger in gdb lldb; do
    if ! command -v $debugger >/dev/null; then
        skip "explain-debuggers: $debugger" "no $debugger"
        continue
    fi
    for tag in normal sparse "${kept[@]}"; do
        debug $debugger $tag
        is "explain-debuggers: $debugger, $tag: functions and lines are ours" "$(${debugger}_frames)" "$(our_frames $tag)"
    done
    debug $debugger user as_user 12345
    is "explain-debuggers: $debugger, a user's own: likewise" "$(${debugger}_frames)" "$(our_frames user)"
    debug $debugger user
    is "explain-debuggers: $debugger, a user's, for root: likewise" "$(${debugger}_frames)" "$(our_frames user)"
done

# What lies in the directory where somebody calls a debugger is not run.
mkdir "$T/planted"
for module in lldb six readline sitecustomize; do
    echo "open('$T/planted/ran', 'w')" >"$T/planted/$module.py"
done
echo "shell touch '$T/planted/ran'" >"$T/planted/.gdbinit"
echo "platform shell touch '$T/planted/ran'" >"$T/planted/.lldbinit"
chmod 777 "$T/planted" # also for whom root's debugger is
for debugger in gdb lldb; do
    command -v $debugger >/dev/null || continue
    for caller in "" "as_user 12345"; do
        # shellcheck disable=SC2086
        (cd "$T/planted" && debug $debugger user $caller)
        is "explain-debuggers: $debugger runs nothing of the directory it is called in${caller:+, by a user}" \
            "$(${debugger}_frames; ls "$T/planted/ran" 2>/dev/null)" "$(our_frames user)"
    done
done

# Replaced after the crash: nothing has kept it.
our_frames normal >"$T/before"
for name in libq.so program; do
    mv "$T/d/$name" "$T/d/$name.kept"
    mv "$T/d/${name/q/q.new}" "$T/d/$name" 2>/dev/null || mv "$T/d/$name.new" "$T/d/$name"
    for debugger in gdb lldb; do
        command -v $debugger >/dev/null || continue
        debug $debugger normal
        is "explain-debuggers: $debugger, $name is another file now: what it says is right, or nothing" \
            "$(${debugger}_frames | grep -vxFf "$T/before"):$(grep -cE 'other_|wrong_|__do_global' "$T/said"):$(
                grep -cE '^#0 |frame #0:' "$T/said" | sed 's/^[1-9]$/some/')" ":0:some"
        ok "explain-debuggers: $debugger, $name: and it is said" grep -q "is not here as the process had it\|more are not here" "$T/said.err"
    done
done
finish
