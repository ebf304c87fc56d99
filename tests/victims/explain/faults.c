/* SPDX-License-Identifier: GPL-2.0-or-later */
/* faults.c - dies in the way its argument names, some calls below main. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone))

volatile int zero;
volatile char *volatile sink;
int *volatile null_pointer;

struct shape {
    int kind;
    struct shape *next;
    char name[40];
    int size;
};

KEPT int read_shape(struct shape *shape)
{
    return shape->size + zero;
}

KEPT int die_null_read(void)
{
    return read_shape((struct shape *)null_pointer) + 1;
}

KEPT int die_null_write(void)
{
    *null_pointer = 42;
    return zero;
}

KEPT int die_null_call(void)
{
    int (*volatile function)(int) = (int (*)(int))null_pointer;
    return function(1) + zero;
}

KEPT int die_garbage_jump(void)
{
    int (*volatile function)(int) = (int (*)(int))(uintptr_t)0x123456789000;
    return function(1) + zero;
}

KEPT int die_stack_jump(void)
{
    volatile char code[64];
    memset((char *)code, 0x90, sizeof(code));
    int (*volatile function)(int) = (int (*)(int))(uintptr_t)code;
    return function(1) + zero;
}

KEPT int die_noncanonical(void)
{
    volatile uint64_t address = 0xdeadbeefcafe1230;
    return *(volatile int *)(uintptr_t)address + zero;
}

KEPT int die_readonly(void)
{
    char *text = (char *)(uintptr_t) "cannot be written";
    *(volatile char *)text = 'C';
    return zero;
}

KEPT int overflow(int depth)
{
    volatile char room[128];
    room[0] = (char)depth;
    sink = room;
    return overflow(depth + 1) + room[0];
}

KEPT int die_overflow(void)
{
    return overflow(0) + zero;
}

KEPT int recurse(int depth)
{
    volatile int kept = depth;
    return depth ? recurse(depth - 1) + kept : die_null_write() + kept;
}

KEPT int die_recursion(void)
{
    return recurse(20000) + zero;
}

KEPT void smash(const char *text, size_t size)
{
    char room[16];
    memcpy(room, text, size);
    sink = room;
}

KEPT int die_smash(void)
{
    char text[256];
    memset(text, 'A', sizeof(text));
    smash(text, sizeof(text));
    return zero;
}

KEPT int die_abort(void)
{
    abort();
}

KEPT int die_assert(void)
{
    assert(zero == 1 && "the answer");
    return zero;
}

KEPT int die_double_free(void)
{
    char *volatile twice = malloc(100);
    free(twice);
    free(twice);
    return zero;
}

KEPT int die_divide(void)
{
    return 1000 / zero;
}

KEPT int die_trap(void)
{
    __builtin_trap();
}

KEPT int die_kill(void)
{
    kill(getpid(), SIGQUIT);
    return zero;
}

KEPT int die_past_file(void)
{
    FILE *file = tmpfile();
    fputs("short", file);
    fflush(file);
    char *map = mmap(NULL, 3 * 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    return map[2 * 4096] + zero;
}

KEPT int die_guard(void)
{
    char *map = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *(volatile char *)map + zero;
}

/* Handlers: on a stack of their own, and one that hands the signal on. */

static void use_handler(void (*handler)(int), int signal)
{
    static char room[64 * 1024];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(signal, &action, NULL);
}

KEPT static void faulty_handler(int number)
{
    *null_pointer = number;
}

KEPT static void abort_handler(int number)
{
    (void)number;
    abort();
}

KEPT int die_in_handler(void)
{
    use_handler(faulty_handler, SIGUSR1);
    raise(SIGUSR1);
    return zero;
}

KEPT int die_through_handler(void)
{
    use_handler(abort_handler, SIGSEGV);
    return die_null_write() + zero;
}

KEPT int die_null_call_in_handler(void)
{
    use_handler((void (*)(int))(uintptr_t)8, SIGUSR1);
    raise(SIGUSR1);
    return zero;
}

/* Dies once the signal came while the kernel's own page of code was at work. */
static void vdso_handler(int number, siginfo_t *info, void *context)
{
    enum { VDSO_MOST = 16 * 1024 };
    (void)info;
#ifdef __x86_64__
    const ucontext_t *interrupted = context;
    uintptr_t pc = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
    if (pc < vdso || pc >= vdso + VDSO_MOST)
        return;
#endif
    *null_pointer = number;
}

KEPT int die_in_vdso(void)
{
    struct sigaction action = {.sa_sigaction = vdso_handler, .sa_flags = SA_SIGINFO};
    struct itimerval often = {{0, 1000}, {0, 1000}};
    struct timespec now;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (;;)
        clock_gettime(CLOCK_MONOTONIC, &now);
    return zero;
}

static void *thread_main(void *argument)
{
    (void)argument;
    overflow(0);
    return NULL;
}

KEPT int die_thread_overflow(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, thread_main, NULL);
    pthread_join(thread, NULL);
    return zero;
}

/* Code that no file has, called with a frame pointer: push %rbp; mov %rsp,%rbp; call *%rdi; … */
KEPT int die_in_jit(void)
{
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
    unsigned char *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    int (*volatile generated)(int (*)(void)) = (int (*)(int (*)(void)))(uintptr_t)page;
    return generated(die_null_write) + zero;
}

static const struct {
    const char *name;
    int (*die)(void);
} ways[] = {
    {"null-read", die_null_read},
    {"null-write", die_null_write},
    {"null-call", die_null_call},
    {"garbage-jump", die_garbage_jump},
    {"stack-jump", die_stack_jump},
    {"noncanonical", die_noncanonical},
    {"readonly", die_readonly},
    {"overflow", die_overflow},
    {"recursion", die_recursion},
    {"smash", die_smash},
    {"abort", die_abort},
    {"assert", die_assert},
    {"double-free", die_double_free},
    {"divide", die_divide},
    {"trap", die_trap},
    {"kill", die_kill},
    {"past-file", die_past_file},
    {"guard", die_guard},
    {"in-handler", die_in_handler},
    {"through-handler", die_through_handler},
    {"null-handler", die_null_call_in_handler},
    {"thread-overflow", die_thread_overflow},
    {"in-jit", die_in_jit},
    {"in-vdso", die_in_vdso},
};

KEPT int choose(const char *name)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(ways[i].name, name) == 0)
            return ways[i].die() + zero;
    return 64;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 64;
    return choose(argv[1]) + zero;
}
