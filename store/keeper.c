/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inquest-keeper(8) - adopts what hooks wrote, keeps the budgets, and has crashes explained. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/adopt.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/cache_files.h"
#include "store/config.h"
#include "store/debug_cache.h"
#include "store/explain.h"
#include "store/index.h"
#include "store/keeper_log.h"
#include "store/keeper_process.h"
#include "store/layout.h"
#include "store/ledger.h"
#include "store/notify.h"
#include "store/ownership.h"
#include "store/pending.h"
#include "store/query.h"
#include "store/retention.h"
#include "store/store.h"

#define ANALYSIS_LOCK LAYOUT_NEW "/.analysis"

enum {
    EXIT_USAGE = 64,
    KEEPER_NICENESS = 10,
    ROUNDS_MAX = 1000, /* then another one may do it */
    BLOCK = 4096,
};

struct keeper {
    const char *config_file, *store_option;
    bool no_analysis, foreground;
    struct config *config;
    const struct config_settings *settings;
    struct store *store;
    struct ledger ledger; /* of that store */
    struct pending pending;
    struct debug_cache_wanted debug_wanted;
};

static const char usage[] =
    "Usage: inquest-keeper [-C FILE] [-D STORE] [--no-analysis] [--foreground]\n"
    "\n"
    "Adopts the crashes that inquest-hook has left in STORE/new, applies the budgets, and has "
    "what\n"
    "is pending explained. inquest-hook starts it; running it by hand does no harm.\n"
    "\n"
    "  -C, --config=FILE  read this configuration instead of the system's\n"
    "  -D, --store=STORE  work on this store\n"
    "      --no-analysis  explain nothing now\n"
    "      --foreground   say on stderr what is done\n"
    "      --help, --version\n";

/* ---- arguments ---- */

/* 0: go on; 1: done, exit well. */
static int parse_arguments(int argc, char **argv, struct keeper *keeper)
{
    enum { OPTION_NO_ANALYSIS = 256, OPTION_FOREGROUND, OPTION_HELP, OPTION_VERSION };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'C'},
        {"store", required_argument, NULL, 'D'},
        {"no-analysis", no_argument, NULL, OPTION_NO_ANALYSIS},
        {"foreground", no_argument, NULL, OPTION_FOREGROUND},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "C:D:", options, NULL)) != -1)
        switch (option) {
        case 'C':
            keeper->config_file = optarg;
            break;
        case 'D':
            keeper->store_option = optarg;
            break;
        case OPTION_NO_ANALYSIS:
            keeper->no_analysis = true;
            break;
        case OPTION_FOREGROUND:
            keeper->foreground = true;
            break;
        case OPTION_HELP:
            fputs(usage, stdout);
            return 1;
        case OPTION_VERSION:
            puts("inquest-keeper " PACKAGE_VERSION);
            return 1;
        default:
            return -EINVAL;
        }
    return optind == argc ? 0 : -EINVAL;
}

/* ---- adoption and budgets ---- */

/* An index that turns out to be damaged is made anew, and what failed is tried again. */
static int repair_if_damaged(struct keeper *keeper, int r, struct error *error)
{
    if (r != -EUCLEAN)
        return r;
    uint64_t crashes = 0;
    keeper_log("%s; making a new one", error->text);
    *error = (struct error){0};
    r = store_rebuild_index(keeper->store, NULL, NULL, &crashes, error);
    return r < 0 ? r : 1;
}

static int adopt(struct keeper *keeper, struct error *error)
{
    struct adopt_result result = {0};
    struct error own = {0};
    int r = adopt_runtime(keeper->store, &own);
    if (r < 0)
        keeper_log("cannot take over what waits in " LAYOUT_RUNTIME ": %s", own.text);
    own = (struct error){0};
    r = repair_if_damaged(keeper, adopt_all(keeper->store, keeper->config, &result, &own), &own);
    if (r == 1)
        r = adopt_all(keeper->store, keeper->config, &result, &own);
    if (r < 0) {
        *error = own;
        return r;
    }
    if (result.failed)
        keeper_log("%u of new/ could not be adopted: %s", result.failed, own.text);
    if (result.salvaged)
        keeper_log("%u crashes of dead hooks were salvaged", result.salvaged);
    return 0;
}

/* What it does is in the counts of `inquest stats`; what it cannot do is told. */
static void say_skipped(void *context, const struct retention_decision *decision)
{
    (void)context;
    if (decision->action == RETENTION_SKIP)
        keeper_log("budgets: left %s: %s", decision->path, decision->trouble);
}

