/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-match.c - any bytes as matches and functions, asked of an index: never SQL of their own. */
#include <ftw.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/index.h"
#include "store/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 32 };

static void put_row(struct index *index, int n)
{
    static const char *const functions[] = {"f(int)", "main"};
    const struct index_report report = {.analysis = CRASH_ANALYZED,
                                        .stack_id = "stack",
                                        .signature = "00000000deadbeef",
                                        .function = "f(int)",
                                        .signature_frames = functions,
                                        .n_signature_frames = 2,
                                        .functions = functions,
                                        .n_functions = 2};
    struct crash_row row = {.time_us = (int64_t)n * 1000000,
                            .pid = n,
                            .tid = n,
                            .uid = n % 3,
                            .signal = 11,
                            .core = RECORD_FULL,
                            .count = 1,
                            .access_uid = CRASH_ABSENT,
                            .text = {[CRASH_COMM] = "a'b=c", [CRASH_EXE] = "/bin/a'b=c"}};
    int64_t seq;
    layout_id_format(row.id, row.time_us, (uint32_t)n, 0);
    if (index_put(index, &row, &seq, NULL) < 0 ||
        index_set_report(index, seq, &report, 5, NULL) < 0)
        abort();
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

/* A store of a few crashes, for the life of the process; without a name, so that nothing is left.
 */
static struct store *open_store(void)
{
    static char path[] = "/tmp/inquest-fuzz.XXXXXX";
    struct store *store;
    if (!mkdtemp(path) || store_open(path, STORE_CREATE, &store, NULL) < 0)
        abort();
    for (int n = 1; n <= ROWS; n++)
        put_row(store_writable_index(store), n);
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return store;
}

/* Whatever is asked: an answer, and every crash is still there. */
static void ask(struct store *store, const struct filter *filter)
{
    AUTO_QUERY struct query *query = NULL;
    struct error error = {0};
    const struct crash_row *row;
    uint64_t n = 0, counted, all;
    int r = query_begin(store, filter, QUERY_NEWEST_FIRST, 0, &query, &error);
    for (; r >= 0 && (r = query_next(query, &row, &error)) == 1; n++)
        continue;
    if (r < 0 || query_count(store, filter, &counted, &error) < 0 || counted != n) {
        fprintf(stderr, "%s\n", error.text);
        __builtin_trap();
    }
    if (query_count(store, NULL, &all, NULL) < 0 || all != ROWS)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store *store;
    if (!store)
        store = open_store();

    AUTO_FILTER struct filter *filter = filter_new();
    AUTO_FREE char *text = strndup((const char *)data, size);
    char *rest = text, *line;
    if (!filter || !text)
        return 0;
    for (int n = 0; n < 8 && (line = strsep(&rest, "\n")); n++)
        if (line[0] == '!')
            (void)filter_add_function(filter, line + 1, NULL); /* refusing is an answer, too */
        else if (*line)
            (void)filter_add(filter, store, line, NULL);
    ask(store, filter);
    return 0;
}
