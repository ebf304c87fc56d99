/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter.c - which crashes: matches become conditions, conditions become SQL. */
#include "store/filter.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/base/parse.h"
#include "store/base/signals.h"
#include "store/record.h"
#include "store/when.h"

enum {
    SIGNATURE_MIN = 6, /* hex digits that are taken for a signature */
    ID_PREFIX_MIN = 8,
    PATTERN_MATCHES_MAX = 4096, /* functions that one pattern may stand for */
};

/* ---- keys ---- */

enum value_kind {
    VALUE_NUMBER,
    VALUE_FLAG, /* yes or no, as configs and JSON have them */
    VALUE_TEXT,
    VALUE_SIGNAL,
    VALUE_STATE,
    VALUE_TIME,
    VALUE_ID,
    VALUE_ID_PREFIX,
    VALUE_SIGNATURE, /* or the beginning of one */
    VALUE_PROGRAM,
    VALUE_FRAME,
};

struct key {
    const char *name;
    enum value_kind kind;
    const char *column;
    const char *index; /* that a query may be led by; NULL: none */
};

/* The JSON keys of `list`, then those that matches without a key and options stand for. The order
 * is the preference of what to lead by. */
static const struct key keys[] = {
    {"id", VALUE_ID, "id", "crash_id"},
    {"pid", VALUE_NUMBER, "pid", "crash_pid"},
    {"signature", VALUE_SIGNATURE, "signature", "crash_signature"},
    {"function", VALUE_TEXT, "function", "crash_function"},
    {"exe", VALUE_TEXT, "exe", "crash_exe"},
    {"comm", VALUE_TEXT, "comm", "crash_comm"},
    {"container", VALUE_TEXT, "container", "crash_container"},
    {"unit", VALUE_TEXT, "unit", "crash_unit"},
    {"package", VALUE_TEXT, "package", "crash_package"},
    {"user", VALUE_TEXT, "user", "crash_user"},
    {"uid", VALUE_NUMBER, "uid", "crash_uid"},
    {"signal", VALUE_SIGNAL, "signal", "crash_signal"},
    {"signal_name", VALUE_SIGNAL, "signal", "crash_signal"},
    {"time", VALUE_TIME, "time", NULL},
    {"ns_pid", VALUE_NUMBER, "ns_pid", NULL},
    {"tid", VALUE_NUMBER, "tid", NULL},
    {"gid", VALUE_NUMBER, "gid", NULL},
    {"hostname", VALUE_TEXT, "hostname", NULL},
    {"core", VALUE_STATE, "state", NULL},
    {"core_size", VALUE_NUMBER, "core_size", NULL},
    {"stored_size", VALUE_NUMBER, "stored_size", NULL},
    {"count", VALUE_NUMBER, "count", NULL},
    {"pinned", VALUE_FLAG, "pinned", NULL},
    {"reason", VALUE_TEXT, "reason", NULL},
    {"program", VALUE_PROGRAM, NULL, NULL},
};
static const struct key key_program = {"program", VALUE_PROGRAM, NULL, NULL};
static const struct key key_id_prefix = {"id", VALUE_ID_PREFIX, "id", "crash_id"};
static const struct key key_frame = {"frame", VALUE_FRAME, "stack", "crash_stack"};

/* coredumpctl's names, without COREDUMP_, where they are not the key's own. */
static const struct {
    const char *name, *key;
} coredump_names[] = {
    {"TIMESTAMP", "time"}, {"USER_UNIT", "unit"},         {"PACKAGE_NAME", "package"},
    {"USERNAME", "user"},  {"CONTAINER_ID", "container"}, {"STATE", "core"},
};

static const struct key *find_key(const char *name, size_t size)
{
    static const char prefix[] = "COREDUMP_";
    if (size > sizeof prefix - 1 && strncasecmp(name, prefix, sizeof prefix - 1) == 0) {
        name += sizeof prefix - 1;
        size -= sizeof prefix - 1;
        for (size_t i = 0; i < ARRAY_SIZE(coredump_names); i++)
            if (strlen(coredump_names[i].name) == size &&
                strncasecmp(name, coredump_names[i].name, size) == 0)
                return find_key(coredump_names[i].key, strlen(coredump_names[i].key));
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strlen(keys[i].name) == size && strncasecmp(name, keys[i].name, size) == 0)
            return &keys[i];
    return NULL;
}

