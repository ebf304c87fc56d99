/* SPDX-License-Identifier: GPL-2.0-or-later */
/* index.c - the rows behind the lists. */
#include "store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/layout.h"
#include "store/names.h"
#include "store/schema.h"

struct index {
    struct database *database;
    struct index_names names;
    bool is_small;
};

/* ---- opening ---- */

static int index_new(struct database *database, struct index **ret, struct error *error)
{
    AUTO_INDEX struct index *index = calloc(1, sizeof *index);
    if (index) {
        index->database = database;
        index->names.texts = names_new(database, &names_of_texts);
        index->names.signatures = names_new(database, &names_of_signatures);
        index->names.stacks = names_new(database, &names_of_stacks);
    } else {
        database_free(database);
    }
    if (!index || !index->names.texts || !index->names.signatures || !index->names.stacks)
        return error_errno(error, ENOMEM, "index");
    *ret = steal_pointer(&index);
    return 0;
}

int index_open_read(int dirfd, struct index **ret, struct error *error)
{
    AUTO_DATABASE struct database *database = NULL;
    int r = database_open_read(dirfd, LAYOUT_INDEX, &database, error);
    if (r == 0)
        r = schema_check(database, error);
    return r < 0 ? r : index_new(steal_pointer(&database), ret, error);
}

int index_open_write(int dirfd, mode_t mode, int wait_ms, struct index **ret, struct error *error)
{
    AUTO_DATABASE struct database *database = NULL;
    int r = database_open_write(dirfd, LAYOUT_INDEX, mode, wait_ms, &database, error);
    if (r == 0)
        r = schema_make(database, SCHEMA_LARGE, error);
    return r < 0 ? r : index_new(steal_pointer(&database), ret, error);
}

int index_open_memory(bool is_small, struct index **ret, struct error *error)
{
    AUTO_DATABASE struct database *database = NULL;
    int r = database_open_memory(&database, error);
    if (r == 0)
        r = schema_make(database, is_small ? SCHEMA_SMALL : SCHEMA_LARGE, error);
    if (r == 0)
        r = index_new(steal_pointer(&database), ret, error);
    if (r == 0)
        (*ret)->is_small = is_small;
    return r;
}

bool index_is_small(const struct index *index)
{
    return index->is_small;
}

void index_free(struct index *index)
{
    if (!index)
        return;
    names_free(index->names.texts);
    names_free(index->names.signatures);
    names_free(index->names.stacks);
    database_free(index->database);
    free(index);
}

struct database *index_database(struct index *index)
{
    return index->database;
}

const struct index_names *index_names(const struct index *index)
{
    return &index->names;
}

int index_begin(struct index *index, struct error *error)
{
    return database_begin(index->database, error);
}

int index_commit(struct index *index, struct error *error)
{
    int r = database_commit(index->database, error);
    if (r < 0)
        index_forget_names(index); /* those that were new in the transaction are none any more */
    return r;
}

void index_forget_names(struct index *index)
{
    names_forget(index->names.texts);
    names_forget(index->names.signatures);
    names_forget(index->names.stacks);
}

void index_rollback(struct index *index)
{
    database_rollback(index->database);
    index_forget_names(index); /* likewise */
}

/* ---- numbers by name ---- */

int index_meta(struct index *index, const char *name, int64_t *ret, struct error *error)
{
    int r = database_get(index->database, error, ret, "SELECT value FROM meta WHERE name = ?1", "t",
                         name);
    if (r == -ENOENT) {
        *ret = 0;
        r = 0;
    }
    return r;
}

int index_set_meta(struct index *index, const char *name, int64_t value, struct error *error)
{
    return database_run(index->database, error,
                        "INSERT INTO meta (name, value) VALUES (?1, ?2)"
                        " ON CONFLICT (name) DO UPDATE SET value = ?2",
                        "tn", name, value);
}

int index_add_meta(struct index *index, const char *name, int64_t value, struct error *error)
{
    return database_run(index->database, error,
                        "INSERT INTO meta (name, value) VALUES (?1, ?2)"
                        " ON CONFLICT (name) DO UPDATE SET value = value + ?2",
                        "tn", name, value);
}

bool index_is_complete(struct index *index)
{
    int64_t complete;
    return index_meta(index, INDEX_COMPLETE, &complete, NULL) == 0 && complete == 1;
}

/* ---- adding ---- */

