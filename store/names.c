/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names.c - the index's tables that give a text a number. */
#include "store/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 16384, /* a power of two */
    FILL_MAX = SLOTS / 2,
};

const struct names_kind names_of_texts = {
    .find = "SELECT seq FROM text WHERE value = ?1",
    .insert = "INSERT INTO text (value) VALUES (?1)",
    .get = "SELECT value FROM text WHERE seq = ?1",
    .binding = "b",
};

const struct names_kind names_of_signatures = {
    .find = "SELECT seq FROM signature WHERE name = ?1",
    .insert = "INSERT INTO signature (name) VALUES (?1)",
    .get = "SELECT name FROM signature WHERE seq = ?1",
    .binding = "t",
};

const struct names_kind names_of_stacks = {
    .find = "SELECT seq FROM stack WHERE name = ?1",
    .insert = "INSERT INTO stack (name) VALUES (?1)",
    .get = "SELECT name FROM stack WHERE seq = ?1",
    .binding = "t",
};

struct slot {
    int64_t seq;
    char *text; /* NULL: free */
};

struct names {
    struct database *database;
    const struct names_kind *kind;
    struct slot *slots; /* open addressing */
    size_t used;
};

struct names *names_new(struct database *database, const struct names_kind *kind)
{
    struct names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    *names = (struct names){.database = database, .kind = kind};
    return names;
}

void names_forget(struct names *names)
{
    for (size_t i = 0; names->slots && i < SLOTS; i++)
        free(names->slots[i].text);
    free(names->slots);
    names->slots = NULL;
    names->used = 0;
}

void names_trim(struct names *names)
{
    if (names->used >= FILL_MAX)
        names_forget(names);
}

void names_free(struct names *names)
{
    if (!names)
        return;
    names_forget(names);
    free(names);
}

int names_find(struct names *names, const char *text, int64_t *ret, struct error *error)
{
    return database_get(names->database, error, ret, names->kind->find, names->kind->binding, text);
}

int names_add(struct names *names, const char *text, int64_t *ret, struct error *error)
{
    if (!text) {
        *ret = INT64_MIN;
        return 0;
    }
    int r = names_find(names, text, ret, error);
    if (r != -ENOENT)
        return r;
    r = database_run(names->database, error, names->kind->insert, names->kind->binding, text);
    if (r == 0)
        *ret = sqlite3_last_insert_rowid(database_handle(names->database));
    return r;
}

static struct slot *slot_for(struct names *names, int64_t seq)
{
    size_t at = (size_t)((uint64_t)seq * 0x9E3779B97F4A7C15u >> 40) % SLOTS;
    while (names->slots[at].text && names->slots[at].seq != seq)
        at = (at + 1) % SLOTS;
    return &names->slots[at];
}

static char *read_text(struct names *names, int64_t seq)
{
    sqlite3_stmt *statement;
    if (database_prepare(names->database, names->kind->get, &statement, NULL, "n", seq) < 0)
        return NULL;
    char *text = NULL;
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const void *value = sqlite3_column_blob(statement, 0);
        text = strndup(value ?: "", (size_t)sqlite3_column_bytes(statement, 0));
    }
    sqlite3_reset(statement);
    return text;
}

const char *names_get(struct names *names, int64_t seq)
{
    if (seq == INT64_MIN)
        return NULL;
    if (!names->slots && !(names->slots = calloc(SLOTS, sizeof *names->slots)))
        return NULL;
    struct slot *slot = slot_for(names, seq);
    if (slot->text)
        return slot->text;
    /* Beyond this, lookups that are not remembered would leak, and the table could fill up. */
    if (names->used >= SLOTS - 64)
        return NULL;
    char *text = read_text(names, seq);
    if (text) {
        *slot = (struct slot){.seq = seq, .text = text};
        names->used++;
    }
    return text;
}