/* ---- conditions ---- */

struct value {
    const struct key *key; /* of the same condition, but perhaps of another kind: id, id prefix */
    int64_t number;
    char *text;
};

struct condition {
    const char *name;
    struct value *values;
    size_t n;
};

struct filter {
    struct condition *conditions;
    size_t n;
    int64_t since, until;
};

struct filter *filter_new(void)
{
    struct filter *filter = calloc(1, sizeof *filter);
    if (filter)
        *filter = (struct filter){.since = INT64_MIN, .until = INT64_MAX};
    return filter;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->n; i++) {
        for (size_t j = 0; j < filter->conditions[i].n; j++)
            free(filter->conditions[i].values[j].text);
        free(filter->conditions[i].values);
    }
    free(filter->conditions);
    free(filter);
}

bool filter_is_empty(const struct filter *filter)
{
    return !filter || (filter->n == 0 && filter->since == INT64_MIN && filter->until == INT64_MAX);
}

void filter_set_since(struct filter *filter, int64_t time_us)
{
    filter->since = time_us;
}

void filter_set_until(struct filter *filter, int64_t time_us)
{
    filter->until = time_us;
}

static struct condition *condition_for(struct filter *filter, const char *name)
{
    for (size_t i = 0; i < filter->n; i++)
        if (strcmp(filter->conditions[i].name, name) == 0)
            return &filter->conditions[i];
    struct condition *grown =
        reallocarray(filter->conditions, filter->n + 1, sizeof *filter->conditions);
    if (!grown)
        return NULL;
    filter->conditions = grown;
    grown[filter->n] = (struct condition){.name = name};
    return &grown[filter->n++];
}

static int add_value(struct filter *filter, const struct key *key, int64_t number, const char *text)
{
    struct condition *condition = condition_for(filter, key->name);
    if (!condition)
        return -ENOMEM;
    struct value *grown =
        reallocarray(condition->values, condition->n + 1, sizeof *condition->values);
    if (!grown)
        return -ENOMEM;
    condition->values = grown;
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return -ENOMEM;
    grown[condition->n++] = (struct value){.key = key, .number = number, .text = copy};
    return 0;
}

static bool is_hex(const char *text)
{
    return text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static bool is_id_prefix(const char *text)
{
    return text[strspn(text, "0123456789-.")] == '\0' && strlen(text) < LAYOUT_ID_SIZE;
}

/* A number of seconds, or a time as people write it. */
static int parse_time(const char *text, int64_t *ret)
{
    uint64_t number;
    if (parse_u64(text, 10, INT64_MAX, &number) == 0) {
        *ret = (int64_t)number;
        return 0;
    }
    return when_parse(text, when_now(), ret);
}

static int parse_flag(const char *text, int64_t *ret)
{
    static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"0", "1"}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        for (int flag = 0; flag < 2; flag++)
            if (strcasecmp(text, words[i][flag]) == 0) {
                *ret = flag;
                return 0;
            }
    return -EINVAL;
}

static int parse_number(const struct key *key, const char *text, int64_t *ret)
{
    uint64_t number;
    int signal;
    enum record_state state;
    int r;
    switch (key->kind) {
    case VALUE_NUMBER:
        r = parse_u64(text, 10, INT64_MAX, &number);
        *ret = r < 0 ? 0 : (int64_t)number;
        return r;
    case VALUE_FLAG:
        return parse_flag(text, ret);
    case VALUE_SIGNAL:
        r = signal_from_name(text, &signal);
        *ret = r < 0 ? 0 : signal;
        return r;
    case VALUE_STATE:
        r = record_state_from_name(text, &state);
        *ret = r < 0 ? 0 : (int64_t)state;
        return r;
    case VALUE_TIME:
        return parse_time(text, ret);
    case VALUE_ID:
        return layout_id_is_valid(text) ? 0 : -EINVAL;
    case VALUE_SIGNATURE:
        return is_hex(text) && strlen(text) < CRASH_SIGNATURE_SIZE ? 0 : -EINVAL;
    default:
        return 0;
    }
}

static int unknown_key(const char *name, size_t size, struct error *error)
{
    AUTO_BYTES struct bytes names = {0};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        (void)bytes_printf(&names, " %s", keys[i].name); /* a shorter list is no failure */
    return error_set(error, EINVAL, "%.*s: no such key; there are%s", (int)size, name,
                     names.data ?: " none");
}

