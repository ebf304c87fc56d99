/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.c - reads inquest.conf(5): settings, the rules that change them, and their origin. */
#include "store/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/io.h"
#include "store/config_keys.h"

#define RULE_PREFIX "rule "

enum { SECTION_MAX = 49 }; /* inih cuts longer ones silently */

/* What a rule asks of a crash, by the names that stand in the file. */
enum criterion { EXE, COMM, USER, UNIT, CONTAINER, SIGNAL };
static const char *const criteria[] = {
    [EXE] = "exe",   [COMM] = "comm",           [USER] = "user",
    [UNIT] = "unit", [CONTAINER] = "container", [SIGNAL] = "signal",
};

struct glob {
    enum criterion criterion;
    const char *pattern;
};

struct assignment {
    const struct config_key *key;
    const char *text;
};

struct rule {
    const char *name, *file;
    unsigned line;
    struct glob *globs;
    size_t glob_count;
    struct assignment *assignments;
    size_t assignment_count;
    struct config_settings settings;
};

struct config {
    struct config_settings settings;
    struct config_origin *origins; /* one for each of config_keys[] */
    struct rule *rules;
    size_t rule_count;
    struct config_pool pool;
};

/* One file while it is read. */
struct reading {
    struct config *config;
    const char *file;
    const char *next, *end; /* what inih has not been given yet */
    unsigned line;
    config_warning warning;
    void *data;
    unsigned *warnings, *values; /* over all files */
    int failure;                 /* -ENOMEM */
};

