/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retention.c - keeps the store within its budgets. */
#include "store/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/cache_files.h"
#include "store/index.h"
#include "store/layout.h"
#include "store/ledger.h"
#include "store/module_store.h"
#include "store/prune.h"
#include "store/usage.h"
#include "store/when.h"

enum {
    BATCH = 32,         /* decisions a transaction */
    SKIPPED_MAX = 1024, /* more than so many are no odd files, but a disk or a store that is ill */
};

/* Crashes that a run could do nothing to, by the number of their rows: it goes on without them. */
struct skipped {
    int64_t seq[SKIPPED_MAX];
    size_t n;
};

struct work {
    struct store *store;
    struct index *index;
    const struct budgets *budgets;
    bool dry_run;
    retention_function *function;
    void *context;
    struct retention_result result;
    uint64_t overhead;  /* bytes of index and modules */
    uint64_t unadopted; /* bytes in new/ */
    uint64_t parts;     /* of these, in .part files */
    uint64_t coming;    /* what new/ has or will have, and what hooks ask for */
    struct ledger ledger;
    struct ledger_survey survey;
    uint64_t free;     /* on the disk, with what was or would be freed since it was asked */
    bool is_fresh;     /* no first was taken since it was measured again */
    unsigned in_batch; /* decisions since the last commit */
    /* A record that cannot be read, and so not be pruned, can be removed. */
    struct skipped skipped[RETENTION_REMOVE + 1];
};

int retention_budgets(const struct config *config, int storefd, struct budgets *ret,
                      struct error *error)
{
    const struct config_settings *settings = config_settings(config);
    struct statvfs fs;
    if (fstatvfs(storefd, &fs) < 0)
        return error_errno(error, errno, "cannot tell the size of the store's filesystem");
    uint64_t whole = (uint64_t)fs.f_blocks * fs.f_frsize;
    *ret = (struct budgets){
        .max_use = config_budget_of(settings->store.max_use, whole),
        .keep_free = config_budget_of(settings->store.keep_free, whole),
        .core_age_us = settings->store.core_age,
        .report_age_us = settings->store.report_age,
        .config = config,
    };
    return 0;
}

/* ---- what is used ---- */

static int crash_bytes(struct work *work, uint64_t *ret, struct error *error)
{
    int64_t bytes;
    int r = database_get(index_database(work->index), error, &bytes,
                         "SELECT ifnull(sum(bytes), 0) FROM usage", "");
    *ret = r < 0 || bytes < 0 ? 0 : (uint64_t)bytes;
    return r;
}