static int add_keyed(struct filter *filter, const char *match, const char *equals,
                     struct error *error)
{
    const struct key *key = find_key(match, (size_t)(equals - match));
    const char *text = equals + 1;
    int64_t number = 0;
    if (!key)
        return unknown_key(match, (size_t)(equals - match), error);
    if (!*text)
        return error_set(error, EINVAL, "%s: a value is missing", key->name);
    if (parse_number(key, text, &number) < 0)
        return error_set(error, EINVAL, "%s is no value for %s", text, key->name);
    int r = add_value(filter, key, number, text);
    return r < 0 ? error_errno(error, -r, "filter") : 0;
}

/* ---- CRASH: an id, a pid, a signature, a program, the beginning of an id ---- */

static bool exists(struct store *store, const struct key *key, int64_t number, const char *text)
{
    AUTO_FILTER struct filter *filter = filter_new();
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row;
    return filter && add_value(filter, key, number, text) == 0 &&
           query_begin(store, filter, QUERY_NEWEST_FIRST, 1, &query, NULL) == 0 &&
           query_next(query, &row, NULL) == 1;
}

struct candidate {
    enum crash_kind kind;
    const struct key *key;
    bool possible;
    int64_t number;
};

int filter_add_crash(struct filter *filter, struct store *store, const char *crash,
                     enum crash_kind *ret, struct error *error)
{
    uint64_t pid = 0;
    bool is_pid = parse_u64(crash, 10, INT32_MAX, &pid) == 0;
    size_t size = strlen(crash);
    const struct candidate candidates[] = {
        {CRASH_KIND_ID, find_key("id", 2), layout_id_is_valid(crash), 0},
        {CRASH_KIND_PID, find_key("pid", 3), is_pid, (int64_t)pid},
        {CRASH_KIND_SIGNATURE, find_key("signature", 9),
         size >= SIGNATURE_MIN && size < CRASH_SIGNATURE_SIZE && is_hex(crash), 0},
        {CRASH_KIND_PROGRAM, &key_program, size > 0, 0},
        {CRASH_KIND_ID_PREFIX, &key_id_prefix, size >= ID_PREFIX_MIN && is_id_prefix(crash), 0},
    };
    const struct candidate *found = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(candidates) && !found; i++)
        if (candidates[i].possible && exists(store, candidates[i].key, candidates[i].number, crash))
            found = &candidates[i];

    /* What is nothing is a program that never crashed. */
    const struct key *key = found ? found->key : &key_program;
    int r = add_value(filter, key, found ? found->number : 0, crash);
    if (r < 0)
        return error_errno(error, -r, "filter");
    if (ret)
        *ret = found ? found->kind : CRASH_KIND_NONE;
    return 0;
}

int filter_add(struct filter *filter, struct store *store, const char *match, struct error *error)
{
    /* A path may have a '=', a key has no '/'. */
    const char *equals = strchr(match, '=');
    if (equals && equals > match && !memchr(match, '/', (size_t)(equals - match)) &&
        (find_key(match, (size_t)(equals - match)) || !exists(store, &key_program, 0, match)))
        return add_keyed(filter, match, equals, error);
    return filter_add_crash(filter, store, match, NULL, error);
}

int filter_add_function(struct filter *filter, const char *name, struct error *error)
{
    if (!*name)
        return error_set(error, EINVAL, "the name of a function is missing");
    int r = add_value(filter, &key_frame, 0, name);
    return r < 0 ? error_errno(error, -r, "filter") : 0;
}

struct filter *filter_copy_with_signature(const struct filter *filter, const char *signature)
{
    static const struct key key_group = {"group", VALUE_SIGNATURE, "signature", "crash_signature"};
    AUTO_FILTER struct filter *copy = filter_new();
    if (!copy || add_value(copy, &key_group, 0, signature) < 0)
        return NULL;
    for (size_t i = 0; filter && i < filter->n; i++)
        for (size_t j = 0; j < filter->conditions[i].n; j++) {
            const struct value *value = &filter->conditions[i].values[j];
            if (add_value(copy, value->key, value->number, value->text) < 0)
                return NULL;
        }
    if (filter) {
        copy->since = filter->since;
        copy->until = filter->until;
    }
    return steal_pointer(&copy);
}

/* ---- terms ---- */

struct terms {
    struct bytes *at;
    size_t n;
};

