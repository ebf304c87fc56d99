/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stacks - many threads of many frames, in a process of many modules.
 *
 *   stacks [THREADS [DEPTH [LIBRARIES]]]
 *
 * Starts THREADS (4) threads, each DEPTH (10) calls deep, and dies in the first. Each goes through
 * one of the libraries link0.so, link1.so… in the working directory: this file, built with -DLINK.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone))

typedef int step(int left, int thread);

volatile int zero;

#ifdef LINK

int go(step *next, int left, int thread)
{
    return next(left, thread) + zero;
}

#else

enum { MAX_LIBRARIES = 200 };

int *volatile null_pointer;
static int depth;
static pthread_barrier_t ready;
static int (*links[MAX_LIBRARIES])(step *next, int left, int thread);
static int link_count;

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
    int thread = (int)(long)argument;
    return (void *)(long)(link_count > 0 ? links[thread % link_count](even, depth, thread)
                                         : even(depth, thread));
}

static void load(int wanted)
{
    for (; link_count < wanted && link_count < MAX_LIBRARIES; link_count++) {
        char name[32];
        snprintf(name, sizeof(name), "./link%d.so", link_count);
        void *library = dlopen(name, RTLD_NOW);
        *(void **)&links[link_count] = library ? dlsym(library, "go") : NULL;
        if (!links[link_count]) {
            fprintf(stderr, "%s\n", dlerror());
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 4;
    depth = argc > 2 ? atoi(argv[2]) : 10;
    load(argc > 3 ? atoi(argv[3]) : 0);
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, (unsigned)threads);
    for (long i = 1; i < threads; i++)
        pthread_create(&thread, NULL, start, (void *)i);
    start((void *)0L);
    return 0;
}

#endif