static int apply_budgets(struct keeper *keeper, struct error *error)
{
    struct retention_result result;
    struct budgets budgets;
    int r = retention_budgets(keeper->config, store_writable_fd(keeper->store), &budgets, error);
    if (r < 0)
        return r;
    r = retention_run(keeper->store, &budgets, false, say_skipped, NULL, &result, error);
    r = repair_if_damaged(keeper, r, error);
    if (r == 1)
        r = retention_run(keeper->store, &budgets, false, say_skipped, NULL, &result, error);
    if (r == 0 && result.over)
        keeper_log("the store is over its budget, and all that is left is pinned or in use%s",
                   result.skipped ? ", or cannot be changed" : "");
    return r;
}

static void open_ledger(struct keeper *keeper)
{
    struct error error = {0};
    AUTO_FD int newfd = adopt_open_new(keeper->store, &error);
    if (newfd < 0 || ledger_open(newfd, geteuid(), getegid(), &keeper->ledger, &error) < 0)
        keeper_log("%s", error.text); /* without one, too, budgets are kept */
}

/* One keeper at a time: who comes meanwhile asks him to look again, and leaves it to him. */
static int keep_budgets(struct keeper *keeper, struct error *error)
{
    int r = 0;
    (void)ledger_ask(&keeper->ledger, 0);
    for (unsigned round = 0; r == 0 && round < ROUNDS_MAX; round++) {
        if (!ledger_begin_turn(&keeper->ledger))
            return 0;
        r = apply_budgets(keeper, error);
        if (!ledger_end_turn(&keeper->ledger))
            break;
    }
    return r;
}

/* ---- analysis ---- */

/* It would meet the next crash, too: this one waits for better times. */
static bool is_the_stores(int r)
{
    return r == -ENOSPC || r == -EDQUOT || r == -EBUSY;
}

/* A failure here is that of the store: one of the analysis is noted there. */
static int explain_one(struct keeper *keeper, const struct crash_row *row, struct error *error)
{
    struct analysis_options options = ANALYSIS_DEFAULTS;
    AUTO_BYTES struct bytes json = {0};
    AUTO_REPORT struct report *report = NULL;
    struct error own = {0};
    explain_options_from(keeper->settings, &options);
    store_await_record(keeper->store, row);
    int r = explain_run(keeper->store, row, &options, &json, &own);
    bool is_explained = r == 0;
    if (is_explained)
        r = explain_keep(keeper->store, row, &json, keeper->config, &report, &own);
    if (is_explained && is_the_stores(r))
        return error_set(error, -r, "%s: the report cannot be kept: %s", row->id, own.text);
    if (r == 0) {
        ledger_add(&keeper->ledger, json.size / BLOCK * BLOCK + BLOCK);
        debug_cache_note(&keeper->debug_wanted, report);
    }
    if (r < 0) {
        keeper_log("%s: cannot be explained: %s", row->id, own.text);
        int noted = explain_keep_failure(keeper->store, row, r == -ENOENT || r == -ENODATA, error);
        return noted < 0 ? noted : 0;
    }
    return 0;
}

static void notify(struct keeper *keeper, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    struct error error = {0};
    if (!keeper->settings->notify.program)
        return;
    if (query_id(keeper->store, id, &row, &error) < 0 ||
        notify_run(keeper->settings->notify.program, row, &error) < 0)
        keeper_log("%s: notification: %s", id, error.text);
}

static int explain_all(struct keeper *keeper, unsigned *ret_done, struct error *error)
{
    unsigned done = 0;
    for (;; done++) {
        AUTO_CRASH_ROW struct crash_row *row = NULL;
        int r = pending_next(&keeper->pending, keeper->store, &row, error);
        if (r <= 0) {
            *ret_done = done;
            return r;
        }
        r = explain_one(keeper, row, error);
        pending_charge(&keeper->pending, row);
        if (r < 0)
            return r;
        notify(keeper, row->id);
    }
}

/* Hooks are to hear at once of what the cache has grown by: it may be as much as they have. */
static void count_cache(struct keeper *keeper, uint64_t *bytes)
{
    uint64_t now = cache_bytes(store_writable_fd(keeper->store));
    if (now > *bytes)
        ledger_add(&keeper->ledger, now - *bytes);
    *bytes = now;
}

