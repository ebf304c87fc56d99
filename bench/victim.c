/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * victim - a process to be crashed with a stopwatch.
 *
 *   victim MIB [THREADS [STACK_KIB [SPARSE_GIB]]]
 *
 * Fills MIB mebibytes with pages of random bytes, of text, of zeros and of pointers in turn (what
 * a server's heap looks like to a compressor), starts THREADS threads (4) that wait a few frames
 * deep in stacks of STACK_KIB (256), maps SPARSE_GIB gibibytes (0) and writes to one page in each,
 * prints "ready", waits for a byte on stdin, prints the
 * nanoseconds of CLOCK_MONOTONIC, and faults.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / sizeof(uint64_t), FRAME_DEPTH = 12 };

static uint64_t random_state = 0x2545f4914f6cdd1dU;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13; /* xorshift64 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fill_random(uint64_t *page)
{
    for (size_t i = 0; i < WORDS; i++)
        page[i] = next_random();
}

static void fill_text(uint64_t *page)
{
    static const char *const words[] = {
        "request ",    "handler ",    "timeout=30 ",    "GET /api/v1/users/",
        "status:200 ", "INFO ",       "{\"id\":",       "null,",
        "error ",      "connection ", "2026-05-17T12:", "worker-",
        "\"name\":\"", "retry ",      "cache miss ",    "\n",
    };
    char *text = (char *)page;
    size_t used = 0;

    while (used < PAGE - 32) {
        uint64_t choice = next_random();
        if (choice & 0x30)
            used += (size_t)snprintf(text + used, PAGE - used, "%s", words[choice & 15]);
        else
            used += (size_t)snprintf(text + used, PAGE - used, "%u ", (unsigned)(choice >> 44));
    }
    memset(text + used, ' ', PAGE - used);
}

static void fill_zeros(uint64_t *page)
{
    memset(page, 0, PAGE);
}

static void fill_pointers(uint64_t *page)
{
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t near = (uintptr_t)page + (next_random() & 0xffff8), small = next_random() & 0xffff;
        page[i] = i % 4 == 3 ? 0 : i % 4 == 2 ? small : near;
    }
}

static void fill_memory(size_t mib)
{
    static void (*const fills[])(uint64_t * page) = {fill_random, fill_text, fill_zeros,
                                                     fill_pointers};
    size_t size = mib << 20;
    if (size == 0)
        return;
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        perror("victim: mmap");
        exit(1);
    }
    for (size_t at = 0; at < size; at += PAGE)
        fills[next_random() >> 20 & 3]((uint64_t *)(area + at));
}

static void map_sparse(size_t gib)
{
    if (gib == 0)
        return;
    char *area = mmap(NULL, gib << 30, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) {
        perror("victim: mmap");
        exit(1);
    }
    madvise(area, gib << 30, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < gib; i++)
        memset(area + (i << 30) + PAGE, 'x', 100);
}

static pthread_barrier_t all_wait;
static volatile bool is_over; /* never, but the compiler does not know */

__attribute__((noinline)) static void wait_deep(int depth)
{
    if (depth > 0) {
        wait_deep(depth - 1);
        __asm__ volatile("" ::: "memory"); /* no tail call */
        return;
    }
    pthread_barrier_wait(&all_wait);
    while (!is_over)
        pause();
}

static void *run_thread(void *number)
{
    wait_deep(3 + (int)(intptr_t)number % FRAME_DEPTH);
    return NULL;
}

static void start_threads(unsigned count, size_t stack_kib)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_barrier_init(&all_wait, NULL, count + 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_kib << 10);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&thread, &attributes, run_thread, (void *)(intptr_t)i) != 0) {
            fprintf(stderr, "victim: cannot start %u threads\n", count);
            exit(1);
        }
    pthread_barrier_wait(&all_wait);
}

__attribute__((noinline)) static void fault(void)
{
    struct timespec now;
    char line[40];

    clock_gettime(CLOCK_MONOTONIC, &now);
    int length =
        snprintf(line, sizeof line, "%lld\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
    if (write(STDOUT_FILENO, line, (size_t)length) == length)
        *(volatile int *)NULL = 1;
}

int main(int argc, char **argv)
{
    char byte;

    fill_memory(argc > 1 ? strtoul(argv[1], NULL, 10) : 16);
    start_threads(argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4,
                  argc > 3 ? strtoul(argv[3], NULL, 10) : 256);
    map_sparse(argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
    if (write(STDOUT_FILENO, "ready\n", 6) != 6 || read(STDIN_FILENO, &byte, 1) != 1)
        return 1;
    fault();
    return 1;
}