static void open_ledger(struct work *work)
{
    AUTO_FD int newfd = openat(store_writable_fd(work->store), LAYOUT_NEW,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    work->ledger = LEDGER_NONE;
    if (newfd >= 0 && !work->dry_run) /* without one, hooks write what they like */
        (void)ledger_open(newfd, geteuid(), getegid(), &work->ledger, NULL);
}

/* What is used without the files of running hooks, which are in the ledger already. */
static uint64_t used_for_ledger(const struct work *work)
{
    uint64_t parts = work->parts < work->survey.taken ? work->parts : work->survey.taken;
    return work->result.used > parts ? work->result.used - parts : 0;
}

static int measure(struct work *work, struct error *error)
{
    struct usage usage;
    struct statvfs fs;
    int fd = store_writable_fd(work->store);
    ledger_begin_count(&work->ledger, &work->survey);
    int r = usage_recent(work->index, fd, &usage, error);
    if (r < 0)
        return r;
    if (fstatvfs(fd, &fs) < 0)
        return error_errno(error, errno, "cannot tell what is free on the store's filesystem");
    work->overhead = usage.modules + usage.index;
    work->unadopted = usage.unadopted;
    work->parts = usage.being_written;
    uint64_t parts = work->parts > work->survey.taken ? work->parts : work->survey.taken;
    uint64_t whole = work->unadopted > work->parts ? work->unadopted - work->parts : 0;
    work->coming = whole + parts + work->survey.wanted;
    work->free = (uint64_t)fs.f_bavail * fs.f_frsize;
    return 0;
}

/* What max_use leaves for crashes. */
static uint64_t allowance(const struct work *work)
{
    uint64_t max_use = work->budgets->max_use;
    return max_use > work->overhead ? max_use - work->overhead : 0;
}

enum excess {
    EXCESS_NONE,
    EXCESS_DISK, /* less than keep_free */
    EXCESS_NEW,  /* more than max_use once what is being written is there */
    EXCESS_USE,  /* more than max_use */
};

/*
 * What is being written counts for half of the allowance at most: a core that will not fit must not
 * drive out all the others first. And where the index alone is over the budget, no crash helps.
 */
static int find_excess(struct work *work, enum excess *ret, struct error *error)
{
    uint64_t bytes, allowed = allowance(work);
    int r = crash_bytes(work, &bytes, error);
    if (r < 0)
        return r;
    uint64_t coming = work->coming < allowed / 2 ? work->coming : allowed / 2;
    work->result.used = bytes + work->overhead + work->unadopted;
    *ret = bytes > allowed                         ? allowed ? EXCESS_USE : EXCESS_NEW
           : bytes + coming > allowed              ? EXCESS_NEW
           : work->free < work->budgets->keep_free ? EXCESS_DISK
                                                   : EXCESS_NONE;
    return 0;
}

/* ---- doing it ---- */

static int next_batch(struct work *work, struct error *error)
{
    if (work->dry_run || ++work->in_batch < BATCH)
        return 0;
    work->in_batch = 0;
    int r = index_commit(work->index, error);
    return r < 0 ? r : index_begin(work->index, error);
}

static void tell(struct work *work, const struct retention_decision *decision)
{
    work->result.freed += decision->bytes;
    work->free += decision->bytes;
    if (work->function)
        work->function(work->context, decision);
}

static void lower_overhead(struct work *work, uint64_t bytes)
{
    work->overhead -= bytes < work->overhead ? bytes : work->overhead;
}

static uint64_t blocks(int64_t size)
{
    return size <= 0 ? 0 : ((uint64_t)size + 4095) / 4096 * 4096;
}

static bool is_skipped(const struct skipped *skipped, int64_t seq)
{
    size_t i = 0;
    while (i < skipped->n && skipped->seq[i] != seq)
        i++;
    return i < skipped->n;
}

/* One file's trouble is told, and the others get their turn; trouble that all have ends the run. */
static int skip(struct work *work, enum retention_action action, const struct crash_row *row,
                const char *path, int r, struct error *error)
{
    struct skipped *skipped = &work->skipped[action];
    if (r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EROFS || skipped->n == SKIPPED_MAX)
        return r;
    skipped->seq[skipped->n++] = row->seq;
    tell(work, &(struct retention_decision){
                   .action = RETENTION_SKIP, .row = row, .path = path, .trouble = error->text});
    work->result.skipped++;
    *error = (struct error){0};
    return 0;
}

static int prune(struct work *work, const struct crash_row *row,
                 const struct retention_reason *reason, struct error *error)
{
    struct pruned pruned;
    char path[LAYOUT_PATH_SIZE];
    layout_crash_path(path, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    int r = work->dry_run ? prune_estimate(work->store, row, &pruned, error)
                          : prune_core(work->store, row, &pruned, error);
    if (r < 0)
        return skip(work, RETENTION_PRUNE, row, path, r, error);
    r = index_set_stored(work->index, row->seq, pruned.state, false, pruned.stored_size, error);
    if (r < 0)
        return r;
    uint64_t freed = blocks(row->stored_size) - blocks(pruned.stored_size);
    tell(work, &(struct retention_decision){.action = RETENTION_PRUNE,
                                            .row = row,
                                            .path = path,
                                            .reason = *reason,
                                            .bytes = freed});
    work->result.pruned++;
    return next_batch(work, error);
}

static int remove_crash(struct work *work, const struct crash_row *row,
                        const struct retention_reason *reason, struct error *error)
{
    char path[LAYOUT_PATH_SIZE];
    uint64_t kept = work->dry_run ? store_kept_bytes(work->store, row) : 0;
    layout_crash_path(path, row->owner, row->id, LAYOUT_RECORD_SUFFIX);
    int r = work->dry_run ? 0 : store_remove_files(work->store, row, &kept, error);
    if (r < 0)
        return skip(work, RETENTION_REMOVE, row, path, r, error);
    r = index_remove(work->index, row->seq, error);
    if (r == 0 && kept > 0 && !work->dry_run)
        r = usage_forget(work->index, error);
    if (r < 0)
        return r;
    lower_overhead(work, kept);
    tell(work, &(struct retention_decision){.action = RETENTION_REMOVE,
                                            .row = row,
                                            .path = path,
                                            .reason = *reason,
                                            .bytes = blocks(row->stored_size) +
                                                     blocks(row->report_size) + kept});
    work->result.removed++;
    return next_batch(work, error);
}

/* 0 as well where it could not be done, and others are to be looked at. */
static int apply(struct work *work, enum retention_action action, const struct crash_row *row,
                 const struct retention_reason *reason, struct error *error)
{
    struct crash_row own = *row;
    own.source = store_writable_source(work->store);
    if (!work->dry_run)
        store_await_record(work->store, &own);
    return action == RETENTION_PRUNE ? prune(work, &own, reason, error)
                                     : remove_crash(work, &own, reason, error);
}

/* ---- choosing ---- */

/* The first row, of those that are not skipped, of a statement that names the columns of
 * index_row(). *ret is NULL before. 1: there is one. */
static int take_row(struct work *work, sqlite3_stmt *statement, enum retention_action action,
                    struct crash_row **ret, struct error *error)
{
    const struct skipped *skipped = &work->skipped[action];
    int code, r = 0;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW &&
           is_skipped(skipped, sqlite3_column_int64(statement, 0)))
        ;
    if (code == SQLITE_ROW)
        r = index_row(work->index, statement, CRASH_FIELDS_ALL, ret, error);
    else if (code != SQLITE_DONE)
        r = database_error(index_database(work->index), error, "index");
    sqlite3_reset(statement);
    return r < 0 ? r : *ret != NULL;
}

static const char oldest_core[] =
    "SELECT " INDEX_ROW_COLUMNS " FROM crash INDEXED BY crash_core_age"
    " WHERE content = 1 AND pinned = 0 AND rule IS ?2 AND time < ?1"
    " ORDER BY time";
static const char oldest_crash[] = "SELECT " INDEX_ROW_COLUMNS " FROM crash INDEXED BY crash_rule"
                                   " WHERE pinned = 0 AND rule IS ?2 AND time < ?1 ORDER BY time";
static const char largest_core[] =
    "SELECT " INDEX_ROW_COLUMNS " FROM crash INDEXED BY crash_core_size"
    " WHERE content = 1 AND pinned = 0 AND stored_size > ?1 AND ?2 IS NULL"
    " ORDER BY stored_size DESC";
static const char users_core[] =
    "SELECT " INDEX_ROW_COLUMNS " FROM crash INDEXED BY crash_core"
    " WHERE content = 1 AND pinned = 0 AND account IS ?1 AND repeat = ?2"
    " ORDER BY time";
static const char users_crash[] = "SELECT " INDEX_ROW_COLUMNS " FROM crash INDEXED BY crash_victim"
                                  " WHERE pinned = 0 AND account IS ?1 AND repeat = ?2"
                                  " ORDER BY time";

/* All that a statement finds, one after the other. */
static int apply_while(struct work *work, const char *sql, int64_t limit, int64_t rule,
                       enum retention_action action, const struct retention_reason *reason,
                       struct error *error)
{
    for (;;) {
        AUTO_CRASH_ROW struct crash_row *row = NULL;
        sqlite3_stmt *statement;
        int r = database_prepare(index_database(work->index), sql, &statement, error, "ni", limit,
                                 rule);
        if (r == 0)
            r = take_row(work, statement, action, &row, error);
        if (r < 0 || !row)
            return r;
        r = apply(work, action, row, reason, error);
        if (r < 0)
            return r;
    }
}

static int apply_age(struct work *work, enum retention_budget budget, uint64_t age, bool by_rule,
                     int64_t rule, struct error *error)
{
    const struct retention_reason reason = {.budget = budget, .limit = age, .by_rule = by_rule};
    bool is_core = budget == RETENTION_CORE_AGE;
    int64_t now = when_now();
    return age > (uint64_t)now
               ? 0
               : apply_while(work, is_core ? oldest_core : oldest_crash, now - (int64_t)age, rule,
                             is_core ? RETENTION_PRUNE : RETENTION_REMOVE, &reason, error);
}

/* The ages of crashes under one rule (CRASH_ABSENT: under none). */
static int apply_ages(struct work *work, int64_t rule, struct error *error)
{
    const struct budgets *budgets = work->budgets;
    uint64_t core_age = budgets->core_age_us, report_age = budgets->report_age_us;
    const char *name = rule == CRASH_ABSENT ? NULL : index_text(work->index, rule);
    if (budgets->config && name) {
        const struct config_settings *settings = config_under_rule(budgets->config, name);
        core_age = settings->store.core_age;
        report_age = settings->store.report_age;
    }
    int r = apply_age(work, RETENTION_CORE_AGE, core_age, core_age != budgets->core_age_us, rule,
                      error);
    return r < 0 ? r
                 : apply_age(work, RETENTION_REPORT_AGE, report_age,
                             report_age != budgets->report_age_us, rule, error);
}

/* Rules are the configuration's, so there are few. */
static int apply_all_ages(struct work *work, struct error *error)
{
    int64_t rule = CRASH_ABSENT;
    int r = apply_ages(work, rule, error);
    while (r == 0) {
        r = database_get(index_database(work->index), error, &rule,
                         "SELECT rule FROM crash INDEXED BY crash_rule"
                         " WHERE pinned = 0 AND rule > ?1 ORDER BY rule LIMIT 1",
                         "n", rule);
        if (r == 0)
            r = apply_ages(work, rule, error);
    }
    return r == -ENOENT ? 0 : r;
}

/* A core that is larger than all that crashes may use goes before it drives out the others. */
static int apply_largest(struct work *work, struct error *error)
{
    const struct retention_reason reason = {
        .budget = RETENTION_MAX_USE, .limit = work->budgets->max_use, .allowed = allowance(work)};
    return reason.allowed > INT64_MAX || reason.allowed == 0
               ? 0
               : apply_while(work, largest_core, (int64_t)reason.allowed, CRASH_ABSENT,
                             RETENTION_PRUNE, &reason, error);
}

struct step {
    enum retention_action action;
    bool only_over_share; /* of users who use more than their equal share */
    int64_t repeat;
};

enum { STEP_FIRSTS = 2 }; /* from there on, it is not only repeats that go */

static const struct step steps[] = {
    {RETENTION_PRUNE, true, 1},  {RETENTION_PRUNE, false, 1},  {RETENTION_PRUNE, true, 0},
    {RETENTION_PRUNE, false, 0}, {RETENTION_REMOVE, true, 1},  {RETENTION_REMOVE, false, 1},
    {RETENTION_REMOVE, true, 0}, {RETENTION_REMOVE, false, 0},
};

/* The equal share of each user who has crashes, of what crashes may use at all. */
static int equal_share(struct work *work, int64_t *ret, struct error *error)
{
    int64_t users;
    uint64_t bytes = 0;
    int r =
        database_get(index_database(work->index), error, &users, "SELECT count(*) FROM usage", "");
    if (r == 0)
        r = crash_bytes(work, &bytes, error);
    if (r < 0)
        return r;
    uint64_t allowed = allowance(work);
    *ret = users > 0 ? (int64_t)((bytes < allowed ? bytes : allowed) / (uint64_t)users) : 0;
    return 0;
}

/* The next user by bytes, from the most on, behind those seen; INT64_MIN bytes ends. */
static int next_user(struct work *work, int64_t *bytes, int64_t *account, int64_t least,
                     struct error *error)
{
    sqlite3_stmt *statement;
    struct database *database = index_database(work->index);
    int r = database_prepare(database,
                             "SELECT bytes, account FROM usage WHERE bytes > ?3"
                             " AND bytes <= ?1 AND (bytes < ?1 OR account > ?2)"
                             " ORDER BY bytes DESC, account LIMIT 1",
                             &statement, error, "nnn", *bytes, *account, least);
    if (r < 0)
        return r;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *bytes = sqlite3_column_int64(statement, 0);
        *account = sqlite3_column_int64(statement, 1);
    } else if (code != SQLITE_DONE) {
        r = database_error(database, error, "index");
    }
    sqlite3_reset(statement);
    return r < 0 ? r : code == SQLITE_ROW;
}

