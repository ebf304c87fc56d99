/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query.c - lists of crashes, in batches from one index at a time. */
#include "store/query.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/filter.h"
#include "store/index.h"

enum {
    BATCH_FIRST = 64,
    BATCH_MAX = 1024,
    CANDIDATES_MAX = 8, /* ids that an ambiguous prefix lists */
};

enum stream_order { STREAM_NEWEST, STREAM_OLDEST, STREAM_ARRIVAL };

/*
 * What comes from one source: each of its statements finds rows in order behind a position; their
 * union, sorted, without doubles and cut to the batch's size, is the next batch.
 */
struct stream {
    struct index *index;
    enum stream_order order;
    uint64_t fields;
    sqlite3_stmt **statements;
    size_t n_statements;
    struct crash_row **rows; /* of this batch */
    size_t n_rows, at, capacity;
    int64_t time_us, seq; /* of the last row of the batch */
    bool at_end;
};

struct query {
    struct stream streams[STORE_SOURCES_MAX];
    unsigned n_streams;
    enum query_order order;
    uint64_t left; /* rows still to give */
    size_t batch;
    struct query_position *position; /* to move along, or NULL */
    struct crash_row *current;
};

/* ---- statements ---- */

/* ?1 and ?2: the time and seq of the last row, ?3: how many. */
static const char *const order_sql[] = {
    [STREAM_NEWEST] = " AND time <= ?1 AND (time < ?1 OR seq < ?2) ORDER BY time DESC, seq DESC"
                      " LIMIT ?3",
    [STREAM_OLDEST] = " AND time >= ?1 AND (time > ?1 OR seq > ?2) ORDER BY time, seq LIMIT ?3",
    [STREAM_ARRIVAL] = " AND ?1 IS NOT NULL AND seq > ?2 ORDER BY seq LIMIT ?3",
};

static int build_sql(const struct stream *stream, const struct compiled *compiled, size_t lead,
                     struct bytes *ret)
{
    enum stream_order order = stream->order;
    int r = bytes_append_text(ret, "SELECT ");
    if (r == 0)
        r = index_row_columns(stream->fields, ret);
    if (r == 0)
        r = bytes_append_text(ret, " FROM crash ");
    if (r == 0 && order == STREAM_ARRIVAL)
        r = bytes_append_text(ret, "NOT INDEXED"); /* by seq, which is the row's own number */
    else if (r == 0)
        r = bytes_printf(ret, "INDEXED BY %s",
                         compiled->n_leads && !index_is_small(stream->index)
                             ? compiled_index(compiled, lead)
                             : "crash_time");
    if (r == 0)
        r = bytes_printf(ret, " WHERE %s", compiled->where.data);
    if (r == 0 && compiled->n_leads)
        r = bytes_printf(ret, " AND %s", compiled->lead[lead].data);
    return r < 0 ? r : bytes_append_text(ret, order_sql[order]);
}

static int add_statement(struct stream *stream, const struct compiled *compiled, size_t lead,
                         struct error *error)
{
    AUTO_BYTES struct bytes sql = {0};
    struct database *database = index_database(stream->index);
    if (build_sql(stream, compiled, lead, &sql) < 0)
        return error_errno(error, ENOMEM, "query");
    if (sqlite3_prepare_v2(database_handle(database), sql.data, (int)sql.size,
                           &stream->statements[stream->n_statements], NULL) != SQLITE_OK)
        return database_error(database, error, "query");
    stream->n_statements++;
    return 0;
}

static void stream_free(struct stream *stream)
{
    for (size_t i = 0; i < stream->n_statements; i++)
        sqlite3_finalize(stream->statements[i]);
    free(stream->statements);
    for (size_t i = stream->at; i < stream->n_rows; i++)
        crash_row_free(stream->rows[i]);
    free(stream->rows);
}

static int stream_open(struct stream *ret, struct index *index, const struct filter *filter,
                       enum stream_order order, uint64_t fields, struct error *error)
{
    struct stream stream = {
        .index = index, .order = order, .fields = fields, .time_us = INT64_MAX, .seq = INT64_MAX};
    if (order != STREAM_NEWEST)
        stream.time_us = stream.seq = INT64_MIN;

    AUTO_COMPILED struct compiled compiled = {0};
    int r = filter_compile(filter, index, order != STREAM_ARRIVAL, &compiled, error);
    if (r < 0)
        return r;
    size_t n = compiled.n_leads ? compiled.n_leads : 1;
    stream.statements = calloc(n, sizeof *stream.statements);
    if (!stream.statements)
        return error_errno(error, ENOMEM, "query");
    stream.at_end = compiled.never;
    for (size_t i = 0; i < n && !stream.at_end && r == 0; i++)
        r = add_statement(&stream, &compiled, i, error);
    if (r < 0) {
        stream_free(&stream);
        return r;
    }
    *ret = stream;
    return 0;
}