static int put_texts(struct index *index, const struct crash_row *row, int64_t ret[CRASH_TEXTS],
                     struct error *error)
{
    for (int i = 0; i < CRASH_TEXTS; i++) {
        int r = names_add(index->names.texts, row->text[i], &ret[i], error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int insert(struct index *index, const struct crash_row *row, const int64_t t[CRASH_TEXTS],
                  struct error *error)
{
    return database_run(
        index->database, error,
        "INSERT INTO crash (id, time, pid, ns_pid, tid, uid, gid, signal, si_code, core_size,"
        " stored_size, report_size, user, comm, exe, name, hostname, container, unit, package,"
        " function, reason, state, content, pinned, repeat, analysis, count, owner, access_uid,"
        " private, rule, account) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
        " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, "
        "?31, ?32, ?33)",
        "tniiiiiiiiiiiiiiiiiiiinnnnnnninii", row->id, row->time_us, row->pid, row->ns_pid, row->tid,
        row->uid, row->gid, row->signal, row->si_code, row->core_size, row->stored_size,
        row->report_size, t[CRASH_USER], t[CRASH_COMM], t[CRASH_EXE], t[CRASH_NAME],
        t[CRASH_HOSTNAME], t[CRASH_CONTAINER], t[CRASH_UNIT], t[CRASH_PACKAGE], t[CRASH_FUNCTION],
        t[CRASH_REASON], (int64_t)row->core, (int64_t)row->has_content, (int64_t)row->pinned,
        (int64_t)row->repeat, (int64_t)row->analysis, (int64_t)row->count, (int64_t)row->owner,
        row->access_uid, (int64_t)row->is_private, t[CRASH_RULE], row->account);
}

/* Only what the record's file says; package, analysis and what follows from it are a report's. */
static int update(struct index *index, int64_t seq, const struct crash_row *row,
                  const int64_t t[CRASH_TEXTS], struct error *error)
{
    return database_run(
        index->database, error,
        "UPDATE crash SET core_size = ?2, stored_size = ?3, reason = ?4,"
        " state = ?5, content = ?6, count = ?7, owner = ?8, access_uid = ?9,"
        " private = ?10, pinned = ?11, user = ?12, tid = ?13, signal = ?14,"
        " comm = ?15, exe = ?16, name = ?17, rule = ?18, account = ?19"
        " WHERE seq = ?1",
        "niiinnnninniiiiiiii", seq, row->core_size, row->stored_size, t[CRASH_REASON],
        (int64_t)row->core, (int64_t)row->has_content, (int64_t)row->count, (int64_t)row->owner,
        row->access_uid, (int64_t)row->is_private, (int64_t)row->pinned, t[CRASH_USER], row->tid,
        row->signal, t[CRASH_COMM], t[CRASH_EXE], t[CRASH_NAME], t[CRASH_RULE], row->account);
}

/* Two crashes cannot share id, time, pid and uid. */
static int find_same(struct index *index, const struct crash_row *row, int64_t *ret_seq,
                     struct error *error)
{
    int64_t same;
    int r = database_get(index->database, error, &same,
                         "SELECT time = ?2 AND pid IS ?3 AND uid IS ?4 FROM crash WHERE id = ?1",
                         "tnii", row->id, row->time_us, row->pid, row->uid);
    if (r < 0)
        return r;
    if (same != 1)
        return error_set(error, EEXIST, "%s is the id of another crash", row->id);
    return database_get(index->database, error, ret_seq, "SELECT seq FROM crash WHERE id = ?1", "t",
                        row->id);
}

int index_put(struct index *index, const struct crash_row *row, int64_t *ret_seq,
              struct error *error)
{
    int64_t texts[CRASH_TEXTS], seq;
    int r = put_texts(index, row, texts, error);
    if (r < 0)
        return r;
    r = find_same(index, row, &seq, error);
    if (r == 0) {
        r = update(index, seq, row, texts, error);
    } else if (r == -ENOENT) {
        r = insert(index, row, texts, error);
        seq = sqlite3_last_insert_rowid(database_handle(index->database));
    }
    if (r == 0 && ret_seq)
        *ret_seq = seq;
    return r;
}

/* ---- what reports say ---- */

static int join(const char *const *names, size_t n, struct bytes *ret)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        if (i > 0)
            r = bytes_append_text(ret, "\n");
        if (r == 0)
            r = bytes_append_text(ret, names[i]);
    }
    return r;
}

static int put_signature(struct index *index, const struct index_report *report, int64_t *ret,
                         struct error *error)
{
    AUTO_BYTES struct bytes frames = {0};
    int r = names_add(index->names.signatures, report->signature, ret, error);
    if (r < 0 || *ret == CRASH_ABSENT)
        return r;
    if (join(report->signature_frames, report->n_signature_frames, &frames) < 0)
        return error_errno(error, ENOMEM, "index");
    return database_run(index->database, error,
                        "UPDATE signature SET frames = ?2 WHERE seq = ?1"
                        " AND frames IS NOT ?2",
                        "nb", *ret, frames.data);
}

/* A signature that nothing refers to any more, because its crashes were renamed, goes. */
static int drop_signature(struct index *index, int64_t signature, struct error *error)
{
    if (signature == CRASH_ABSENT)
        return 0;
    names_forget(index->names.signatures);
    return database_run(index->database, error,
                        "DELETE FROM signature WHERE seq = ?1 AND count <= 0"
                        " AND NOT EXISTS (SELECT 1 FROM crash WHERE crash.signature = ?1)"
                        " AND NOT EXISTS (SELECT 1 FROM stack WHERE stack.signature = ?1)",
                        "n", signature);
}

/* The named functions of a stack, each once, where it comes first: that is what is searched for. */
struct stack_names {
    struct {
        int64_t position, function;
    } at[INDEX_FUNCTIONS_MAX];
    size_t n;
};

static int list_names(struct index *index, const struct index_report *report,
                      struct stack_names *ret, struct error *error)
{
    ret->n = 0;
    for (size_t i = 0; i < report->n_functions && ret->n < ARRAY_SIZE(ret->at); i++) {
        int64_t function;
        int r = names_add(index->names.texts, report->functions[i], &function, error);
        if (r < 0)
            return r;
        if (function == CRASH_ABSENT)
            continue;
        size_t at = 0;
        while (at < ret->n && ret->at[at].function != function)
            at++;
        if (at < ret->n)
            continue;
        ret->at[at].position = (int64_t)i;
        ret->at[at].function = function;
        ret->n++;
    }
    return 0;
}

static int put_frames(struct index *index, int64_t stack, const struct stack_names *names,
                      struct error *error)
{
    int r = database_run(index->database, error, "DELETE FROM frame WHERE stack = ?1", "n", stack);
    for (size_t i = 0; i < names->n && r == 0; i++)
        r = database_run(index->database, error,
                         "INSERT INTO frame (stack, position, function) VALUES (?1, ?2, ?3)", "nnn",
                         stack, names->at[i].position, names->at[i].function);
    return r;
}

/* Code without its symbols has the build-ids and offsets, and so the stacks, of that with them; and
 * a core of which the stacks are left lacks the words of its signature. What another crash's report
 * named better keeps those names, whichever report came first. */
static int is_named_better(struct index *index, int64_t stack, int64_t seq,
                           const struct index_report *report, const struct stack_names *names,
                           int64_t *ret, struct error *error)
{
    return database_get(index->database, error, ret,
                        "SELECT count(*) + ?4 > ?3 AND EXISTS"
                        " (SELECT 1 FROM crash WHERE crash.stack = ?1 AND seq <> ?2)"
                        " FROM frame WHERE stack = ?1",
                        "nnnn", stack, seq, (int64_t)names->n, (int64_t)report->is_wordless);
}

static int rename_stack(struct index *index, int64_t stack, int64_t signature, int64_t function,
                        struct error *error)
{
    int64_t before;
    int r = database_get(index->database, error, &before,
                         "SELECT signature FROM stack WHERE seq = ?1", "n", stack);
    if (r == 0)
        r = database_run(index->database, error,
                         "UPDATE stack SET signature = ?2, function = ?3 WHERE seq = ?1", "nii",
                         stack, signature, function);
    if (r == 0)
        r = database_run(index->database, error,
                         "UPDATE crash SET signature = ?2, function = ?3 WHERE stack = ?1"
                         " AND (signature IS NOT ?2 OR function IS NOT ?3)",
                         "nii", stack, signature, function);
    if (r == 0 && before != signature)
        r = drop_signature(index, before, error);
    return r;
}

/* The stack's row, called by the report's names from now on, for all its crashes; or the report by
 * the stack's, where those are better. */
static int put_stack(struct index *index, int64_t seq, const struct index_report *report,
                     int64_t *signature, int64_t *function, int64_t *ret, struct error *error)
{
    struct stack_names names;
    int64_t as_before, better;
    int r = names_add(index->names.stacks, report->stack_id, ret, error);
    if (r < 0 || *ret == CRASH_ABSENT)
        return r;
    r = database_get(index->database, error, &as_before,
                     "SELECT signature IS ?2 AND function IS ?3"
                     " AND EXISTS (SELECT 1 FROM frame WHERE stack = ?1) FROM stack WHERE seq = ?1",
                     "nii", *ret, *signature, *function);
    if (r < 0 || as_before == 1)
        return r;
    r = list_names(index, report, &names, error);
    if (r == 0)
        r = is_named_better(index, *ret, seq, report, &names, &better, error);
    if (r < 0)
        return r;
    if (better) {
        int64_t unused = *signature;
        r = database_get(index->database, error, signature,
                         "SELECT signature FROM stack WHERE seq = ?1", "n", *ret);
        if (r == 0)
            r = database_get(index->database, error, function,
                             "SELECT function FROM stack WHERE seq = ?1", "n", *ret);
        return r < 0 || unused == *signature ? r : drop_signature(index, unused, error);
    }
    r = rename_stack(index, *ret, *signature, *function, error);
    return r < 0 ? r : put_frames(index, *ret, &names, error);
}

/* A core is a repeat where its signature has enough of them without it. */
static int is_repeat(struct index *index, int64_t seq, int64_t signature, unsigned keep,
                     int64_t *ret, struct error *error)
{
    int64_t firsts;
    *ret = 0;
    if (signature == CRASH_ABSENT)
        return 0;
    int r = database_get(index->database, error, &firsts,
                         "SELECT count(*) FROM (SELECT 1 FROM crash INDEXED BY crash_signature"
                         " WHERE signature = ?1 AND repeat = 0 AND content = 1 AND seq <> ?2"
                         " ORDER BY time LIMIT ?3)",
                         "nnn", signature, seq, (int64_t)keep);
    if (r == 0)
        *ret = firsts >= (int64_t)keep;
    return r;
}

int index_is_repeat(struct index *index, const struct crash_row *row, unsigned keep, bool *ret,
                    struct error *error)
{
    int64_t exe, firsts;
    *ret = false;
    if (!row->has_content || !row->text[CRASH_EXE])
        return 0;
    int r = names_find(index->names.texts, row->text[CRASH_EXE], &exe, error);
    if (r == 0)
        r = database_get(index->database, error, &firsts,
                         "SELECT count(*) FROM (SELECT 1 FROM crash INDEXED BY crash_alike"
                         " WHERE exe = ?1 AND account IS ?2 AND signal IS ?3 AND id <> ?4"
                         " AND content = 1 AND repeat = 0 LIMIT ?5)",
                         "niitn", exe, row->account, row->signal, row->id, (int64_t)keep);
    if (r == 0)
        *ret = firsts >= (int64_t)keep;
    return r == -ENOENT ? 0 : r;
}

int index_set_report(struct index *index, int64_t seq, const struct index_report *report,
                     unsigned keep, struct error *error)
{
    int64_t before, signature, function, package, stack, repeat;
    int r = database_get(index->database, error, &before,
                         "SELECT signature FROM crash WHERE seq = ?1", "n", seq);
    if (r == 0)
        r = put_signature(index, report, &signature, error);
    if (r == 0)
        r = names_add(index->names.texts, report->function, &function, error);
    if (r == 0)
        r = names_add(index->names.texts, report->package, &package, error);
    if (r == 0)
        r = put_stack(index, seq, report, &signature, &function, &stack, error);
    if (r == 0)
        r = is_repeat(index, seq, signature, keep, &repeat, error);
    if (r == 0)
        r = database_run(index->database, error,
                         "UPDATE crash SET signature = ?2, stack = ?3, function = ?4,"
                         " package = ifnull(?5, package), analysis = ?6, report_size = ?7,"
                         " repeat = ?8 WHERE seq = ?1",
                         "niiiinin", seq, signature, stack, function, package,
                         (int64_t)report->analysis, report->report_size, repeat);
    if (r == 0 && before != signature)
        r = drop_signature(index, before, error);
    return r;
}

/* ---- changes ---- */

int index_set_pinned(struct index *index, int64_t seq, bool pinned, struct error *error)
{
    return database_run(index->database, error, "UPDATE crash SET pinned = ?2 WHERE seq = ?1", "nn",
                        seq, (int64_t)pinned);
}

int index_set_stored(struct index *index, int64_t seq, enum record_state state, bool has_content,
                     int64_t stored_size, struct error *error)
{
    return database_run(index->database, error,
                        "UPDATE crash SET state = ?2, content = ?3, stored_size = ?4"
                        " WHERE seq = ?1",
                        "nnni", seq, (int64_t)state, (int64_t)has_content, stored_size);
}

int index_remove(struct index *index, int64_t seq, struct error *error)
{
    /* Triggers may take a signature and a stack along. */
    names_forget(index->names.signatures);
    names_forget(index->names.stacks);
    return database_run(index->database, error, "DELETE FROM crash WHERE seq = ?1", "n", seq);
}

/* ---- reading ---- */

int index_find(struct index *index, const char *id, struct crash_row **ret, struct error *error)
{
    sqlite3_stmt *statement;
    int r =
        database_prepare(index->database, "SELECT " INDEX_ROW_COLUMNS " FROM crash WHERE id = ?1",
                         &statement, error, "t", id);
    if (r < 0)
        return r;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        r = index_row(index, statement, CRASH_FIELDS_ALL, ret, error);
    else if (code == SQLITE_DONE)
        r = error_set(error, ENOENT, "no crash %s", id);
    else
        r = database_error(index->database, error, "index");
    sqlite3_reset(statement);
    return r;
}

int index_text_seq(struct index *index, const char *text, int64_t *ret, struct error *error)
{
    return names_find(index->names.texts, text, ret, error);
}

const char *index_text(struct index *index, int64_t seq)
{
    names_trim(index->names.texts);
    return names_get(index->names.texts, seq);
}

/* ---- copying ---- */

/* The texts that a statement's first column has, joined in one block of memory. */
struct text_list {
    const char **at;
    size_t n;
};

static void text_list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free((char *)list->at[i]);
    free(list->at);
}