static void warn(struct reading *reading, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(struct reading *reading, unsigned line, const char *format, ...)
{
    char message[512];

    if (!reading->warning || ++*reading->warnings > CONFIG_MAX_WARNINGS + 1)
        return;
    if (*reading->warnings > CONFIG_MAX_WARNINGS)
        format = "there is more that makes no sense";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    reading->warning(reading->data, reading->file, line, message);
}

/* Makes room for one more element at the end of an array; NULL without memory. */
static void *array_grow(void *array, size_t *count, size_t element)
{
    void **place = array;
    char *grown = reallocarray(*place, *count + 1, element);
    if (!grown)
        return NULL;
    *place = grown;
    char *added = grown + (*count)++ * element;
    memset(added, 0, element);
    return added;
}

static struct rule *rule_find(struct rule *rules, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

/* The rule of that name, made where it is new. NULL with a warning, or with `failure` set. */
static struct rule *rule_get(struct reading *reading, const char *name)
{
    struct config *config = reading->config;
    struct rule *rule = rule_find(config->rules, config->rule_count, name);
    if (rule)
        return rule;
    if (config->rule_count >= CONFIG_MAX_RULES) {
        warn(reading, reading->line, "more than %d rules: [rule %s] is left out", CONFIG_MAX_RULES,
             name);
        return NULL;
    }

    const char *copy = config_pool_text(&config->pool, name, strlen(name));
    if (copy)
        rule = array_grow(&config->rules, &config->rule_count, sizeof *rule);
    if (!rule) {
        reading->failure = -ENOMEM;
        return NULL;
    }
    rule->name = copy;
    rule->file = reading->file;
    rule->line = reading->line;
    return rule;
}

static int rule_add_glob(struct reading *reading, struct rule *rule, enum criterion criterion,
                         const char *text)
{
    if (!*text) {
        warn(reading, reading->line, "[rule %s] asks for an empty %s, which nothing has",
             rule->name, criteria[criterion]);
        return 0;
    }
    const char *copy = config_pool_text(&reading->config->pool, text, strlen(text));
    struct glob *glob = copy ? array_grow(&rule->globs, &rule->glob_count, sizeof *glob) : NULL;
    if (!glob)
        return -ENOMEM;
    *glob = (struct glob){.criterion = criterion, .pattern = copy};
    return 0;
}

/* Rules are put over the settings when all files are read; here the value is only tried. */
static int rule_add_value(struct reading *reading, struct rule *rule, const struct config_key *key,
                          const char *text)
{
    struct config_settings scratch = {0};
    int r = config_key_set(key, text, false, &reading->config->pool, &scratch);
    if (r < 0)
        return r;

    const char *copy = config_pool_text(&reading->config->pool, text, strlen(text));
    struct assignment *assignment =
        copy ? array_grow(&rule->assignments, &rule->assignment_count, sizeof *assignment) : NULL;
    if (!assignment)
        return -ENOMEM;
    *assignment = (struct assignment){.key = key, .text = copy};
    return 0;
}

static void warn_value(struct reading *reading, const struct config_key *key, const char *text)
{
    warn(reading, reading->line, "%s = %s: expected %s", key->name, text,
         config_type_hint(key->type));
}

static void take_rule_line(struct reading *reading, const char *rule_name, const char *name,
                           const char *text)
{
    rule_name += strspn(rule_name, " \t");
    struct rule *rule = rule_get(reading, rule_name);
    if (!rule)
        return;

    for (unsigned i = 0; i < ARRAY_SIZE(criteria); i++)
        if (strcmp(criteria[i], name) == 0) {
            if (rule_add_glob(reading, rule, i, text) < 0)
                reading->failure = -ENOMEM;
            return;
        }
    const struct config_key *key = config_key_find(NULL, name);
    if (!key) {
        warn(reading, reading->line, "a rule has no key \"%s\"", name);
        return;
    }
    int r = rule_add_value(reading, rule, key, text);
    if (r == -ENOMEM)
        reading->failure = r;
    else if (r < 0)
        warn_value(reading, key, text);
}

static void take_setting(struct reading *reading, const char *section, const char *name,
                         const char *text)
{
    struct config *config = reading->config;
    const struct config_key *key = config_key_find(section, name);
    if (!key) {
        warn(reading, reading->line, "[%s] has no key \"%s\"", section, name);
        return;
    }

    struct config_origin *origin = &config->origins[key - config_keys];
    bool again = key->type == CONFIG_TYPE_LIST && origin->file;
    int r = config_key_set(key, text, again, &config->pool, &config->settings);
    if (r == -EINVAL) {
        warn_value(reading, key, text);
        return;
    }
    const char *copy = r == 0 ? config_pool_text(&config->pool, text, strlen(text)) : NULL;
    if (!copy) {
        reading->failure = -ENOMEM;
        return;
    }
    *origin = (struct config_origin){.text = copy, .file = reading->file, .line = reading->line};
}

/* inih's handler: one "name = value". */
static int take_line(void *data, const char *section, const char *name, const char *text)
{
    struct reading *reading = data;

    if (reading->failure < 0)
        return 0;
    if (++*reading->values > CONFIG_MAX_VALUES)
        warn(reading, reading->line, "more than %d values", CONFIG_MAX_VALUES);
    else if (strncmp(section, RULE_PREFIX, strlen(RULE_PREFIX)) == 0)
        take_rule_line(reading, section + strlen(RULE_PREFIX), name, text);
    else if (config_section_exists(section))
        take_setting(reading, section, name, text);
    else
        warn(reading, reading->line, "%s = %s stands in no section that is known", name, text);
    return 1;
}

/* Says what is wrong with a line, blanks before it skipped, that inih would misread or refuse
 * without a word; NULL where it is fine. */
static const char *line_problem(const char *line, size_t size)
{
    if (memchr(line, '\0', size))
        return "a NUL byte";
    if (size == 0 || *line == ';' || *line == '#')
        return NULL;
    if (size > CONFIG_MAX_LINE)
        return "the line is too long";
    if (*line == '[') {
        const char *close = memchr(line, ']', size);
        return !close                           ? "a section without its ]"
               : close - line - 1 > SECTION_MAX ? "the section's name is too long"
                                                : NULL;
    }
    const char *sign = line, *end = line + size;
    while (sign < end && *sign != '=' && *sign != ':' &&
           !(*sign == ';' && isblank((unsigned char)sign[-1])))
        sign++;
    return sign == end || *sign == ';' ? "not \"key = value\""
           : sign == line              ? "no key before the ="
                                       : NULL;
}

/*
 * inih's reader: hands out one line. Blanks in front are taken away, since inih would join an
 * indented line to the one before. Of a line with a problem nothing is handed on; a section with
 * one becomes a section that is not known, so that its keys don't fall to the one before.
 */
static char *give_line(char *buffer, int size, void *data)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct reading *reading = data;

    if (reading->next >= reading->end || size < CONFIG_MAX_LINE + 2)
        return NULL;
    const char *line = reading->next;
    const char *end = memchr(line, '\n', (size_t)(reading->end - line)) ?: reading->end;
    reading->next = end + 1;
    reading->line++;
    if (reading->line == 1 && end - line >= 3 && memcmp(line, byte_order_mark, 3) == 0)
        line += 3;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    while (line < end && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
        end--;

    const char *problem = line_problem(line, (size_t)(end - line));
    bool comment = line < end && (*line == '#' || *line == ';');
    int n = comment ? 0 : (int)(end - line);
    if (problem) {
        warn(reading, reading->line, "%s: the line is left out", problem);
        snprintf(buffer, (size_t)size, "%s\n", *line == '[' ? "[?]" : "");
    } else {
        snprintf(buffer, (size_t)size, "%.*s\n", n, line);
    }
    return buffer;
}

static int read_text(struct reading *reading, const char *text, size_t size)
{
    reading->next = text;
    reading->end = text + size;
    /* Its result is the first line it didn't like, and give_line() has told of all of them. */
    int r = ini_parse_stream(give_line, reading, take_line, reading);
    return r == -2 ? -ENOMEM : reading->failure;
}

/* Reads one file. Whatever is wrong with it is a warning. */
static int read_file(struct reading *reading, const char *path, bool may_be_missing)
{
    AUTO_BYTES struct bytes text = {0};
    struct stat st;

    reading->file = config_pool_text(&reading->config->pool, path, strlen(path));
    if (!reading->file)
        return -ENOMEM;
    reading->line = 0;

    /* O_NONBLOCK: a FIFO in its place must not hold a hook. */
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        if (errno != ENOENT || !may_be_missing)
            warn(reading, 0, "cannot be read: %s", strerrordesc_np(errno) ?: "error");
        return 0;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        warn(reading, 0, "is no regular file");
        return 0;
    }
    int r = io_read_all(fd, CONFIG_MAX_FILE, &text);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        warn(reading, 0, "cannot be read: %s", strerrordesc_np(-r) ?: "error");
        return 0;
    }
    return read_text(reading, text.data ?: "", text.size);
}