static void terms_free(struct terms *terms)
{
    for (size_t i = 0; i < terms->n; i++)
        bytes_free(&terms->at[i]);
    free(terms->at);
    *terms = (struct terms){0};
}
#define AUTO_TERMS CLEANUP(terms_free)

__attribute__((format(printf, 2, 3))) static int terms_add(struct terms *terms, const char *format,
                                                           ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof text)
        return -E2BIG;
    struct bytes *grown = reallocarray(terms->at, terms->n + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    terms->at = grown;
    grown[terms->n] = (struct bytes){0};
    int r = bytes_append(&grown[terms->n], text, (size_t)size);
    if (r == 0)
        terms->n++;
    return r;
}

/* "column = N" for a text that the index knows; nothing for another. */
static int add_text_term(struct terms *terms, struct index *index, const char *column,
                         const char *text, struct error *error)
{
    int64_t seq;
    int r = index_text_seq(index, text, &seq, error);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return terms_add(terms, "%s = %" PRId64, column, seq);
}

/* "column = N" for each number that a statement finds. */
static int add_found_terms(struct terms *terms, struct index *index, const char *column,
                           sqlite3_stmt *statement, struct error *error)
{
    int code, r = 0;
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW)
        r = terms_add(terms, "%s = %" PRId64, column, (int64_t)sqlite3_column_int64(statement, 0));
    if (r == 0 && code != SQLITE_DONE)
        r = database_error(index_database(index), error, "index");
    sqlite3_reset(statement);
    return r;
}

static int add_signature_terms(struct terms *terms, struct index *index, const char *text,
                               struct error *error)
{
    char from[CRASH_SIGNATURE_SIZE], to[CRASH_SIGNATURE_SIZE + 1];
    size_t n = 0;
    for (; n < CRASH_SIGNATURE_SIZE - 1 && text[n]; n++)
        from[n] = (char)tolower((unsigned char)text[n]);
    from[n] = '\0';
    snprintf(to, sizeof to, "%sg", from); /* behind all that begin so: 'g' follows the digits */

    sqlite3_stmt *statement;
    int r = database_prepare(index_database(index),
                             "SELECT seq FROM signature WHERE name >= ?1 AND name < ?2", &statement,
                             error, "tt", from, to);
    return r < 0 ? r : add_found_terms(terms, index, "signature", statement, error);
}

/*
 * Stacks that have a function: of exactly this name, of this name with arguments behind it, or of a
 * name like a pattern. '(' to ')' is where the names with arguments are: one behind the other.
 */
static int add_frame_terms(struct terms *terms, struct index *index, const char *name,
                           struct error *error)
{
    static const char by_name[] =
        "SELECT DISTINCT frame.stack FROM text JOIN frame ON frame.function = text.seq"
        " WHERE text.value = ?1 OR (text.value >= ?2 AND text.value < ?3)";
    static const char by_pattern[] =
        "SELECT DISTINCT frame.stack FROM"
        " (SELECT DISTINCT function FROM frame) AS used JOIN text ON text.seq = used.function"
        " JOIN frame ON frame.function = used.function WHERE CAST(text.value AS TEXT) GLOB ?1";
    struct database *database = index_database(index);
    AUTO_BYTES struct bytes from = {0}, to = {0};
    sqlite3_stmt *statement;
    int r;
    if (strpbrk(name, "*?["))
        r = database_prepare(database, by_pattern, &statement, error, "t", name);
    else if (bytes_printf(&from, "%s(", name) < 0 || bytes_printf(&to, "%s)", name) < 0)
        r = error_errno(error, ENOMEM, "filter");
    else
        r = database_prepare(database, by_name, &statement, error, "bbb", name, from.data, to.data);
    return r < 0 ? r : add_found_terms(terms, index, "stack", statement, error);
}

static int add_program_terms(struct terms *terms, struct index *index, const char *text,
                             struct error *error)
{
    if (strchr(text, '/'))
        return add_text_term(terms, index, "exe", text, error);
    int r = add_text_term(terms, index, "comm", text, error);
    return r < 0 ? r : add_text_term(terms, index, "name", text, error);
}