static int text_list_add(struct text_list *list, const void *data, size_t size)
{
    const char **at = reallocarray(list->at, list->n + 1, sizeof *at);
    if (!at)
        return -ENOMEM;
    list->at = at;
    at[list->n] = strndup(data ?: "", size);
    return at[list->n] ? (list->n++, 0) : -ENOMEM;
}

static int read_functions(struct index *index, const char *stack_id, struct text_list *ret,
                          struct error *error)
{
    sqlite3_stmt *statement;
    int r = database_prepare(index->database,
                             "SELECT text.value FROM stack JOIN frame ON frame.stack = stack.seq"
                             " JOIN text ON text.seq = frame.function WHERE stack.name = ?1"
                             " ORDER BY frame.position",
                             &statement, error, "t", stack_id);
    if (r < 0)
        return r;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && r == 0)
        r = text_list_add(ret, sqlite3_column_blob(statement, 0),
                          (size_t)sqlite3_column_bytes(statement, 0));
    if (r == 0 && code != SQLITE_DONE)
        r = database_error(index->database, error, "index");
    sqlite3_reset(statement);
    return r;
}

int index_signature_frames(struct index *index, const char *signature, struct bytes *ret,
                           struct error *error)
{
    sqlite3_stmt *statement;
    int r = database_prepare(index->database, "SELECT frames FROM signature WHERE name = ?1",
                             &statement, error, "t", signature);
    if (r < 0)
        return r;
    if (sqlite3_step(statement) == SQLITE_ROW)
        r = bytes_append(ret, sqlite3_column_blob(statement, 0),
                         (size_t)sqlite3_column_bytes(statement, 0));
    sqlite3_reset(statement);
    return r < 0 ? error_errno(error, -r, "index") : 0;
}