/* 1: one crash of this step gave way, or was skipped. */
static int take_step(struct work *work, const struct step *step, enum excess excess,
                     struct error *error)
{
    int64_t bytes = INT64_MAX, account = INT64_MIN, least = INT64_MIN;
    int r = step->only_over_share ? equal_share(work, &least, error) : 0;
    while (r == 0 && (r = next_user(work, &bytes, &account, least, error)) == 1) {
        AUTO_CRASH_ROW struct crash_row *row = NULL;
        sqlite3_stmt *statement;
        r = database_prepare(index_database(work->index),
                             step->action == RETENTION_PRUNE ? users_core : users_crash, &statement,
                             error, "in", account < 0 ? CRASH_ABSENT : account, step->repeat);
        if (r == 0)
            r = take_row(work, statement, step->action, &row, error);
        if (r < 0)
            return r;
        if (row) {
            const struct retention_reason reason = {
                .budget = excess == EXCESS_DISK ? RETENTION_KEEP_FREE : RETENTION_MAX_USE,
                .limit = excess == EXCESS_DISK ? work->budgets->keep_free : work->budgets->max_use,
                .has_user = true,
                .user_bytes = bytes > 0 ? (uint64_t)bytes : 0,
                .share = least > 0 ? (uint64_t)least : 0};
            r = apply(work, step->action, row, &reason, error);
            return r < 0 ? r : 1;
        }
    }
    return r;
}