static int is_drop_in(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_ins(struct reading *reading)
{
    struct dirent **entries = NULL;
    int r = 0;

    int count = scandir(CONFIG_DIRECTORY, &entries, is_drop_in, compare_names);
    if (count < 0)
        return errno == ENOMEM ? -ENOMEM : 0;
    for (int i = 0; i < count; i++) {
        char path[sizeof CONFIG_DIRECTORY + NAME_MAX + 2];
        snprintf(path, sizeof path, "%s/%s", CONFIG_DIRECTORY, entries[i]->d_name);
        if (i == CONFIG_MAX_FILES)
            warn(reading, 0, "more than %d files: the rest is left out", CONFIG_MAX_FILES);
        if (r == 0 && i < CONFIG_MAX_FILES)
            r = read_file(reading, path, false);
        free(entries[i]);
    }
    free(entries);
    return r;
}

/* Puts the rules' values over the settings, now that these are known. */
static int apply_rules(struct reading *reading)
{
    struct config *config = reading->config;

    for (size_t i = 0; i < config->rule_count; i++) {
        struct rule *rule = &config->rules[i];
        rule->settings = config->settings;
        for (size_t k = 0; k < rule->assignment_count; k++) {
            const struct assignment *a = &rule->assignments[k];
            bool again = false;
            for (size_t before = 0; before < k; before++)
                again |= rule->assignments[before].key == a->key;
            int r = config_key_set(a->key, a->text, again, &config->pool, &rule->settings);
            if (r == -ENOMEM)
                return r;
        }
        if (rule->glob_count == 0) {
            reading->file = rule->file;
            warn(reading, rule->line, "[rule %s] says nothing of whom it is for: it never applies",
                 rule->name);
        }
    }
    return 0;
}

static int set_defaults(struct config *config)
{
    config->origins = calloc(config_key_count, sizeof *config->origins);
    if (!config->origins)
        return -ENOMEM;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        config->origins[i].text = key->default_text;
        int r = config_key_set(key, key->default_text, false, &config->pool, &config->settings);
        if (r < 0)
            return r;
    }
    return 0;
}

static int load(const char *file, struct reading *reading, const char *text, size_t size)
{
    int r = set_defaults(reading->config);
    if (r < 0)
        return r;
    if (text) {
        reading->file = config_pool_text(&reading->config->pool, file, strlen(file));
        r = reading->file ? read_text(reading, text, size) : -ENOMEM;
    } else if (file) {
        r = read_file(reading, file, false);
    } else {
        r = read_file(reading, CONFIG_FILE, true);
        if (r == 0)
            r = read_drop_ins(reading);
    }
    return r < 0 ? r : apply_rules(reading);
}

