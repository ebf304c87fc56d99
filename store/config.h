/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h - what inquest.conf(5) says: settings, the rules that change them, and their origin.
 *
 * Read from SYSCONFDIR/inquest/inquest.conf and then SYSCONFDIR/inquest/conf.d/NAME.conf in the
 * order of their names, or from the one file that -C gives. What is read later wins. A key, value
 * or line that makes no sense is told to the caller and leaves the default: a broken file never
 * loses a core. Reading asks no name service, and is bounded: see the CONFIG_MAX_ values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/bytes.h"
#include "store/base/cleanup.h"

#define CONFIG_FILE      SYSCONFDIR "/inquest/inquest.conf"
#define CONFIG_DIRECTORY SYSCONFDIR "/inquest/conf.d"

enum {
    CONFIG_MAX_FILE = 1024 * 1024, /* bytes; a longer file is not read at all */
    CONFIG_MAX_LINE = 196,         /* bytes; inih's limit. A longer line is left out */
    CONFIG_MAX_FILES = 128,
    CONFIG_MAX_RULES = 256,
    CONFIG_MAX_WORDS = 1024,  /* in a list, roughly */
    CONFIG_MAX_VALUES = 8192, /* lines that set something, in all files */
    CONFIG_MAX_WARNINGS = 64, /* told to the caller; then one that says there are more */
};

/* No bound: written as "unlimited", "infinity" or "never" where a size, count or span may be it. */
#define CONFIG_UNLIMITED UINT64_MAX

enum config_mode {
    CONFIG_MODE_FULL,   /* the whole core */
    CONFIG_MODE_STACKS, /* the small core with every thread's stack */
    CONFIG_MODE_FACTS,  /* metadata and notes */
    CONFIG_MODE_IGNORE, /* nothing but a count */
};

/* A share of something with a cap: config_budget_of() says how much that is. */
struct config_budget {
    unsigned percent; /* 0 to 100 */
    uint64_t cap;     /* bytes */
};

/* Words of a list, ended by NULL; never NULL itself. */
typedef const char *const *config_list;

enum { CONFIG_COMPRESSION_AUTO = INT32_MIN }; /* as fast as a held process needs it */

/* All settings. Spans are microseconds, sizes bytes. Strings belong to the config. */
struct config_settings {
    struct {
        unsigned mode; /* enum config_mode */
        uint64_t max_core;
        struct config_budget hold_buffer; /* of MemAvailable */
        uint64_t deadline;
        int32_t compression; /* zstd's level, or CONFIG_COMPRESSION_AUTO */
        config_list environ; /* globs of variable names */
    } capture;
    struct {
        uint64_t window; /* 0: no storm rules */
        uint64_t full, stacks, facts;
    } storm;
    struct {
        const char *path;             /* NULL: LAYOUT_STORE */
        struct config_budget max_use; /* of the filesystem */
        struct config_budget keep_free;
        uint64_t core_age, report_age;
        uint64_t keep_per_signature;
    } store;
    struct {
        bool automatic;
        config_list debuginfod; /* URLs; empty: off */
        uint64_t max_frames, max_threads;
        uint64_t deadline;
        uint64_t memory;
    } analyze;
    struct {
        const char *program; /* NULL: none */
    } notify;
};

/* Whom a crash happened to, for the rules. NULL: not known, which no glob matches. */
struct config_subject {
    const char *exe;
    const char *comm;
    const char *user; /* the user's name; the uid, in decimal, is matched too */
    uid_t uid;
    const char *unit;
    const char *container; /* id or name */
    int signal;            /* matched as "SIGSEGV", "SEGV" and "11" */
};

/* Something that was not understood. `line` is 0 where it is about the whole file. */
typedef void (*config_warning)(void *data, const char *file, unsigned line, const char *message);

struct config;

/*
 * Reads the configuration: the one of `file`, or where that is NULL the system's. Returns 0, or
 * -ENOMEM, the only failure; files that cannot be read are warnings (a missing system file is not
 * even that). `warning` may be NULL.
 */
int config_load(const char *file, config_warning warning, void *data, struct config **ret);

/* As config_load(), of one file whose text is `text`. For tests and for checking before writing. */
int config_parse(const char *name, const char *text, size_t size, config_warning warning,
                 void *data, struct config **ret);

void config_free(struct config *config);

/* What holds where no rule applies. */
const struct config_settings *config_settings(const struct config *config);

/*
 * What holds for `subject`: the settings with those of the first rule that matches put over them,
 * and that rule's name, or NULL. Valid as long as the config.
 */
void config_for(const struct config *config, const struct config_subject *subject,
                const struct config_settings **ret_settings, const char **ret_rule);

/* The settings under the rule of that name (as a record's KEY_RULE says it); without one, or where
 * it is gone, those of config_settings(). */
const struct config_settings *config_under_rule(const struct config *config, const char *rule);

/* keep_per_signature under that rule; the default where `config` is NULL. */
unsigned config_keep(const struct config *config, const char *rule);

/* percent of `whole`, at most the cap. */
uint64_t config_budget_of(struct config_budget budget, uint64_t whole);

/* Where a key's value comes from. `file` is NULL and `text` the default where no file sets it. */
struct config_origin {
    const char *text;
    const char *file;
    unsigned line;
};
struct config_origin config_origin(const struct config *config, size_t key);

/* The rules, for who shows them: name, file, line; NULL past the last. */
const char *config_rule_at(const struct config *config, size_t index, const char **ret_file,
                           unsigned *ret_line);

CLEANUP_FUNCTION(struct config, config_free)
#define AUTO_CONFIG CLEANUP(config_free_cleanup)
