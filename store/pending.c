/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pending.c - whose crash is explained next. */
#include "store/pending.h"

#include <errno.h>
#include <stdio.h>

#include "store/base/clock.h"
#include "store/index.h"

/* As the index crash_waiting has it. */
static int64_t user_of(const struct crash_row *row)
{
    return row->account != CRASH_ABSENT ? row->account : -1;
}

static uint64_t spent_by(const struct pending *pending, int64_t user)
{
    for (size_t i = 0; i < ARRAY_SIZE(pending->users); i++)
        if (pending->users[i].spent > 0 && pending->users[i].user == user)
            return pending->users[i].spent;
    return 0;
}

/* The next user behind `after` who has a crash waiting; around the end, from the first one on. */
static int next_user(struct database *database, int64_t after, int64_t *ret, struct error *error)
{
    int r = database_get(database, error, ret,
                         "SELECT ifnull(account, -1) FROM crash"
                         " INDEXED BY crash_waiting WHERE analysis = 0"
                         " AND ifnull(account, -1) > ?1"
                         " ORDER BY ifnull(account, -1) LIMIT 1",
                         "n", after);
    return r == -ENOENT && after > INT64_MIN ? next_user(database, INT64_MIN, ret, error) : r;
}

static int choose_user(struct pending *pending, struct database *database, int64_t *ret,
                       struct error *error)
{
    int64_t user = pending->last, first = 0;
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < PENDING_USERS && least > 0; i++) {
        int r = next_user(database, user, &user, error);
        if (r < 0)
            return r;
        if (i == 0)
            first = user;
        else if (user == first)
            break;
        uint64_t spent = spent_by(pending, user);
        if (spent < least) {
            least = spent;
            *ret = user;
        }
    }
    pending->last = user;
    return 0;
}

static int newest_of(struct store *store, int64_t user, struct crash_row **ret, struct error *error)
{
    struct index *index = store_writable_index(store);
    char id[LAYOUT_ID_SIZE] = "";
    sqlite3_stmt *statement;
    int r = database_prepare(index_database(index),
                             "SELECT id FROM crash INDEXED BY crash_waiting WHERE analysis = 0"
                             " AND ifnull(account, -1) = ?1"
                             " ORDER BY time DESC LIMIT 1",
                             &statement, error, "n", user);
    if (r < 0)
        return r;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        snprintf(id, sizeof id, "%s", (const char *)sqlite3_column_text(statement, 0) ?: "");
    else if (code != SQLITE_DONE)
        r = database_error(index_database(index), error, "index");
    sqlite3_reset(statement);
    if (r < 0 || code == SQLITE_DONE)
        return r;
    r = index_find(index, id, ret, error);
    if (r == 0)
        (*ret)->source = store_writable_source(store);
    return r < 0 ? r : 1;
}

static int find_next(struct pending *pending, struct store *store, struct crash_row **ret,
                     struct error *error)
{
    int64_t user = 0;
    int r = choose_user(pending, index_database(store_writable_index(store)), &user, error);
    if (r == 0)
        r = newest_of(store, user, ret, error);
    return r == -ENOENT ? 0 : r;
}

int pending_next(struct pending *pending, struct store *store, struct crash_row **ret,
                 struct error *error)
{
    int r = store_lock(store, error);
    if (r < 0)
        return r;
    r = find_next(pending, store, ret, error);
    store_unlock(store);
    pending->begun_us = clock_now_us();
    return r;
}

void pending_charge(struct pending *pending, const struct crash_row *row)
{
    uint64_t spent = clock_now_us() - pending->begun_us + 1;
    int64_t user = user_of(row);
    size_t least = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pending->users); i++) {
        if (pending->users[i].spent > 0 && pending->users[i].user == user) {
            pending->users[i].spent += spent;
            return;
        }
        if (pending->users[i].spent < pending->users[least].spent)
            least = i;
    }
    pending->users[least].user = user;
    pending->users[least].spent = spent;
}