/* What makes room. 1: done; 0: there is no excess, or nothing that helps against it. */
static int take_next(struct work *work, size_t *at, struct error *error)
{
    for (; *at < ARRAY_SIZE(steps); (*at)++) {
        enum excess excess;
        int r = find_excess(work, &excess, error);
        if (r < 0 || excess == EXCESS_NONE)
            return r;
        if (excess != EXCESS_USE && steps[*at].action == RETENTION_REMOVE)
            break;
        if (*at >= STEP_FIRSTS && !work->is_fresh && !work->dry_run) {
            /* Meanwhile others have adopted what was coming, and there may be new repeats. A dry
             * run would find all there that it has only counted as gone. */
            work->is_fresh = true;
            r = measure(work, error);
            return r < 0 ? r : (*at = 0, 1);
        }
        r = take_step(work, &steps[*at], excess, error);
        if (r == 1)
            work->is_fresh = *at < STEP_FIRSTS && work->is_fresh;
        if (r != 0)
            return r;
    }
    work->result.over = true;
    return 0;
}

static int apply_size(struct work *work, struct error *error)
{
    size_t at = 0;
    int r;
    /* Shares change with what is given, so a step that has nothing left may have again; among
     * repeats and among firsts, only what comes later in the list is ever taken then. */
    while ((r = take_next(work, &at, error)) == 1)
        ;
    return r;
}

