/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay.c - runs one fuzz target over its corpus and over seeded mutations of it, without
 * libFuzzer.
 *
 * Linked with tests/fuzz/fuzz-NAME.c it is a TAP test of `make check`, with any compiler; the same
 * target with libFuzzer's own main is what `make fuzz` runs. The corpus is tests/fuzz/corpus/NAME.
 * Usage: fuzz-NAME [FILE...], to run the target on just these files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/base/bytes.h"
#include "store/base/io.h"

enum { LARGEST_INPUT = 8 * 1024 * 1024, MUTATIONS = 400, SECONDS_AN_INPUT = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* xorshift64: the same mutations in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A copy of exactly `size` bytes, so that a sanitizer sees the first one read behind it. */
static void run(const char *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data ? data : "", size);
    (void)LLVMFuzzerTestOneInput(copy, size); /* always 0 for a target that takes all inputs */
    free(copy);
}

/* Flips bits, writes extreme values, cuts and repeats. */
static void mutate(struct bytes *input, uint64_t *random)
{
    static const unsigned char extremes[] = {0x00, 0x7f, 0x80, 0xff, '\n', '"', '%', '/'};

    for (unsigned i = 1 + next_random(random) % 4; i > 0 && input->size > 0; i--) {
        size_t at = next_random(random) % input->size;
        switch (next_random(random) % 5) {
        case 0:
            input->data[at] ^= (char)(1 << next_random(random) % 8);
            break;
        case 1:
            input->data[at] = (char)extremes[next_random(random) % sizeof extremes];
            break;
        case 2:
            input->size = at;
            break;
        case 3:
            memset(input->data + at, 0xff, input->size - at < 4 ? input->size - at : 4);
            break;
        case 4:
            memmove(input->data + at, input->data, (input->size - at) / 2);
            break;
        }
    }
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_file(int dirfd, const char *name, bool with_mutations)
{
    AUTO_BYTES struct bytes input = {0};
    uint64_t random = 0x9e3779b97f4a7c15u;

    int r = io_read_file(dirfd, name, LARGEST_INPUT, &input);
    if (r < 0)
        return r;
    run(input.data, input.size);
    double end = seconds_now() + SECONDS_AN_INPUT;
    for (unsigned i = 0; with_mutations && i < MUTATIONS && seconds_now() < end; i++) {
        AUTO_BYTES struct bytes copy = {0};
        if (bytes_append(&copy, input.data ? input.data : "", input.size) < 0)
            return -ENOMEM;
        mutate(&copy, &random);
        run(copy.data, copy.size);
    }
    return 0;
}

static int run_corpus(const char *name)
{
    char path[4096];
    unsigned count = 0;

    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", TOP_SRCDIR, name);
    AUTO_DIR DIR *dir = opendir(path);
    if (!dir) {
        printf("Bail out! no corpus in %s\n", path);
        return EXIT_FAILURE;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        int r = run_file(dirfd(dir), entry->d_name, true);
        printf("%s %u - fuzz %s: %s\n", r < 0 ? "not ok" : "ok", ++count, name, entry->d_name);
        fflush(stdout); /* the last line names the input before the one that crashed */
    }
    printf("1..%u\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (run_file(AT_FDCWD, argv[i], false) < 0) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return EXIT_FAILURE;
        }
    if (argc > 1)
        return EXIT_SUCCESS;

    const char *base = strrchr(argv[0], '/');
    base = base ? base + 1 : argv[0];
    return run_corpus(strncmp(base, "fuzz-", 5) == 0 ? base + 5 : base);
}
