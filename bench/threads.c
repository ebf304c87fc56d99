/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads - many threads of many frames, in a process of many modules.
 *
 *   threads LIBRARIES
 *
 * Loads link0.so, link1.so… from its working directory (copies of this file, built with -DLINK),
 * starts 500 threads, each of which goes through one of them and is 46 frames deep with what starts
 * a thread, and dies in the first.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone))

typedef int step(int left, int thread);

#ifdef LINK

volatile int zero;

int go(step *next, int left, int thread)
{
    return next(left, thread) + zero;
}

#else

enum { THREADS = 500, DEPTH = 41, MAX_LIBRARIES = 200 };

volatile int zero;
int *volatile null_pointer;
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
    return (void *)(long)links[thread % link_count](even, DEPTH, thread);
}

int main(int argc, char **argv)
{
    int wanted = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    for (; link_count < wanted && link_count < MAX_LIBRARIES; link_count++) {
        char name[32];
        snprintf(name, sizeof(name), "./link%d.so", link_count);
        void *library = dlopen(name, RTLD_NOW);
        *(void **)&links[link_count] = library ? dlsym(library, "go") : NULL;
        if (!links[link_count]) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
    }
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, THREADS);
    for (long i = 1; i < THREADS; i++)
        pthread_create(&thread, NULL, start, (void *)i);
    start((void *)0L);
    return 0;
}

#endif