static int load_new(const char *file, const char *text, size_t size, config_warning warning,
                    void *data, struct config **ret)
{
    unsigned warnings = 0, values = 0;

    AUTO_CONFIG struct config *config = calloc(1, sizeof *config);
    if (!config)
        return -ENOMEM;
    struct reading reading = {
        .config = config,
        .warning = warning,
        .data = data,
        .warnings = &warnings,
        .values = &values,
    };
    int r = load(file, &reading, text, size);
    if (r < 0)
        return r;
    *ret = steal_pointer(&config);
    return 0;
}

int config_load(const char *file, config_warning warning, void *data, struct config **ret)
{
    return load_new(file, NULL, 0, warning, data, ret);
}

int config_parse(const char *name, const char *text, size_t size, config_warning warning,
                 void *data, struct config **ret)
{
    return load_new(name, text, size, warning, data, ret);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->rule_count; i++) {
        free(config->rules[i].globs);
        free(config->rules[i].assignments);
    }
    free(config->rules);
    free(config->origins);
    config_pool_free(&config->pool);
    free(config);
}

const struct config_settings *config_settings(const struct config *config)
{
    return &config->settings;
}

static bool matches_text(const char *pattern, const char *text)
{
    return text && fnmatch(pattern, text, FNM_NOESCAPE) == 0;
}

static bool matches_number(const char *pattern, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    return matches_text(pattern, text);
}

static bool matches_signal(const char *pattern, int number)
{
    char name[32];
    const char *abbreviation = sigabbrev_np(number);

    if (abbreviation) {
        snprintf(name, sizeof name, "SIG%s", abbreviation);
        if (matches_text(pattern, name) || matches_text(pattern, abbreviation))
            return true;
    }
    return matches_number(pattern, (uint64_t)number);
}

static bool glob_matches(const struct glob *glob, const struct config_subject *subject)
{
    switch (glob->criterion) {
    case EXE:
        return matches_text(glob->pattern, subject->exe);
    case COMM:
        return matches_text(glob->pattern, subject->comm);
    case USER:
        return matches_text(glob->pattern, subject->user) ||
               matches_number(glob->pattern, subject->uid);
    case UNIT:
        return matches_text(glob->pattern, subject->unit);
    case CONTAINER:
        return matches_text(glob->pattern, subject->container);
    case SIGNAL:
        return matches_signal(glob->pattern, subject->signal);
    }
    return false;
}

/* Globs for the same thing are alternatives; different things must all be so. */
static bool rule_matches(const struct rule *rule, const struct config_subject *subject)
{
    unsigned asked = 0, met = 0;

    for (size_t i = 0; i < rule->glob_count; i++) {
        unsigned bit = 1u << rule->globs[i].criterion;
        asked |= bit;
        if (!(met & bit) && glob_matches(&rule->globs[i], subject))
            met |= bit;
    }
    return asked && met == asked;
}

void config_for(const struct config *config, const struct config_subject *subject,
                const struct config_settings **ret_settings, const char **ret_rule)
{
    for (size_t i = 0; i < config->rule_count; i++)
        if (rule_matches(&config->rules[i], subject)) {
            *ret_settings = &config->rules[i].settings;
            *ret_rule = config->rules[i].name;
            return;
        }
    *ret_settings = &config->settings;
    *ret_rule = NULL;
}

const struct config_settings *config_under_rule(const struct config *config, const char *rule)
{
    const struct rule *found = rule ? rule_find(config->rules, config->rule_count, rule) : NULL;
    return found ? &found->settings : &config->settings;
}

unsigned config_keep(const struct config *config, const char *rule)
{
    enum { KEEP_DEFAULT = 5 }; /* as in config_keys */
    uint64_t keep =
        config ? config_under_rule(config, rule)->store.keep_per_signature : KEEP_DEFAULT;
    return keep < UINT32_MAX ? (unsigned)keep : UINT32_MAX;
}

uint64_t config_budget_of(struct config_budget budget, uint64_t whole)
{
    /* In two steps, so that no size of a disk overflows. */
    uint64_t share = whole / 100 * budget.percent + whole % 100 * budget.percent / 100;
    return share < budget.cap ? share : budget.cap;
}

struct config_origin config_origin(const struct config *config, size_t key)
{
    return config->origins[key];
}

const char *config_rule_at(const struct config *config, size_t index, const char **ret_file,
                           unsigned *ret_line)
{
    if (index >= config->rule_count)
        return NULL;
    *ret_file = config->rules[index].file;
    *ret_line = config->rules[index].line;
    return config->rules[index].name;
}
