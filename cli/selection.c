/* SPDX-License-Identifier: GPL-2.0-or-later */
/* selection.c - which crashes a verb is about. */
#include "cli/selection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/cleanup.h"
#include "store/config.h"
#include "store/when.h"

static int parse_time(const char *value, int64_t *ret, struct error *error)
{
    if (when_parse(value, when_now(), ret) < 0)
        return error_set(error, EINVAL,
                         "'%s' is no time (try \"2026-11-22 13:00\", -1h, yesterday)", value);
    return 0;
}

int selection_parse_since(const char *value, void *settings, struct error *error)
{
    struct selection_settings *selection = settings;
    selection->has_since = true;
    return parse_time(value, &selection->since_us, error);
}

int selection_parse_until(const char *value, void *settings, struct error *error)
{
    struct selection_settings *selection = settings;
    selection->has_until = true;
    return parse_time(value, &selection->until_us, error);
}

bool selection_narrows(const struct selection_settings *settings)
{
    return settings->has_since || settings->has_until || settings->functions.count > 0;
}

uint64_t selection_limit(const struct selection_settings *settings, uint64_t otherwise)
{
    if (settings->one)
        return 1;
    return settings->limit ?: otherwise;
}

int selection_open_store(const struct call *call, enum store_rights rights, struct store **ret,
                         struct error *error)
{
    AUTO_CONFIG struct config *config = NULL;
    bool named = call->globals.store || getenv("INQUEST_STORE");

    if (!named && config_load(NULL, NULL, NULL, &config) < 0)
        return error_set(error, ENOMEM, "out of memory");
    int r =
        store_open_view(call->globals.store, config ? config_settings(config)->store.path : NULL,
                        rights, ret, error);
    if (r != -ENOENT)
        return r;
    if (!named)
        error_prefix(error, "no crashes are collected yet (`inquest doctor` tells more)");
    return -ENXIO; /* no store is a failure; no crash is none */
}

static int check_order(const struct selection_settings *settings, struct error *error)
{
    if (settings->has_since && settings->has_until && settings->since_us > settings->until_us)
        return error_set(error, EINVAL, "--since is later than --until");
    if (settings->newest_first && settings->oldest_first)
        return error_set(error, EINVAL, "--reverse and --oldest-first contradict each other");
    return 0;
}

/* "KEY=" beside another value of that key: an alternative that no crash is. coredumpctl's scripts
 * have such where a variable is empty. */
static bool is_empty_alternative(const struct call *call, size_t index)
{
    const char *word = call->words[index], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals + 1 - word) : 0;

    if (!equals || equals[1])
        return false;
    for (size_t i = 0; i < call->word_count; i++)
        if (strncasecmp(call->words[i], word, length) == 0 && call->words[i][length])
            return true;
    return false;
}

int selection_filter(const struct call *call, const struct selection_settings *settings,
                     struct store *store, struct filter **ret, struct error *error)
{
    AUTO_FILTER struct filter *filter = filter_new();

    if (!filter)
        return error_set(error, ENOMEM, "out of memory");
    int r = check_order(settings, error);
    for (size_t i = 0; r == 0 && i < call->word_count; i++)
        if (!is_empty_alternative(call, i))
            r = filter_add(filter, store, call->words[i], error);
    for (size_t i = 0; r == 0 && i < settings->functions.count; i++)
        r = filter_add_function(filter, settings->functions.items[i], error);
    if (r < 0)
        return r;
    if (settings->has_since)
        filter_set_since(filter, settings->since_us);
    if (settings->has_until)
        filter_set_until(filter, settings->until_us);
    *ret = steal_pointer(&filter);
    return 0;
}

static int nothing_found(const struct call *call, struct error *error)
{
    if (call->word_count == 0)
        return error_set(error, ENOENT, "no crashes");
    return error_set(error, ENOENT, "no crash matches '%s'%s", call->words[0],
                     call->word_count > 1 ? " and the rest" : "");
}

static enum query_order order_of(const struct selection_settings *settings)
{
    return settings->oldest_first ? QUERY_OLDEST_FIRST : QUERY_NEWEST_FIRST;
}

int selection_each(const struct call *call, const struct selection_settings *settings,
                   struct store *store, uint64_t otherwise, selection_function *function,
                   void *context, struct error *error)
{
    AUTO_FILTER struct filter *filter = NULL;
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    bool found = false;

    int r = selection_filter(call, settings, store, &filter, error);
    if (r == 0)
        r = query_begin_fields(store, filter, order_of(settings),
                               selection_limit(settings, otherwise),
                               CRASH_FIELDS_ALL & ~settings->unseen, &query, error);
    if (r < 0)
        return r;
    while ((r = query_next(query, &row, error)) > 0) {
        found = true;
        r = function(context, store, row, error);
        if (r != 0)
            return r;
    }
    if (r == 0 && !found)
        return nothing_found(call, error);
    return r;
}

struct first_match {
    struct crash_row *row;
};

static int take_first(void *context, struct store *store, const struct crash_row *row,
                      struct error *error)
{
    struct first_match *first = context;
    (void)store;
    first->row = crash_row_copy(row);
    return first->row ? 1 : error_set(error, ENOMEM, "out of memory");
}

int selection_one(const struct call *call, const struct selection_settings *settings,
                  struct store *store, struct crash_row **ret, struct error *error)
{
    static const struct selection_settings everything;
    struct first_match first = {NULL};

    if (!settings)
        settings = &everything;
    bool plain = !selection_narrows(settings) && !settings->oldest_first &&
                 (call->word_count == 0 || !strchr(call->words[0], '='));
    if (plain && call->word_count <= 1)
        return query_resolve(store, call->words[0], ret, error);

    int r = selection_each(call, settings, store, 1, take_first, &first, error);
    if (r < 0)
        return r;
    *ret = first.row;
    return 0;
}

int selection_end(const struct call *call, int r, const struct error *error)
{
    if (r == -ENOENT) {
        if (call->globals.json != JSON_OFF)
            puts("[]");
        command_note(call, "%s", error->text);
        return EXIT_NOTHING;
    }
    if (r == -EINVAL)
        return command_usage_error(call, "%s", error->text);
    return r;
}
