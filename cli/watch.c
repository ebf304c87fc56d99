/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - `inquest watch`: shows crashes as they come, a line each. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/crash.h"
#include "cli/json.h"
#include "cli/selection.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"

#define WATCH_COLUMNS "time,id,program,pid,owner,signal_name,core,where"

struct watch_settings {
    struct selection_settings selection;
    bool no_legend;
};

static const struct option_spec watch_options[] = {
    OPTION_NUMBER('n', NULL, "N", 1, struct watch_settings, selection.limit, "end after N crashes"),
    OPTION_FLAG('1', NULL, struct watch_settings, selection.one, "end after one, as -n 1"),
    OPTION_TEXTS(0, "function", "NAME", struct watch_settings, selection.functions,
                 "with function NAME in the crashing thread's stack"),
    OPTION_FLAG(0, "no-legend", struct watch_settings, no_legend, "no header line"),
    OPTIONS_END,
};

struct watch {
    struct call *call;
    struct store *store;
    struct filter *filter;
    struct table *table;
    struct query_position position;
    uint64_t left; /* 0: for ever */
    int inotify;
};

/* A change of the index is a write to its log, in the store or in the caller's part of it. Where
 * inotify has no watch to give, the poll below still looks each second. */
static void watch_source(const struct watch *watch, unsigned source)
{
    enum { EVENTS = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE };
    char path[160], own[LAYOUT_PATH_SIZE];
    int fd = store_fd(watch->store, source);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    (void)inotify_add_watch(watch->inotify, path, EVENTS | IN_ONLYDIR);
    layout_crash_dir(own, getuid());
    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", fd, own);
    (void)inotify_add_watch(watch->inotify, path, EVENTS | IN_ONLYDIR);
}

static int show(struct watch *watch, const struct crash_row *row)
{
    if (watch->call->globals.json != JSON_OFF) {
        struct json_stream line = json_stream_to(stdout, JSON_SHORT);
        json_stream_open(&line, '{');
        crash_json(watch->store, row, &line);
        json_stream_close(&line);
    } else {
        int r = table_add(watch->table, watch->store, row);
        if (r == 0)
            r = table_flush(watch->table);
        if (r < 0)
            return r;
    }
    fflush(stdout);
    return ferror(stdout) ? -EPIPE : 0;
}

/* 1: as many as were asked for are shown. */
static int show_arrivals(struct watch *watch, struct error *error)
{
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;

    int r = query_begin_arrivals(watch->store, watch->filter, &watch->position, &query, error);
    if (r < 0)
        return r;
    while ((r = query_next(query, &row, error)) > 0) {
        r = show(watch, row);
        if (r < 0)
            return r == -EPIPE ? 1 : error_errno(error, -r, "cannot show %s", row->id);
        if (watch->left > 0 && --watch->left == 0)
            return 1;
    }
    return r;
}

static void wait_for_change(const struct watch *watch)
{
    char events[4096];
    struct pollfd poller = {.fd = watch->inotify, .events = POLLIN};

    if (poll(&poller, 1, 1000) > 0)
        while (read(watch->inotify, events, sizeof events) > 0)
            continue;
}

static int follow(struct watch *watch, struct error *error)
{
    int r = query_position_now(watch->store, &watch->position, error);

    for (unsigned i = 0; i < store_source_count(watch->store); i++)
        watch_source(watch, i);
    (void)store_changed(watch->store); /* what was before is before */
    while (r == 0) {
        r = show_arrivals(watch, error);
        while (r == 0 && !store_changed(watch->store))
            wait_for_change(watch);
    }
    return r < 0 ? r : EXIT_DONE;
}

static int run_watch(struct call *call, struct error *error)
{
    const struct watch_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    AUTO_FILTER struct filter *filter = NULL;
    AUTO_TABLE struct table *table = NULL;
    AUTO_FREE const struct column **chosen = NULL;
    AUTO_FD int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    size_t count;

    int r = columns_parse(WATCH_COLUMNS, &chosen, &count, error);
    if (r == 0)
        r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0)
        r = selection_filter(call, &settings->selection, store, &filter, error);
    if (r < 0)
        return selection_end(call, r, error);
    table = table_new(chosen, count, !settings->no_legend);
    if (!table)
        return error_set(error, ENOMEM, "out of memory");
    struct watch watch = {
        .call = call,
        .store = store,
        .filter = filter,
        .table = table,
        .left = selection_limit(&settings->selection, 0),
        .inotify = inotify,
    };
    return follow(&watch, error);
}

const struct command command_watch = {
    .name = "watch",
    .group = COMMAND_LOOK,
    .summary = "show crashes as they come",
    .usage = "[MATCH…]",
    .description = "With --json each is a line of its own (JSON Lines).\n",
    .options = watch_options,
    .settings_size = sizeof(struct watch_settings),
    .max_words = COMMAND_ANY_WORDS,
    .run = run_watch,
};
