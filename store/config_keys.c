/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_keys.c - every section and key of inquest.conf(5), in one table. */
#include "store/config_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/base/parse.h"

#define KEY(section, name, field, type, default_text, in_rules, help)                              \
    {                                                                                              \
        section, name, CONFIG_TYPE_##type, offsetof(struct config_settings, field), default_text,  \
            in_rules, help                                                                         \
    }

const struct config_key config_keys[] = {
    KEY("capture", "mode", capture.mode, MODE, "full", true,
        "How much of a process is kept: full (the whole core), stacks (a small core with every "
        "thread's stack), facts (what was known about it) or ignore."),
    KEY("capture", "max_core", capture.max_core, SIZE, "32G", true,
        "A larger core is kept as stacks only."),
    KEY("capture", "hold_buffer", capture.hold_buffer, BUDGET, "25%", true,
        "Memory for copying dying processes, so that they are let go before they are compressed: "
        "a share of MemAvailable that all hooks have together. 0: none."),
    KEY("capture", "deadline", capture.deadline, SPAN, "5min", true,
        "After this time a process is let go, whatever is still missing."),
    KEY("capture", "compression", capture.compression, COMPRESSION, "1", true,
        "zstd's level, -7 to 19, or auto: faster while a process is held."),
    KEY("capture", "environ", capture.environ, LIST,
        "PATH LANG LANGUAGE LC_* TZ TERM SHELL LD_* MALLOC_* GLIBC_TUNABLES container "
        "HOSTNAME POD_* KUBERNETES_*_HOST",
        true, "Globs of the environment variables that are kept with a crash. off: none."),

    KEY("storm", "window", storm.window, SPAN, "10min", true,
        "Crashes of one program by one user are counted over this time. 0: no storm rules."),
    KEY("storm", "full", storm.full, COUNT, "20", true,
        "So many crashes in a window keep their full core,"),
    KEY("storm", "stacks", storm.stacks, COUNT, "100", true, "so many more their stacks,"),
    KEY("storm", "facts", storm.facts, COUNT, "1000", true,
        "so many more their facts; the rest is counted."),

    KEY("store", "path", store.path, PATH, "", false,
        "The store's directory. Empty: the one that was compiled in."),
    KEY("store", "max_use", store.max_use, BUDGET, "10% at most 4G", true,
        "What the store may use of its filesystem, everything in it counted."),
    KEY("store", "keep_free", store.keep_free, BUDGET, "15% at most 4G", true,
        "What is left free on the store's filesystem."),
    KEY("store", "core_age", store.core_age, SPAN, "14d", true,
        "Cores older than this are dropped; facts and backtrace stay."),
    KEY("store", "report_age", store.report_age, SPAN, "1y", true,
        "Crashes older than this are forgotten."),
    KEY("store", "keep_per_signature", store.keep_per_signature, COUNT, "5", true,
        "So many cores of the same crash are worth keeping when room is short."),

    KEY("analyze", "auto", analyze.automatic, BOOL, "yes", false,
        "Make a report for each crash as soon as it is in the store."),
    KEY("analyze", "debuginfod", analyze.debuginfod, LIST, "off", false,
        "URLs of debuginfod servers to ask for missing debug symbols, by build-id. off: none."),
    KEY("analyze", "max_frames", analyze.max_frames, COUNT, "4096", false,
        "Frames of a thread that a report shows; what is cut out of the middle is marked."),
    KEY("analyze", "max_threads", analyze.max_threads, COUNT, "65536", false,
        "Threads that a report shows."),
    KEY("analyze", "deadline", analyze.deadline, SPAN, "2min", false,
        "An analysis that takes longer ends with what it has."),
    KEY("analyze", "memory", analyze.memory, SIZE, "2G", false, "Memory an analysis may use."),

    KEY("notify", "program", notify.program, PATH, "", false,
        "A program run after each report, as the store's user, with the crash as JSON on stdin."),
};

const size_t config_key_count = ARRAY_SIZE(config_keys);

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(key->name, name) != 0)
            continue;
        if (section ? strcmp(key->section, section) == 0 : key->in_rules)
            return key;
    }
    return NULL;
}

bool config_section_exists(const char *section)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].section, section) == 0)
            return true;
    return false;
}

/* Makes the block the pool's; frees it where there is no memory for that. */
static void *pool_keep(struct config_pool *pool, void *block)
{
    if (!block)
        return NULL;

    void **blocks = reallocarray(pool->blocks, pool->count + 1, sizeof *blocks);
    if (!blocks) {
        free(block);
        return NULL;
    }
    pool->blocks = blocks;
    pool->blocks[pool->count++] = block;
    return block;
}

char *config_pool_text(struct config_pool *pool, const char *text, size_t size)
{
    return pool_keep(pool, strndup(text, size));
}

void config_pool_free(struct config_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        free(pool->blocks[i]);
    free(pool->blocks);
    *pool = (struct config_pool){0};
}

static bool is_unlimited(const char *text)
{
    return strcasecmp(text, "unlimited") == 0 || strcasecmp(text, "infinity") == 0 ||
           strcasecmp(text, "never") == 0;
}

static int set_mode(const char *text, void *field)
{
    static const char *const names[] = {
        [CONFIG_MODE_FULL] = "full",
        [CONFIG_MODE_STACKS] = "stacks",
        [CONFIG_MODE_FACTS] = "facts",
        [CONFIG_MODE_IGNORE] = "ignore",
    };

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (strcasecmp(text, names[i]) == 0) {
            *(unsigned *)field = i;
            return 0;
        }
    return -EINVAL;
}

