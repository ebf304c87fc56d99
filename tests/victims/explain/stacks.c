/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stacks.c - THREADS threads, each DEPTH calls deep, of which one dies. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone))

volatile int zero;
int *volatile null_pointer;
static int depth;
static pthread_barrier_t ready;

static inline int wait_here(int thread)
{
    pthread_barrier_wait(&ready);
    if (thread == 0)
        *null_pointer = thread;
    pause();
    return zero;
}

KEPT static int odd(int left, int thread);

KEPT static int even(int left, int thread)
{
    return (left > 0 ? odd(left - 1, thread) : wait_here(thread)) + zero;
}

KEPT static int odd(int left, int thread)
{
    return (left > 0 ? even(left - 1, thread) : wait_here(thread)) + zero;
}

static void *start(void *argument)
{
    return (void *)(long)even(depth, (int)(long)argument);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 4;
    depth = argc > 2 ? atoi(argv[2]) : 10;
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, (unsigned)threads);
    for (long i = 1; i < threads; i++)
        pthread_create(&thread, NULL, start, (void *)i);
    start((void *)0L);
    return 0;
}
