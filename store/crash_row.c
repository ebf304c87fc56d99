/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash_row.c - one crash as lists show it. */
#include "store/crash_row.h"

#include <stdlib.h>
#include <string.h>

#include "store/access.h"
#include "store/keys.h"
#include "store/metadata.h"

struct crash_row *crash_row_copy(const struct crash_row *from)
{
    size_t sizes[CRASH_TEXTS], size = sizeof *from;
    for (int i = 0; i < CRASH_TEXTS; i++) {
        sizes[i] = from->text[i] ? strlen(from->text[i]) + 1 : 0;
        size += sizes[i];
    }
    struct crash_row *row = malloc(size);
    if (!row)
        return NULL;
    *row = *from;
    char *next = (char *)(row + 1);
    for (int i = 0; i < CRASH_TEXTS; i++)
        if (from->text[i]) {
            row->text[i] = memcpy(next, from->text[i], sizes[i]);
            next += sizes[i];
        }
    return row;
}

void crash_row_free(struct crash_row *row)
{
    free(row);
}

static int64_t fact_number(const struct metadata *facts, const char *key)
{
    int64_t number;
    return metadata_i64(facts, key, &number) == 0 ? number : CRASH_ABSENT;
}

/*
 * Numbers that are summed or reckoned with are what a record from elsewhere says: what no honest
 * one has is the most that one could, so that no sum of them, and no difference, runs over.
 */
static const int64_t core_size_max = INT64_C(1) << 48; /* of addresses, with room to spare */
static const int64_t count_max = UINT32_MAX;
static const int64_t time_max = INT64_C(253402300799999999); /* the end of the year 9999 */

static int64_t bounded_number(const struct metadata *facts, const char *key, int64_t max)
{
    int64_t number = fact_number(facts, key);
    if (number == CRASH_ABSENT)
        return number;
    return number < 0 ? 0 : number > max ? max : number;
}

static const char *last_component(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash && slash[1] ? slash + 1 : path;
}

/* An empty text says as little as an absent one. */
static const char *fact_text(const struct metadata *facts, const char *key)
{
    const char *text = metadata_text(facts, key);
    return text && *text ? text : NULL;
}

static void fill_texts(const struct metadata *facts, const char *text[CRASH_TEXTS])
{
    static const char *const keys[CRASH_TEXTS] = {
        [CRASH_USER] = KEY_USER,         [CRASH_COMM] = KEY_COMM,           [CRASH_EXE] = KEY_EXE,
        [CRASH_HOSTNAME] = KEY_HOSTNAME, [CRASH_CONTAINER] = KEY_CONTAINER, [CRASH_UNIT] = KEY_UNIT,
        [CRASH_PACKAGE] = KEY_PACKAGE,   [CRASH_REASON] = KEY_REASON,       [CRASH_RULE] = KEY_RULE,
    };
    for (int i = 0; i < CRASH_TEXTS; i++)
        text[i] = keys[i] ? fact_text(facts, keys[i]) : NULL;
    if (!text[CRASH_EXE])
        text[CRASH_EXE] = fact_text(facts, KEY_EXE_NAME);
    if (!text[CRASH_UNIT])
        text[CRASH_UNIT] = fact_text(facts, KEY_USER_UNIT);
    if (!text[CRASH_CONTAINER])
        text[CRASH_CONTAINER] = fact_text(facts, KEY_CONTAINER_NAME);
    text[CRASH_NAME] = last_component(text[CRASH_EXE]);
}

static void fill_numbers(const struct metadata *facts, struct crash_row *row)
{
    row->pid = fact_number(facts, KEY_PID);
    row->ns_pid = fact_number(facts, KEY_NS_PID);
    row->tid = fact_number(facts, KEY_TID);
    row->uid = fact_number(facts, KEY_UID);
    row->gid = fact_number(facts, KEY_GID);
    row->account = fact_number(facts, KEY_ACCOUNT);
    if (row->account < 0) /* absent, or no uid */
        row->account = row->uid;
    row->signal = fact_number(facts, KEY_SIGNAL);
    row->si_code = fact_number(facts, KEY_SI_CODE);
    row->core_size = bounded_number(facts, KEY_CORE_SIZE, core_size_max);
    int64_t count = bounded_number(facts, KEY_COUNT, count_max);
    row->count = count > 1 ? (uint64_t)count : 1;
    int64_t time_us = bounded_number(facts, KEY_TIME, time_max);
    row->time_us = time_us == CRASH_ABSENT ? 0 : time_us;
}

/* Facts or a count alone have no stack to explain. */
static bool is_hopeless(enum record_state state)
{
    return state == RECORD_FACTS || state == RECORD_COUNTED;
}

void crash_row_from_record(const char *id, const struct record *record, struct crash_row *ret)
{
    const struct metadata *facts = record_metadata(record);
    struct crash_row row = {.core = record_state(record)};

    strncpy(row.id, id, sizeof row.id - 1);
    fill_numbers(facts, &row);
    fill_texts(facts, row.text);
    row.stored_size = (int64_t)record_file_size(record);
    row.has_content = record_content_size(record) > 0;
    row.analysis = is_hopeless(row.core) ? CRASH_HOPELESS : CRASH_PENDING;

    struct access access;
    access_of(facts, &access);
    row.owner = access.owner;
    row.is_private = access.is_private;
    row.access_uid = access.has_reader ? (int64_t)access.reader : CRASH_ABSENT;
    *ret = row;
}
