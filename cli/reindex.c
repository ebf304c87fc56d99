/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reindex.c - `inquest reindex`: makes the index anew from the files. */
#include <inttypes.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/selection.h"
#include "store/base/cleanup.h"
#include "store/check.h"

static void show_progress(void *context, uint64_t done)
{
    enum { STEP = 1000 };
    (void)context;
    if (done % STEP == 0)
        fprintf(stderr, "\r%" PRIu64 " crashes", done);
}

static int run_reindex(struct call *call, struct error *error)
{
    AUTO_STORE struct store *store = NULL;
    uint64_t crashes = 0;
    bool shown = !call->globals.quiet && isatty(STDERR_FILENO);

    int r = selection_open_store(call, STORE_WRITE, &store, error);
    if (r == 0)
        r = check_reindex(store, shown ? show_progress : NULL, NULL, &crashes, error);
    if (shown)
        fputs("\r\033[K", stderr);
    if (r < 0)
        return r;
    if (call->globals.json != JSON_OFF) {
        struct json_stream json = json_stream_to(stdout, call->globals.json);
        json_stream_value(&json, json_pack("{s:I}", "crashes", (json_int_t)crashes));
    } else if (!call->globals.quiet) {
        printf("indexed %" PRIu64 " crash%s\n", crashes, crashes == 1 ? "" : "es");
    }
    return EXIT_DONE;
}

const struct command command_reindex = {
    .name = "reindex",
    .group = COMMAND_SYSTEM,
    .summary = "make the index anew from the files",
    .usage = "",
    .run = run_reindex,
};