static void tell_module(void *context, const char *path, uint64_t bytes)
{
    struct work *work = context;
    tell(work,
         &(struct retention_decision){.action = RETENTION_MODULE, .path = path, .bytes = bytes});
    lower_overhead(work, bytes);
    work->result.modules++;
}

static int apply_modules(struct work *work, struct error *error)
{
    return module_store_expire(work->index, store_writable_fd(work->store), work->dry_run,
                               tell_module, work, error);
}

/* Crashes make room for what stays there. */
static void skip_cache(struct work *work, int r)
{
    tell(work, &(struct retention_decision){
                   .action = RETENTION_SKIP, .path = LAYOUT_CACHE, .trouble = strerrordesc_np(-r)});
    work->result.skipped++;
}

/* What can be made anew goes before what cannot. */
static void apply_cache(struct work *work)
{
    const struct budgets *budgets = work->budgets;
    bool disk_is_full = work->free < budgets->keep_free;
    uint64_t bytes, limit = disk_is_full ? 0 : cache_limit(budgets->max_use);
    int r = cache_expire(store_writable_fd(work->store), limit, work->dry_run, &bytes);
    if (r < 0)
        skip_cache(work, r);
    if (bytes == 0)
        return;
    lower_overhead(work, bytes);
    tell(work, &(struct retention_decision){
                   .action = RETENTION_CACHE,
                   .path = LAYOUT_CACHE,
                   .reason = {.budget = disk_is_full ? RETENTION_KEEP_FREE : RETENTION_MAX_USE,
                              .limit = disk_is_full ? budgets->keep_free : budgets->max_use,
                              .allowed = limit},
                   .bytes = bytes});
}