/* ---- batches ---- */

static int compare_rows(const struct crash_row *a, const struct crash_row *b,
                        enum stream_order order)
{
    int direction = order == STREAM_NEWEST ? -1 : 1;
    if (order != STREAM_ARRIVAL && a->time_us != b->time_us)
        return a->time_us < b->time_us ? -direction : direction;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -direction : direction;
    return 0;
}

static int compare_in_stream(const void *a, const void *b, void *order)
{
    return compare_rows(*(struct crash_row *const *)a, *(struct crash_row *const *)b,
                        *(enum stream_order *)order);
}

static int stream_append(struct stream *stream, struct crash_row *row)
{
    if (stream->n_rows == stream->capacity) {
        size_t capacity = stream->capacity ? stream->capacity * 2 : BATCH_FIRST;
        struct crash_row **rows = reallocarray(stream->rows, capacity, sizeof *rows);
        if (!rows) {
            crash_row_free(row);
            return -ENOMEM;
        }
        stream->rows = rows;
        stream->capacity = capacity;
    }
    stream->rows[stream->n_rows++] = row;
    return 0;
}

/* The next rows of one statement. The read transaction ends here. */
static int step_batch(struct stream *stream, sqlite3_stmt *statement, size_t batch, size_t *ret_n,
                      struct error *error)
{
    size_t n = 0;
    int code, r = 0;
    sqlite3_bind_int64(statement, 1, stream->time_us);
    sqlite3_bind_int64(statement, 2, stream->seq);
    sqlite3_bind_int64(statement, 3, (int64_t)batch);
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct crash_row *row;
        r = index_row(stream->index, statement, stream->fields, &row, error);
        if (r == 0)
            r = stream_append(stream, row);
        n++;
    }
    if (r == 0 && code != SQLITE_DONE)
        r = database_error(index_database(stream->index), error, "query");
    sqlite3_reset(statement);
    *ret_n = n;
    return r;
}

/* Sorts what several statements found, drops doubles, and keeps a batch. */
static void merge_batch(struct stream *stream, size_t batch)
{
    if (stream->n_rows > 1)
        qsort_r(stream->rows, stream->n_rows, sizeof *stream->rows, compare_in_stream,
                &stream->order);
    size_t kept = 0;
    for (size_t i = 0; i < stream->n_rows; i++) {
        bool twice = kept > 0 && stream->rows[kept - 1]->seq == stream->rows[i]->seq;
        if (twice || kept == batch)
            crash_row_free(stream->rows[i]);
        else
            stream->rows[kept++] = stream->rows[i];
    }
    stream->n_rows = kept;
}

static int stream_fill(struct stream *stream, size_t batch, struct error *error)
{
    stream->at = stream->n_rows = 0;
    bool more = false;
    for (size_t i = 0; i < stream->n_statements; i++) {
        size_t n;
        int r = step_batch(stream, stream->statements[i], batch, &n, error);
        if (r < 0)
            return r;
        more |= n == batch;
    }
    if (stream->n_statements > 1 && stream->n_rows > 0) {
        more |= stream->n_rows > batch;
        merge_batch(stream, batch);
    }
    stream->at_end = !more;
    if (stream->n_rows > 0) {
        stream->time_us = stream->rows[stream->n_rows - 1]->time_us;
        stream->seq = stream->rows[stream->n_rows - 1]->seq;
    }
    return 0;
}

/* ---- queries ---- */

/* The number of the last row that the index before knew, in one that was made anew. */
static int last_known(struct index *index, struct index *before, int64_t *ret, struct error *error)
{
    sqlite3_stmt *statement;
    int r = database_prepare(index_database(index), "SELECT id, seq FROM crash ORDER BY seq DESC",
                             &statement, error, "");
    if (r < 0)
        return r;
    int code;
    int64_t last = 0;
    while (last == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(statement, 0);
        AUTO_CRASH_ROW struct crash_row *row = NULL;
        if (id && index_find(before, id, &row, NULL) == 0)
            last = sqlite3_column_int64(statement, 1);
    }
    if (last == 0 && code != SQLITE_DONE)
        r = database_error(index_database(index), error, "query");
    sqlite3_reset(statement);
    *ret = last;
    return r;
}

