/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * selection.h - which crashes a verb is about: its words and the options that narrow them.
 *
 * A verb that takes them embeds a struct selection_settings in its own and lists
 * SELECTION_OPTIONS(struct verb_settings, selection) among its options. They are coredumpctl's.
 */
#pragma once

#include "cli/command.h"
#include "store/query.h"
#include "store/store.h"

struct selection_settings {
    uint64_t limit; /* 0: the verb's own */
    bool one;
    bool newest_first, oldest_first;
    int64_t since_us, until_us;
    bool has_since, has_until;
    struct texts functions;
    uint64_t unseen; /* fields of a crash that the verb does not look at (crash_row.h) */
};

int selection_parse_since(const char *value, void *settings, struct error *error);
int selection_parse_until(const char *value, void *settings, struct error *error);

#define SELECTION_OPTIONS(type, member)                                                            \
    OPTION_NUMBER('n', NULL, "N", 1, type, member.limit, "at most N of them"),                     \
        OPTION_FLAG('1', NULL, type, member.one, "only the latest, as -n 1"),                      \
        OPTION_PARSED('S', "since", "TIME", selection_parse_since, type, member,                   \
                      "not before TIME: \"2026-11-22 13:00\", yesterday, -1h, @EPOCH"),            \
        OPTION_PARSED('U', "until", "TIME", selection_parse_until, type, member,                   \
                      "not after TIME"),                                                           \
        OPTION_TEXTS(0, "function", "NAME", type, member.functions,                                \
                     "with function NAME in the crashing thread's stack; * and ? match any")

#define SELECTION_ORDER_OPTIONS(type, member)                                                      \
    OPTION_FLAG('r', "reverse", type, member.newest_first, "newest first (so it is anyhow)"),      \
        OPTION_FLAG(0, "oldest-first", type, member.oldest_first, "oldest first")

/* True where any option narrows the choice (-S, -U, --function). */
bool selection_narrows(const struct selection_settings *settings);

/* The largest number of crashes asked for, or `otherwise` where nothing is said. */
uint64_t selection_limit(const struct selection_settings *settings, uint64_t otherwise);

/* Opens what the caller sees, by --store and the environment. */
int selection_open_store(const struct call *call, enum store_rights rights, struct store **ret,
                         struct error *error);

/* The filter of the call's words and these options. -EINVAL with a text for the user. */
int selection_filter(const struct call *call, const struct selection_settings *settings,
                     struct store *store, struct filter **ret, struct error *error);

/*
 * Calls back with each crash that the call's words (none: all) and options select, at most
 * `otherwise` (0: no limit) unless -n or -1 say how many. A result other than 0 ends it and is
 * returned. Returns -ENOENT where there was none, with a text that says so.
 */
typedef int selection_function(void *context, struct store *store, const struct crash_row *row,
                               struct error *error);
int selection_each(const struct call *call, const struct selection_settings *settings,
                   struct store *store, uint64_t otherwise, selection_function *function,
                   void *context, struct error *error);

/*
 * The one crash that a verb like `info` is about: the latest that the words (none: the latest of
 * all) and options select. An id prefix of several is an error that lists them (-ENOTUNIQ).
 * -ENOENT: nothing matches. `settings` may be NULL.
 */
int selection_one(const struct call *call, const struct selection_settings *settings,
                  struct store *store, struct crash_row **ret, struct error *error);

/*
 * What a verb returns when it found nothing: says so on stderr unless --quiet, prints `[]` under
 * --json. `r` other than -ENOENT is returned as it is, so that a verb may end with
 * `return selection_end(call, r, error)`; 0 becomes EXIT_DONE.
 */
int selection_end(const struct call *call, int r, const struct error *error);