static int add_terms(struct terms *terms, struct index *index, const struct value *value,
                     struct error *error)
{
    switch (value->key->kind) {
    case VALUE_TEXT:
        return add_text_term(terms, index, value->key->column, value->text, error);
    case VALUE_ID: /* was checked to be digits, '-' and '.' */
        return terms_add(terms, "id = '%s'", value->text);
    case VALUE_ID_PREFIX:
        return terms_add(terms, "(id >= '%s' AND id < '%s~')", value->text, value->text);
    case VALUE_SIGNATURE:
        return add_signature_terms(terms, index, value->text, error);
    case VALUE_PROGRAM:
        return add_program_terms(terms, index, value->text, error);
    case VALUE_FRAME:
        return add_frame_terms(terms, index, value->text, error);
    default:
        return terms_add(terms, "%s = %" PRId64, value->key->column, value->number);
    }
}

static int condition_terms(const struct condition *condition, struct index *index,
                           struct terms *ret, struct error *error)
{
    int r = 0;
    for (size_t i = 0; i < condition->n && r == 0; i++)
        r = add_terms(ret, index, &condition->values[i], error);
    return r < 0 && error && !error->code ? error_errno(error, -r, "filter") : r;
}

/* ---- compiling ---- */

static int render(struct bytes *where, const struct terms *terms)
{
    int r = bytes_append_text(where, " AND (");
    for (size_t i = 0; i < terms->n && r == 0; i++)
        r = bytes_printf(where, "%s%s", i ? " OR " : "", terms->at[i].data);
    return r < 0 ? r : bytes_append_text(where, ")");
}

/* The index that a term of each kind is led by; a program has two. */
static const char *lead_of(const struct condition *condition)
{
    return condition->values[0].key->index;
}

static const char *program_index(const struct bytes *term)
{
    return strncmp(term->data, "exe", 3) == 0    ? "crash_exe"
           : strncmp(term->data, "comm", 4) == 0 ? "crash_comm"
                                                 : "crash_name";
}

const char *compiled_index(const struct compiled *compiled, size_t lead)
{
    return compiled->lead_index ? compiled->lead_index : program_index(&compiled->lead[lead]);
}

static bool is_program(const struct condition *condition)
{
    return condition->values[0].key->kind == VALUE_PROGRAM;
}

/* The rank of a condition to lead by: small is good. */
static size_t rank(const struct condition *condition)
{
    if (is_program(condition))
        return 4; /* as exe */
    if (condition->values[0].key->kind == VALUE_FRAME)
        return 3; /* as function */
    if (condition->values[0].key->kind == VALUE_SIGNATURE)
        return 2;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].name, condition->name) == 0 && keys[i].index)
            return i;
    return SIZE_MAX;
}

void compiled_free(struct compiled *compiled)
{
    struct terms lead = {compiled->lead, compiled->n_leads};
    terms_free(&lead);
    bytes_free(&compiled->where);
    *compiled = (struct compiled){0};
}

int filter_compile(const struct filter *filter, struct index *index, bool lead,
                   struct compiled *ret, struct error *error)
{
    AUTO_COMPILED struct compiled compiled = {0};
    size_t best = SIZE_MAX;
    int r = bytes_append_text(&compiled.where, "1");
    if (r == 0 && filter && filter->since != INT64_MIN)
        r = bytes_printf(&compiled.where, " AND time >= %" PRId64, filter->since);
    if (r == 0 && filter && filter->until != INT64_MAX)
        r = bytes_printf(&compiled.where, " AND time <= %" PRId64, filter->until);

    AUTO_TERMS struct terms chosen = {0};
    for (size_t i = 0; filter && i < filter->n && r == 0; i++) {
        const struct condition *condition = &filter->conditions[i];
        AUTO_TERMS struct terms terms = {0};
        r = condition_terms(condition, index, &terms, error);
        if (r < 0)
            return r;
        compiled.never |= terms.n == 0;
        if (lead && terms.n <= FILTER_LEADS_MAX && rank(condition) < best) {
            if (chosen.n)
                r = render(&compiled.where, &chosen);
            terms_free(&chosen);
            chosen = terms;
            terms = (struct terms){0};
            best = rank(condition);
            compiled.lead_index = lead_of(condition);
        } else if (terms.n) {
            r = render(&compiled.where, &terms);
        }
    }
    if (r < 0)
        return error_errno(error, -r, "filter");
    compiled.lead = chosen.at;
    compiled.n_leads = chosen.n;
    chosen = (struct terms){0};
    *ret = compiled;
    compiled = (struct compiled){0};
    return 0;
}
