#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p1-handlers - a crash handler that runs on a stack of its own: what is kept of a crash in mode
# stacks has the stack that it interrupted, too, of the main thread and of another one.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/explain.bash"
needs_kernel
has gcc || bail "no compiler"

cat >"$T/handlers.c" <<'END'
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#define KEPT __attribute__((noinline, noclone))

volatile int zero;
int *volatile null_pointer;

/* With much on its stack, as handlers have that print. */
KEPT static void crash_handler(int number)
{
    volatile char room[20000];
    memset((char *)room, number, sizeof(room));
    abort();
}

KEPT static int fault(int depth)
{
    return depth > 0 ? fault(depth - 1) + zero : *null_pointer + zero;
}

KEPT static void *work(void *argument)
{
    size_t size = 256 * 1024;
    stack_t stack = {.ss_size = size};
    stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&stack, NULL);
    fault(2000);
    return argument;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = crash_handler, .sa_flags = SA_ONSTACK};
    pthread_t thread;
    (void)argv;
    sigaction(SIGSEGV, &action, NULL);
    if (argc == 1)
        work(NULL);
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return 0;
}
END
# Deep enough: no page of the interrupted stack is there because something else needs it.
build handlers gcc -g -O1 -pthread "$T/handlers.c" -w || bail "not built"

printf '[capture]\nmode = stacks\n[analyze]\nauto = no\n' | config
crash_both() {
    local way
    for way in main-thread other-thread; do
        (
            ulimit -c unlimited
            exec "$T/handlers" ${way#main-thread}
        ) &
        pids+=($!)
        wait $! 2>/dev/null
    done
}
OWN='^(crash_handler|fault|work|main|start_thread|<signal .*)$'
pids=() stacks=()
with_hook crash_both 2>/dev/null
wait_idle
for pid in "${pids[@]}"; do
    inquest bt --json "pid=$pid" >"$T/$pid.json" 2>"$T/stderr" || [ $? = 3 ] || note "$(cat "$T/stderr")"
    stacks+=("$(stack_of "$pid" "$OWN")")
done
is "explain-p1-handlers: from a handler's own stack to main" "${stacks[0]}" \
    "crash_handler <signal handler called> fault work main"
is "explain-p1-handlers: from a handler's own stack to a thread's start" "${stacks[1]}" \
    "crash_handler <signal handler called> fault work start_thread"
finish