static int set_size(const char *text, void *field)
{
    if (!is_unlimited(text))
        return parse_size(text, field);
    *(uint64_t *)field = CONFIG_UNLIMITED;
    return 0;
}

static int set_span(const char *text, void *field)
{
    if (!is_unlimited(text))
        return parse_span(text, field);
    *(uint64_t *)field = CONFIG_UNLIMITED;
    return 0;
}

static int set_count(const char *text, void *field)
{
    if (!is_unlimited(text))
        return parse_u64(text, 10, CONFIG_UNLIMITED - 1, field);
    *(uint64_t *)field = CONFIG_UNLIMITED;
    return 0;
}

static int set_compression(const char *text, void *field)
{
    enum { FASTEST = 7, STRONGEST = 19 };
    uint64_t level;

    if (strcasecmp(text, "auto") == 0) {
        *(int32_t *)field = CONFIG_COMPRESSION_AUTO;
        return 0;
    }
    bool fast = *text == '-';
    int r = parse_u64(text + fast, 10, fast ? FASTEST : STRONGEST, &level);
    if (r < 0)
        return r;
    *(int32_t *)field = fast ? -(int32_t)level : (int32_t)level;
    return 0;
}

/* "P%", "P% at most SIZE", "P% SIZE" or "SIZE". */
static int set_budget(const char *text, void *field)
{
    struct config_budget budget = {.percent = 100, .cap = CONFIG_UNLIMITED};

    const char *sign = strchr(text, '%');
    if (sign) {
        AUTO_FREE char *share = strndup(text, (size_t)(sign + 1 - text));
        if (!share)
            return -ENOMEM;
        int r = parse_percent(share, &budget.percent);
        if (r < 0)
            return r;
        text = sign + 1;
        text += strspn(text, ", \t");
        if (strncasecmp(text, "at most ", 8) == 0)
            text += 8;
        else if (!*text)
            text = "unlimited";
    }
    int r = set_size(text, &budget.cap);
    if (r < 0)
        return r;
    *(struct config_budget *)field = budget;
    return 0;
}

static int set_bool(const char *text, void *field)
{
    return parse_bool(text, field);
}

static int set_path(const char *text, struct config_pool *pool, const char **field)
{
    if (!*text) {
        *field = NULL;
        return 0;
    }
    if (*text != '/')
        return -EINVAL;
    const char *copy = config_pool_text(pool, text, strlen(text));
    if (!copy)
        return -ENOMEM;
    *field = copy;
    return 0;
}

static size_t list_length(config_list list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

/* Splits at blanks. "off" alone, or nothing, is the empty list. Bounded, as a file may add for
 * ever. */
static int set_list(const char *text, bool add, struct config_pool *pool, config_list *field)
{
    static const char blanks[] = " \t";
    bool off = !*text || strcasecmp(text, "off") == 0;
    size_t old = add && !off ? list_length(*field) : 0, count = old;
    if (old + strlen(text) / 2 > CONFIG_MAX_WORDS)
        return -EINVAL;

    const char **words = pool_keep(pool, calloc(old + strlen(text) / 2 + 2, sizeof *words));
    if (!words)
        return -ENOMEM;
    if (old > 0)
        memcpy(words, *field, old * sizeof *words);
    for (const char *p = text; !off && *p;) {
        p += strspn(p, blanks);
        size_t n = strcspn(p, blanks);
        if (n > 0 && !(words[count++] = config_pool_text(pool, p, n)))
            return -ENOMEM;
        p += n;
    }
    *field = words;
    return 0;
}

int config_key_set(const struct config_key *key, const char *text, bool add,
                   struct config_pool *pool, struct config_settings *settings)
{
    static int (*const setters[])(const char *text, void *field) = {
        [CONFIG_TYPE_MODE] = set_mode,     [CONFIG_TYPE_SIZE] = set_size,
        [CONFIG_TYPE_BUDGET] = set_budget, [CONFIG_TYPE_SPAN] = set_span,
        [CONFIG_TYPE_COUNT] = set_count,   [CONFIG_TYPE_COMPRESSION] = set_compression,
        [CONFIG_TYPE_BOOL] = set_bool,
    };
    void *field = (char *)settings + key->offset;
    int r;

    if (key->type == CONFIG_TYPE_LIST)
        r = set_list(text, add, pool, field);
    else if (key->type == CONFIG_TYPE_PATH)
        r = set_path(text, pool, field);
    else
        r = setters[key->type](text, field);
    return r == -ERANGE ? -EINVAL : r;
}

const char *config_type_hint(enum config_type type)
{
    static const char *const hints[] = {
        [CONFIG_TYPE_MODE] = "full, stacks, facts or ignore",
        [CONFIG_TYPE_SIZE] = "a size such as 500M or 2G, or unlimited",
        [CONFIG_TYPE_BUDGET] = "10%, 4G, \"10% at most 4G\" or unlimited",
        [CONFIG_TYPE_SPAN] = "a time such as 90s, 5min or 14d, or never",
        [CONFIG_TYPE_COUNT] = "a number, or unlimited",
        [CONFIG_TYPE_COMPRESSION] = "a level from -7 to 19, or auto",
        [CONFIG_TYPE_BOOL] = "yes or no",
        [CONFIG_TYPE_PATH] = "an absolute path, or nothing",
        [CONFIG_TYPE_LIST] = "words, or off",
    };
    return hints[type];
}
