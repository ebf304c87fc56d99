/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory - dies with MIB mebibytes of memory of a KIND:
 *   random  nothing that compresses       text       the same few words again and again
 *   zero    written, with zeros           untouched  never written, but for its first byte
 *   mixed   a page of each in turn
 */
#include "tests/victims/victim.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static uint64_t state = 88172645463325252U;

static void fill_random(char *page)
{
    for (size_t i = 0; i < PAGE; i += sizeof state) {
        state ^= state << 13; /* xorshift64 */
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(page + i, &state, sizeof state);
    }
}

static void fill_text(char *page)
{
    static const char words[] = "GET /index.html 200 - the quick brown fox: timeout=30\n";
    for (size_t i = 0; i < PAGE; i++)
        page[i] = words[i % (sizeof words - 1)];
}

static void fill_zero(char *page)
{
    memset(page, 0, PAGE);
}

static void leave_untouched(char *page)
{
    (void)page;
}

static void fill_mixed(char *page)
{
    static void (*const fills[])(char *) = {fill_random, fill_text, fill_zero, leave_untouched};
    static unsigned turn;
    fills[turn++ % 4](page);
}

static const struct {
    const char *name;
    void (*fill)(char *page);
} kinds[] = {
    {"random", fill_random},        {"text", fill_text},   {"zero", fill_zero},
    {"untouched", leave_untouched}, {"mixed", fill_mixed},
};

int main(int argc, char **argv)
{
    size_t size = (argc > 1 ? victim_number(argv[1]) : 16) << 20;
    const char *kind = argc > 2 ? argv[2] : "mixed";
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    victim_needs(area != MAP_FAILED, "mmap");

    area[0] = 1; /* the kernel leaves out what was never written at all */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, kind) == 0) {
            for (size_t at = 0; at < size; at += PAGE)
                kinds[i].fill(area + at);
            victim_dies(SIGSEGV);
        }
    fprintf(stderr, "memory: no kind '%s'\n", kind);
    return 64;
}