static int take_position(struct store *store, unsigned source, struct query_position *position,
                         struct error *error)
{
    struct index *index = store_index(store, source);
    if (store_source_is_unadopted(store, source) || position->index[source] == index)
        return 0;
    int64_t seq = 0;
    int r = position->index[source] ? last_known(index, position->index[source], &seq, error) : 0;
    if (r == 0) {
        position->seq[source] = seq;
        position->index[source] = index;
    }
    return r;
}

static int query_open(struct store *store, const struct filter *filter, enum stream_order order,
                      uint64_t limit, uint64_t fields, struct query_position *position,
                      struct query **ret, struct error *error)
{
    AUTO_QUERY struct query *query = calloc(1, sizeof *query);
    if (!query)
        return error_errno(error, ENOMEM, "query");
    int r = store_refresh(store, error);
    if (r < 0)
        return r;
    query->order = order == STREAM_NEWEST ? QUERY_NEWEST_FIRST : QUERY_OLDEST_FIRST;
    query->left = limit ? limit : UINT64_MAX;
    query->batch = limit && limit < BATCH_FIRST ? limit : BATCH_FIRST;
    query->position = position;
    for (unsigned i = 0; i < store_source_count(store); i++) {
        r = stream_open(&query->streams[i], store_index(store, i), filter, order, fields, error);
        if (r < 0)
            return r;
        query->n_streams++;
        if (position)
            r = take_position(store, i, position, error);
        if (r < 0)
            return r;
        if (position)
            query->streams[i].seq = position->seq[i];
    }
    *ret = steal_pointer(&query);
    return 0;
}

int query_begin(struct store *store, const struct filter *filter, enum query_order order,
                uint64_t limit, struct query **ret, struct error *error)
{
    return query_begin_fields(store, filter, order, limit, CRASH_FIELDS_ALL, ret, error);
}

int query_begin_fields(struct store *store, const struct filter *filter, enum query_order order,
                       uint64_t limit, uint64_t fields, struct query **ret, struct error *error)
{
    return query_open(store, filter, order == QUERY_NEWEST_FIRST ? STREAM_NEWEST : STREAM_OLDEST,
                      limit, fields, NULL, ret, error);
}

void query_free(struct query *query)
{
    if (!query)
        return;
    for (unsigned i = 0; i < query->n_streams; i++)
        stream_free(&query->streams[i]);
    crash_row_free(query->current);
    free(query);
}

/* The first row of a stream; NULL at its end. */
static int stream_peek(struct stream *stream, size_t batch, struct crash_row **ret,
                       struct error *error)
{
    if (stream->at == stream->n_rows && !stream->at_end) {
        int r = stream_fill(stream, batch, error);
        if (r < 0)
            return r;
    }
    *ret = stream->at < stream->n_rows ? stream->rows[stream->at] : NULL;
    return 0;
}

/* Which of two sources' rows comes first. */
static bool comes_first(const struct query *query, const struct crash_row *a,
                        const struct crash_row *b)
{
    if (a->time_us == b->time_us)
        return false;
    return (a->time_us > b->time_us) == (query->order == QUERY_NEWEST_FIRST);
}

int query_next(struct query *query, const struct crash_row **ret, struct error *error)
{
    struct crash_row *first = NULL;
    unsigned from = 0;
    if (query->left == 0)
        return 0;
    for (unsigned i = 0; i < query->n_streams; i++) {
        struct crash_row *row;
        int r = stream_peek(&query->streams[i], query->batch, &row, error);
        if (r < 0)
            return r;
        if (row && (!first || comes_first(query, row, first))) {
            first = row;
            from = i;
        }
    }
    if (!first)
        return 0;

    struct stream *stream = &query->streams[from];
    stream->at++;
    if (stream->at == stream->n_rows && query->batch < BATCH_MAX)
        query->batch *= 2; /* whoever reads on reads more */
    query->left--;
    first->source = from;
    if (query->position)
        query->position->seq[from] = first->seq;
    crash_row_free(query->current);
    query->current = first;
    *ret = first;
    return 1;
}

/* ---- arrivals ---- */

int query_position_now(struct store *store, struct query_position *ret, struct error *error)
{
    struct query_position position = {0};
    int r = store_refresh(store, error); /* what nobody has adopted is there, too */
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++) {
        int64_t seq;
        r = database_get(index_database(store_index(store, i)), error, &seq,
                         "SELECT max(seq) FROM crash", "");
        if (r == 0)
            position.seq[i] = seq == CRASH_ABSENT ? 0 : seq;
        if (!store_source_is_unadopted(store, i))
            position.index[i] = store_index(store, i);
    }
    if (r == 0)
        *ret = position;
    return r;
}

