/* SPDX-License-Identifier: GPL-2.0-or-later */
/* threads.c - names and global numbers of a crashed process's threads. */
#include "analyzer/threads.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/parse.h"
#include "store/keys.h"

enum { THREADS_MAX = 1 << 16 };

struct thread {
    uint32_t inner, global;
    const char *name;
};

struct threads {
    struct thread *list; /* sorted by inner */
    size_t count;
};

/* Takes "GLOBAL INNER NAME" apart. The fact is the victim's doing: what is malformed is skipped. */
static bool read_thread(const char *text, struct thread *ret)
{
    char numbers[2][16];
    uint64_t global, inner;

    for (size_t i = 0; i < 2; i++) {
        size_t n = strcspn(text, " ");
        if (n >= sizeof numbers[i] || text[n] != ' ')
            return false;
        memcpy(numbers[i], text, n);
        numbers[i][n] = '\0';
        text += n + 1;
    }
    if (parse_u64(numbers[0], 10, UINT32_MAX, &global) < 0 ||
        parse_u64(numbers[1], 10, UINT32_MAX, &inner) < 0)
        return false;
    *ret = (struct thread){.inner = (uint32_t)inner, .global = (uint32_t)global, .name = text};
    return true;
}

static int compare_threads(const void *a, const void *b)
{
    const struct thread *x = a, *y = b;
    return x->inner < y->inner ? -1 : x->inner > y->inner;
}

static int read_threads(struct threads *threads, const struct fact *fact)
{
    const char *end = fact->value + fact->size;
    size_t capacity = 0;

    for (const char *p = fact->value; p < end; p += strlen(p) + 1) { /* a NUL stands at the end */
        if (threads->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct thread *grown = reallocarray(threads->list, capacity, sizeof *grown);
            if (!grown || capacity > THREADS_MAX) {
                threads->list = grown ? grown : threads->list;
                return -1;
            }
            threads->list = grown;
        }
        threads->count += read_thread(p, &threads->list[threads->count]);
    }
    return 0;
}

struct threads *threads_new(const struct metadata *metadata)
{
    const struct fact *fact = metadata ? metadata_get(metadata, KEY_THREADS) : NULL;
    struct threads *threads = calloc(1, sizeof *threads);

    if (!threads || !fact)
        return threads;
    (void)read_threads(threads, fact); /* short of memory: fewer names */
    if (threads->list)
        qsort(threads->list, threads->count, sizeof *threads->list, compare_threads);
    return threads;
}

void threads_free(struct threads *threads)
{
    if (!threads)
        return;
    free(threads->list);
    free(threads);
}

static const struct thread *find_thread(const struct threads *threads, uint32_t tid)
{
    const struct thread wanted = {.inner = tid};
    return threads->count > 0 ? bsearch(&wanted, threads->list, threads->count,
                                        sizeof *threads->list, compare_threads)
                              : NULL;
}

const char *threads_name(const struct threads *threads, uint32_t tid)
{
    const struct thread *thread = find_thread(threads, tid);
    return thread ? thread->name : NULL;
}

uint32_t threads_global_tid(const struct threads *threads, uint32_t tid)
{
    const struct thread *thread = find_thread(threads, tid);
    return thread ? thread->global : tid;
}