/* For analyses to come, which take longer without. */
static void refill_cache(struct keeper *keeper, uint64_t limit)
{
    struct error error = {0};
    uint64_t bytes = cache_bytes(store_writable_fd(keeper->store));
    if (ownership_refresh_index(store_writable_fd(keeper->store), limit, &error) < 0)
        keeper_log("the index of packages: %s", error.text);
    count_cache(keeper, &bytes);
    error = (struct error){0};
    if (debug_cache_fill(&keeper->debug_wanted, keeper->store, limit, &error) < 0)
        keeper_log("the cache of debug information: %s", error.text);
    count_cache(keeper, &bytes);
}

/* Only where the disk has room for all of it above keep_free: retention, which takes it away below,
 * and this are not to go to and fro. */
static void fill_cache(struct keeper *keeper)
{
    int fd = store_writable_fd(keeper->store);
    struct budgets budgets;
    struct statvfs fs;
    if (retention_budgets(keeper->config, fd, &budgets, NULL) < 0 || fstatvfs(fd, &fs) < 0)
        return;
    uint64_t limit = cache_limit(budgets.max_use), free = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (limit > 0 && free >= budgets.keep_free && free - budgets.keep_free >= limit)
        refill_cache(keeper, limit);
    keeper->debug_wanted.count = 0;
}

/* One worker a store: a keeper that comes while another explains leaves it to him, who looks again
 * after he has let go. */
static int analyze(struct keeper *keeper, unsigned *ret_done, struct error *error)
{
    AUTO_FD int lock = openat(store_writable_fd(keeper->store), ANALYSIS_LOCK,
                              O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LAYOUT_PRIVATE_MODE);
    if (lock < 0)
        return error_errno(error, errno, ANALYSIS_LOCK);
    unsigned done;
    int r;
    do {
        if (flock(lock, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? 0 : error_errno(error, errno, ANALYSIS_LOCK);
        cache_tidy(store_writable_fd(keeper->store));
        r = explain_all(keeper, &done, error);
        *ret_done += r < 0 ? 0 : done;
        if (r == 0 && done > 0)
            fill_cache(keeper);
        io_unlock(lock);
    } while (r == 0 && done > 0);
    return r;
}

/* ---- the program ---- */

static void say_warning(void *data, const char *file, unsigned line, const char *message)
{
    (void)data;
    keeper_log("%s:%u: %s", file, line, message);
}

static int open_store(struct keeper *keeper, struct error *error)
{
    const char *path = layout_store_path(keeper->store_option, keeper->settings->store.path);
    int r = keeper_drop_privileges(error);
    return r < 0 ? r : store_open(path, STORE_WRITE, &keeper->store, error);
}

static int work(struct keeper *keeper, struct error *error)
{
    int r = config_load(keeper->config_file, say_warning, NULL, &keeper->config);
    if (r < 0)
        return error_errno(error, -r, "configuration");
    keeper->settings = config_settings(keeper->config);
    r = open_store(keeper, error);
    if (r < 0)
        return r;
    open_ledger(keeper);
    int adopted = adopt(keeper, error);
    /* A store that cannot be pruned is still one whose crashes are explained; and one that is full
     * may have room for what is new afterwards. */
    struct error later = {0};
    if (keep_budgets(keeper, &later) < 0)
        keeper_log("budgets: %s", later.text);
    if (adopted == -ENOSPC || adopted == -EDQUOT)
        adopted = adopt(keeper, error);
    if (adopted < 0)
        return adopted;
    keeper_be_modest(KEEPER_NICENESS);
    unsigned explained = 0;
    int analyzed = 0;
    if (!keeper->no_analysis && keeper->settings->analyze.automatic)
        analyzed = analyze(keeper, &explained, error);
    /* Now it is known which of them are repeats, and reports take room, too. */
    if (explained > 0 && keep_budgets(keeper, &later) < 0)
        keeper_log("budgets: %s", later.text);
    (void)store_look_at_views(keeper->store, NULL); /* without it, readers look for themselves */
    return analyzed;
}

int main(int argc, char **argv)
{
    struct keeper keeper = {.ledger = LEDGER_NONE};
    struct error error = {0};
    if (keeper_make_fds_safe() < 0)
        return EXIT_FAILURE;
    int r = parse_arguments(argc, argv, &keeper);
    if (r != 0) {
        if (r < 0)
            fputs(usage, stderr);
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    }
    keeper_log_open(keeper.foreground);
    r = work(&keeper, &error);
    if (r < 0)
        keeper_log("%s", error.text);
    ledger_close(&keeper.ledger);
    store_free(keeper.store);
    config_free(keeper.config);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