static int apply_all(struct work *work, struct error *error)
{
    int r = apply_all_ages(work, error);
    if (r == 0)
        r = apply_modules(work, error);
    if (r < 0)
        return r;
    apply_cache(work);
    r = apply_largest(work, error);
    return r < 0 ? r : apply_size(work, error);
}

static int note_run(struct work *work, struct error *error)
{
    const struct retention_result *result = &work->result;
    int r = index_add_meta(work->index, INDEX_PRUNED, (int64_t)result->pruned, error);
    if (r == 0)
        r = index_add_meta(work->index, INDEX_REMOVED, (int64_t)result->removed, error);
    if (r == 0)
        r = index_add_meta(work->index, INDEX_FREED, (int64_t)result->freed, error);
    if (r == 0)
        r = index_set_meta(work->index, INDEX_RETENTION, when_now(), error);
    return r;
}

static int run(struct work *work, struct error *error)
{
    open_ledger(work);
    int r = index_begin(work->index, error);
    if (r < 0)
        return r;
    r = measure(work, error);
    if (r == 0)
        r = apply_all(work, error);
    if (work->dry_run) {
        index_rollback(work->index);
        return r;
    }
    if (r == 0 && work->result.freed > 0)
        r = note_run(work, error);
    /* What was done to the files stays done, so the index hears of it whatever failed later. */
    int committed = index_commit(work->index, r < 0 ? NULL : error);
    if (r == 0 && committed == 0)
        r = index_tidy(work->index, error);
    return r < 0 ? r : committed;
}

int retention_run(struct store *store, const struct budgets *budgets, bool dry_run,
                  retention_function *function, void *context, struct retention_result *ret,
                  struct error *error)
{
    struct work work = {.store = store,
                        .budgets = budgets,
                        .dry_run = dry_run,
                        .function = function,
                        .context = context,
                        .ledger = LEDGER_NONE};
    struct error own = {0};
    error = error ?: &own; /* what skip() tells is in there */
    int r = store_lock(store, error);
    if (r < 0)
        return r;
    work.index = store_writable_index(store);
    r = run(&work, error);
    if (r == 0)
        ledger_end_count(&work.ledger, &work.survey, used_for_ledger(&work));
    ledger_close(&work.ledger);
    if (!dry_run && work.result.freed > 0)
        (void)store_sync_views(store, NULL); /* what failed is made good by the next one */
    store_unlock(store);
    if (r == 0)
        *ret = work.result;
    return r;
}
