/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads - has N threads (3) besides the first one; the last of them, "worker-N", dies, after
 * MILLISECONDS (0) in which the others come to rest.
 *
 *   threads [N [MILLISECONDS]]
 */
#include "tests/victims/victim.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static unsigned long count = 3, delay_ms;
static pthread_barrier_t all_are_there;

static void *work(void *argument)
{
    unsigned long number = (uintptr_t)argument;
    char name[16];
    snprintf(name, sizeof name, "worker-%lu", number);
    prctl(PR_SET_NAME, name);
    pthread_barrier_wait(&all_are_there);
    if (number == count) {
        usleep((useconds_t)delay_ms * 1000);
        victim_dies(SIGSEGV);
    }
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        count = victim_number(argv[1]);
    if (argc > 2)
        delay_ms = victim_number(argv[2]);
    pthread_barrier_init(&all_are_there, NULL, (unsigned)count + 1);
    for (unsigned long i = 1; i <= count; i++) {
        pthread_t thread;
        int r = pthread_create(&thread, NULL, work, (void *)(uintptr_t)i);
        victim_needs(r == 0, "pthread_create");
    }
    pthread_barrier_wait(&all_are_there);
    for (;;)
        pause();
}
