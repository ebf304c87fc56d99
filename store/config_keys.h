/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config_keys.h - every section and key of inquest.conf(5), in one table.
 *
 * The parser, the defaults, `inquest doctor`, the shipped file and the manual all follow it.
 */
#pragma once

#include "store/config.h"

enum config_type {
    CONFIG_TYPE_MODE,        /* full stacks facts ignore */
    CONFIG_TYPE_SIZE,        /* bytes, or unlimited */
    CONFIG_TYPE_BUDGET,      /* "10%", "4G", "10% at most 4G", or unlimited */
    CONFIG_TYPE_SPAN,        /* a time span, or never */
    CONFIG_TYPE_COUNT,       /* a number, or unlimited */
    CONFIG_TYPE_COMPRESSION, /* a level of zstd, or auto */
    CONFIG_TYPE_BOOL,        /* yes, no */
    CONFIG_TYPE_PATH,        /* an absolute path; empty: none */
    CONFIG_TYPE_LIST,        /* words; each further line adds; "off" or empty: none */
};

struct config_key {
    const char *section, *name;
    enum config_type type;
    size_t offset;            /* in struct config_settings */
    const char *default_text; /* as it would stand in the file */
    bool in_rules;            /* may stand in a [rule] */
    const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key of that name in the section, or, where `section` is NULL, of a rule. NULL: none. */
const struct config_key *config_key_find(const char *section, const char *name);

/* True where there is such a section. */
bool config_section_exists(const char *section);

/*
 * Keeps strings and lists for as long as the settings that point to them. An allocation that fails
 * leaves the pool as it was.
 */
struct config_pool {
    void **blocks;
    size_t count;
};
char *config_pool_text(struct config_pool *pool, const char *text, size_t size);
void config_pool_free(struct config_pool *pool);

/*
 * Sets the key in `settings` from `text`; a list's words are put behind those that are there where
 * `add` is true. 0, -ENOMEM, or -EINVAL, when the settings are unchanged.
 */
int config_key_set(const struct config_key *key, const char *text, bool add,
                   struct config_pool *pool, struct config_settings *settings);

/* What a value of this type looks like, for a message. */
const char *config_type_hint(enum config_type type);