int index_copy(struct index *from, const struct crash_row *row, struct index *into,
               struct error *error)
{
    struct crash_row copy = *row;
    copy.access_uid = CRASH_ABSENT;
    copy.repeat = false; /* it would tell what others' crashes there are */

    int64_t seq;
    int r = index_put(into, &copy, &seq, error);
    if (r != 0 || row->analysis == CRASH_PENDING)
        return r;

    CLEANUP(text_list_free) struct text_list functions = {0};
    AUTO_BYTES struct bytes frames = {0};
    if (*row->stack_id)
        r = read_functions(from, row->stack_id, &functions, error);
    if (r == 0 && *row->signature)
        r = index_signature_frames(from, row->signature, &frames, error);
    if (r < 0)
        return r;
    const char *joined = frames.data; /* one text stands for the list: it is joined already */
    struct index_report report = {
        .analysis = row->analysis,
        .report_size = row->report_size,
        .stack_id = *row->stack_id ? row->stack_id : NULL,
        .signature = *row->signature ? row->signature : NULL,
        .function = row->text[CRASH_FUNCTION],
        .package = row->text[CRASH_PACKAGE],
        .signature_frames = &joined,
        .n_signature_frames = joined != NULL,
        .functions = functions.at,
        .n_functions = functions.n,
    };
    return index_set_report(into, seq, &report, UINT32_MAX, error);
}
