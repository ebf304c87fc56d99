/* SPDX-License-Identifier: GPL-2.0-or-later */
/* victim.c - dies in the way its argument begins with, while a second thread waits. It needs no C
 * library, so that it is small enough to be kept beside its cores. */
#include <linux/sched.h>
#include <linux/unistd.h>
#include <stddef.h>

#define KEPT   __attribute__((noinline, noclone))
#define INLINE static inline __attribute__((always_inline))

/* TOUCHED: what the kernel may change besides the result. */
#if defined(__riscv)
#define RETURN "ra"
#define TRAP   "ecall"
#define TOUCHED
#define REGISTERS(R) R("a7", "a0", "a1", "a2", "a3", "a4")
#elif defined(__aarch64__)
#define RETURN "x30"
#define TRAP   "svc 0"
#define TOUCHED
#define REGISTERS(R) R("x8", "x0", "x1", "x2", "x3", "x4")
#elif defined(__arm__)
#define RETURN "lr"
#define TRAP   "svc 0"
#define TOUCHED
#define REGISTERS(R) R("r7", "r0", "r1", "r2", "r3", "r4")
#elif defined(__powerpc64__)
#define RETURN       "65"
#define TRAP         "sc"
#define TOUCHED      , "cr0", "ctr", "xer", "r8", "r9", "r10", "r11", "r12"
#define REGISTERS(R) R("r0", "r3", "r4", "r5", "r6", "r7")
#elif defined(__s390x__)
#define RETURN "%r14"
#define TRAP   "svc 0"
#define TOUCHED
#define REGISTERS(R) R("r1", "r2", "r3", "r4", "r5", "r6")
#endif

#define DECLARE(nr, r0, r1, r2, r3, r4)                                                            \
    register long n __asm__(nr) = number;                                                          \
    register long first __asm__(r0) = a;                                                           \
    register long second __asm__(r1) = b;                                                          \
    register long third __asm__(r2) = c;                                                           \
    register long fourth __asm__(r3) = d;                                                          \
    register long fifth __asm__(r4) = e;

INLINE long call(long number, long a, long b, long c, long d, long e)
{
    REGISTERS(DECLARE)
    __asm__ volatile(TRAP
                     : "+r"(n), "+r"(first), "+r"(second), "+r"(third), "+r"(fourth), "+r"(fifth)
                     :
                     : "memory" TOUCHED);
    return first;
}

enum { MARK = 0x5ca1ab1e, SEGV = 11, ON_STACK = 0x08000000, AT_CWD = -100 };

struct item {
    volatile int kind;
    char name[44];
    volatile int size;
};

struct item *volatile nothing;
void (*volatile nowhere)(long);
volatile int zero, waits;

#ifdef __arm__ /* its unwinding tables ask for them */
void __aeabi_unwind_cpp_pr0(void)
{
}
void __aeabi_unwind_cpp_pr1(void)
{
}
#endif

INLINE int size_of(struct item *item)
{
    int size = item->size; /* size_of */
    return size * item->kind + zero;
}

KEPT int take(struct item *item, unsigned long mark)
{
    return size_of(item) + (int)mark; /* take */
}

KEPT int die_reading(void)
{
    return take(nothing, MARK) + zero; /* die_reading */
}

KEPT int die_calling(void)
{
    nowhere(MARK); /* die_calling */
    return zero;
}

KEPT int die_jumping(void)
{
    nowhere = (void (*)(long))0x12345000;
    return die_calling() + zero; /* die_jumping */
}

KEPT void handle(int number)
{
    *(volatile int *)nothing = number; /* handle */
}

/* What the handler interrupts has no frame yet: its caller is where the registers say. */
KEPT int leaf(struct item *item)
{
    return item->size;
}

KEPT int die_handling(void)
{
    static char room[64 * 1024];
    static struct {
        void *start;
        int flags;
        size_t size;
    } stack = {room, 0, sizeof(room)};
    static struct {
        void (*handler)(int);
        unsigned long flags, zeros[3];
    } action = {handle, ON_STACK, {0}};
    call(__NR_sigaltstack, (long)&stack, 0, 0, 0, 0);
    call(__NR_rt_sigaction, SEGV, (long)&action, 0, 8, 0);
    return leaf((struct item *)0x40) + zero; /* die_handling */
}

KEPT int recurse(int depth)
{
    return (depth ? recurse(depth - 1) : die_reading()) + zero; /* recurse */
}

KEPT int choose(char way)
{
    switch (way) {
    case 'r':
        return die_reading() + zero; /* choose r */
    case 'c':
        return die_calling() + zero;
    case 'j':
        return die_jumping() + zero;
    case 'h':
        return die_handling() + zero;
    default:
        return recurse(100) + zero;
    }
}

KEPT void wait_here(void)
{
    for (;;) {
        waits = 1;
        call(__NR_ppoll, 0, 0, 0, 0, 8);
    }
}

KEPT int second_thread(void)
{
    wait_here();
    return zero;
}

KEPT void start_thread(void)
{
    static char stack[64 * 1024] __attribute__((aligned(16)));
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    long top = (long)(stack + sizeof(stack) - 1024);
#ifdef __s390x__
    long made = call(__NR_clone, top, flags, 0, 0, 0);
#else
    long made = call(__NR_clone, flags, top, 0, 0, 0);
#endif
    if (made == 0)
        second_thread();
}

void _start(void)
{
    static char words[256];
    __asm__ volatile(".cfi_undefined " RETURN); /* nobody called it */
    long fd = call(__NR_openat, AT_CWD, (long)"/proc/self/cmdline", 0, 0, 0);
    call(__NR_read, fd, (long)words, sizeof(words) - 1, 0, 0);
    start_thread();
    while (!waits)
        call(__NR_sched_yield, 0, 0, 0, 0, 0);
    for (int i = 0; i < 3; i++) /* until it sleeps */
        call(__NR_sched_yield, 0, 0, 0, 0, 0);
    const char *way = words;
    while (*way++)
        ;
    call(__NR_exit_group, choose(*way), 0, 0, 0, 0);
}