int query_begin_arrivals(struct store *store, const struct filter *filter,
                         struct query_position *position, struct query **ret, struct error *error)
{
    return query_open(store, filter, STREAM_ARRIVAL, 0, CRASH_FIELDS_ALL, position, ret, error);
}

/* ---- counts ---- */

static int count_source(struct index *index, const struct filter *filter, uint64_t *ret,
                        struct error *error)
{
    struct database *database = index_database(index);
    int64_t n;
    if (filter_is_empty(filter)) {
        int r = database_get(database, error, &n, "SELECT ifnull(sum(rows), 0) FROM state", "");
        *ret = r < 0 ? 0 : (uint64_t)n;
        return r;
    }
    AUTO_COMPILED struct compiled compiled = {0};
    AUTO_BYTES struct bytes sql = {0};
    sqlite3_stmt *statement;
    int r = filter_compile(filter, index, false, &compiled, error);
    if (r < 0)
        return r;
    *ret = 0;
    if (compiled.never)
        return 0;
    if (bytes_printf(&sql, "SELECT count(*) FROM crash WHERE %s", compiled.where.data) < 0)
        return error_errno(error, ENOMEM, "query");
    if (sqlite3_prepare_v2(database_handle(database), sql.data, -1, &statement, NULL) != SQLITE_OK)
        return database_error(database, error, "query");
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(statement, 0);
    else
        r = database_error(database, error, "query");
    sqlite3_finalize(statement);
    return r;
}

int query_count(struct store *store, const struct filter *filter, uint64_t *ret,
                struct error *error)
{
    uint64_t sum = 0;
    int r = store_refresh(store, error);
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++) {
        uint64_t n = 0;
        r = count_source(store_index(store, i), filter, &n, error);
        sum += n;
    }
    if (r == 0)
        *ret = sum;
    return r;
}

/* ---- one crash ---- */

static int take_first(struct store *store, const struct filter *filter, const char *what,
                      struct crash_row **ret, struct error *error)
{
    AUTO_QUERY struct query *query = NULL;
    const struct crash_row *row = NULL;
    int r = query_begin(store, filter, QUERY_NEWEST_FIRST, 1, &query, error);
    if (r == 0)
        r = query_next(query, &row, error);
    if (r < 0)
        return r;
    if (r == 0)
        return what ? error_set(error, ENOENT, "no crash matches %s", what)
                    : error_set(error, ENOENT, "no crash has been collected yet");
    *ret = crash_row_copy(row);
    return *ret ? 0 : error_errno(error, ENOMEM, "query");
}

/* An id's beginning must be that of one crash. */
static int check_unique(struct store *store, const struct filter *filter, const char *prefix,
                        struct error *error)
{
    AUTO_QUERY struct query *query = NULL;
    AUTO_BYTES struct bytes ids = {0};
    const struct crash_row *row;
    size_t n = 0;
    int r = query_begin(store, filter, QUERY_NEWEST_FIRST, CANDIDATES_MAX + 1, &query, error);
    if (r < 0)
        return r;
    while ((r = query_next(query, &row, error)) == 1)
        if (n++ < CANDIDATES_MAX)
            (void)bytes_printf(&ids, " %s", row->id); /* a shorter message is one, too */
    if (r < 0 || n < 2)
        return r;
    return error_set(error, ENOTUNIQ, "%s is ambiguous:%s%s", prefix, ids.data ?: "",
                     n > CANDIDATES_MAX ? " …" : "");
}

int query_resolve(struct store *store, const char *crash, struct crash_row **ret,
                  struct error *error)
{
    if (!crash || !*crash)
        return take_first(store, NULL, NULL, ret, error);

    AUTO_FILTER struct filter *filter = filter_new();
    enum crash_kind kind;
    if (!filter)
        return error_errno(error, ENOMEM, "query");
    int r = filter_add_crash(filter, store, crash, &kind, error);
    if (r == 0 && kind == CRASH_KIND_ID_PREFIX)
        r = check_unique(store, filter, crash, error);
    return r < 0 ? r : take_first(store, filter, crash, ret, error);
}

int query_id(struct store *store, const char *id, struct crash_row **ret, struct error *error)
{
    int r = store_refresh(store, error);
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++) {
        r = index_find(store_index(store, i), id, ret, error);
        if (r == 0) {
            (*ret)->source = i;
            return 0;
        }
        if (r == -ENOENT)
            r = 0;
    }
    return r < 0 ? r : error_set(error, ENOENT, "no crash %s", id);
}
