/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema.c - the tables of an index. */
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#include "store/base/cleanup.h"

/*
 * Texts are the victim's bytes, so they are blobs, stored once. Every column that a filter may
 * lead by has an index that ends in the time (and, as all do, in seq): a batch of any list is read
 * from one index in order.
 *
 * Totals are kept by triggers: no statement can forget them, and a rollback takes them back.
 */
static const char schema_tables[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
    "CREATE TABLE text (seq INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE);"

    "CREATE TABLE signature (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " frames BLOB," /* names by newlines, from the top */
    " count INTEGER NOT NULL DEFAULT 0, cores INTEGER NOT NULL DEFAULT 0,"
    " first INTEGER, last INTEGER);"
    "CREATE INDEX signature_count ON signature (count);"

    /* An exact stack, and what it is called today. Its functions, each once, from the top. */
    "CREATE TABLE stack (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " signature INTEGER, function INTEGER);"
    "CREATE TABLE frame (stack INTEGER NOT NULL, position INTEGER NOT NULL,"
    " function INTEGER NOT NULL, PRIMARY KEY (stack, position)) WITHOUT ROWID;"
    "CREATE INDEX frame_function ON frame (function, stack);"

    "CREATE TABLE crash (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,"
    " time INTEGER NOT NULL,"
    " pid INTEGER, ns_pid INTEGER, tid INTEGER, uid INTEGER, gid INTEGER,"
    " signal INTEGER, si_code INTEGER,"
    " core_size INTEGER, stored_size INTEGER, report_size INTEGER,"
    " user INTEGER, comm INTEGER, exe INTEGER, name INTEGER, hostname INTEGER,"
    " container INTEGER, unit INTEGER, package INTEGER, function INTEGER, reason INTEGER,"
    " state INTEGER NOT NULL, content INTEGER NOT NULL, pinned INTEGER NOT NULL DEFAULT 0,"
    " repeat INTEGER NOT NULL DEFAULT 0, analysis INTEGER NOT NULL DEFAULT 0,"
    " count INTEGER NOT NULL DEFAULT 1, signature INTEGER, stack INTEGER,"
    " owner INTEGER NOT NULL, access_uid INTEGER, private INTEGER NOT NULL,"
    " rule INTEGER,"      /* which [rule] it came under, for its ages */
    " account INTEGER);"; /* whose shares it counts for: not one for each id that a user may have */

static const char schema_indexes[] =
    "CREATE UNIQUE INDEX crash_id ON crash (id);"
    "CREATE INDEX crash_time ON crash (time);"
    /* With all that groups are made of, so that they are read from it alone. */
    "CREATE INDEX crash_signature ON crash (signature, time, seq, user, uid, name, count)"
    " WHERE signature IS NOT NULL;"
    "CREATE INDEX crash_pinned ON crash (time) WHERE pinned = 1;"
    "CREATE INDEX crash_pending ON crash (time) WHERE analysis = 0;"
    "CREATE INDEX crash_core ON crash (account, repeat, time) WHERE content = 1 AND pinned = 0;";

/* What is of use among many rows only, or where something is changed. */
static const char schema_more_indexes[] =
    "CREATE INDEX crash_pid ON crash (pid, time);"
    "CREATE INDEX crash_uid ON crash (uid, time);"
    "CREATE INDEX crash_user ON crash (user, time);"
    "CREATE INDEX crash_signal ON crash (signal, time);"
    "CREATE INDEX crash_exe ON crash (exe, time);"
    "CREATE INDEX crash_comm ON crash (comm, time);"
    "CREATE INDEX crash_name ON crash (name, time);"
    "CREATE INDEX crash_container ON crash (container, time) WHERE container IS NOT NULL;"
    "CREATE INDEX crash_unit ON crash (unit, time) WHERE unit IS NOT NULL;"
    "CREATE INDEX crash_package ON crash (package, time) WHERE package IS NOT NULL;"
    "CREATE INDEX crash_function ON crash (function, time) WHERE function IS NOT NULL;"
    "CREATE INDEX crash_stack ON crash (stack, time) WHERE stack IS NOT NULL;"
    "CREATE INDEX crash_access ON crash (access_uid, time) WHERE access_uid IS NOT NULL;"
    /* What retention may take next: crash_core, whole crashes, cores by age. */
    "CREATE INDEX crash_core_age ON crash (rule, time) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_core_size ON crash (stored_size) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_victim ON crash (account, repeat, time) WHERE pinned = 0;"
    "CREATE INDEX crash_rule ON crash (rule, time) WHERE pinned = 0;"
    /* Cores that look alike before they are explained, and who waits for that (pending.h). */
    "CREATE INDEX crash_alike ON crash (exe, account, signal) WHERE content = 1 AND repeat = 0;"
    "CREATE INDEX crash_waiting ON crash (ifnull(account, -1), time) WHERE analysis = 0;";

/* Bytes are counted in whole blocks, as the disk does. */
#define BLOCKS(size) "((ifnull(" size ", 0) + 4095) / 4096 * 4096)"
#define REPORT(row)  BLOCKS(row ".report_size")
#define BYTES(row)   "(" BLOCKS(row ".stored_size") " + " REPORT(row) ")"
#define NEW_REPORT   REPORT("new")
#define OLD_REPORT   REPORT("old")
#define NEW_BYTES    BYTES("new")
#define OLD_BYTES    BYTES("old")

#define ADD_TOTALS                                                                                 \
    " INSERT INTO usage (account, rows, crashes, cores, bytes, reports)"                           \
    "  VALUES (ifnull(new.account, -1), 1, new.count, new.content, " NEW_BYTES ","                 \
    "   " NEW_REPORT ")"                                                                           \
    "  ON CONFLICT (account) DO UPDATE SET rows = rows + 1, crashes = crashes + new.count,"        \
    "   cores = cores + new.content, bytes = bytes + " NEW_BYTES ","                               \
    "   reports = reports + " NEW_REPORT ";"                                                       \
    " INSERT INTO state (state, rows) VALUES (new.state, 1)"                                       \
    "  ON CONFLICT (state) DO UPDATE SET rows = rows + 1;"                                         \
    " UPDATE signature SET count = count + new.count, cores = cores + new.content,"                \
    "   first = min(ifnull(first, new.time), new.time),"                                           \
    "   last = max(ifnull(last, new.time), new.time) WHERE seq = new.signature;"                   \
    " INSERT OR IGNORE INTO change (uid, id)"                                                      \
    "  SELECT new.access_uid, new.id WHERE new.access_uid IS NOT NULL;"

/* A signature's first and last are looked up anew only where the row that goes was one of them. */
#define SUBTRACT_TOTALS                                                                            \
    " UPDATE usage SET rows = rows - 1, crashes = crashes - old.count,"                            \
    "  cores = cores - old.content, bytes = bytes - " OLD_BYTES ","                                \
    "  reports = reports - " OLD_REPORT " WHERE account = ifnull(old.account, -1);"                \
    " DELETE FROM usage WHERE account = ifnull(old.account, -1) AND rows = 0;"                     \
    " UPDATE state SET rows = rows - 1 WHERE state = old.state;"                                   \
    " UPDATE signature SET count = count - old.count, cores = cores - old.content"                 \
    "  WHERE seq = old.signature;"                                                                 \
    " UPDATE signature SET"                                                                        \
    "  first = (SELECT min(time) FROM crash WHERE crash.signature = old.signature),"               \
    "  last = (SELECT max(time) FROM crash WHERE crash.signature = old.signature)"                 \
    "  WHERE seq = old.signature AND (first >= old.time OR last <= old.time);"                     \
    " INSERT OR IGNORE INTO change (uid, id)"                                                      \
    "  SELECT old.access_uid, old.id WHERE old.access_uid IS NOT NULL;"

static const char schema_totals[] =
    "CREATE TABLE usage (account INTEGER PRIMARY KEY, rows INTEGER NOT NULL,"
    " crashes INTEGER NOT NULL, cores INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " reports INTEGER NOT NULL);"
    "CREATE INDEX usage_bytes ON usage (bytes);"
    "CREATE TABLE state (state INTEGER PRIMARY KEY, rows INTEGER NOT NULL);"
    /* Crashes that the index of a user, crashes/<uid>/index.db, must hear of. */
    "CREATE TABLE change (uid INTEGER, id TEXT, PRIMARY KEY (uid, id)) WITHOUT ROWID;"
    "CREATE TRIGGER crash_added AFTER INSERT ON crash BEGIN" ADD_TOTALS " END;"
    "CREATE TRIGGER crash_changed AFTER UPDATE ON crash BEGIN" SUBTRACT_TOTALS ADD_TOTALS " END;"
    "CREATE TRIGGER crash_removed AFTER DELETE ON crash BEGIN" SUBTRACT_TOTALS
    " DELETE FROM stack WHERE seq = old.stack"
    "  AND NOT EXISTS (SELECT 1 FROM crash WHERE crash.stack = old.stack);"
    " END;"
    "CREATE TRIGGER stack_removed AFTER DELETE ON stack BEGIN"
    " DELETE FROM frame WHERE stack = old.seq;"
    " DELETE FROM signature WHERE seq = old.signature AND count <= 0"
    "  AND NOT EXISTS (SELECT 1 FROM crash WHERE crash.signature = old.signature);"
    " END;";

static int pragma(struct database *database, const char *sql, int64_t *ret, struct error *error)
{
    return database_get(database, error, ret, sql, "");
}

/* 0 for an empty file. */
static int read_version(struct database *database, int64_t *ret, struct error *error)
{
    int64_t application_id, version;
    int r = pragma(database, "PRAGMA application_id", &application_id, error);
    if (r == 0)
        r = pragma(database, "PRAGMA user_version", &version, error);
    if (r != 0)
        return r;
    if (version != 0 && application_id != SCHEMA_APPLICATION_ID)
        return error_set(error, EUCLEAN, "the index is another program's database");
    if (version != 0 && version != SCHEMA_VERSION)
        return error_set(error, EUCLEAN, "the index is of another version (%d, not %d)",
                         (int)version, SCHEMA_VERSION);
    *ret = version;
    return 0;
}

int schema_check(struct database *database, struct error *error)
{
    int64_t version;
    int r = read_version(database, &version, error);
    return r == 0 && version == 0 ? error_set(error, EUCLEAN, "the index is empty") : r;
}

static int make_tables(struct database *database, enum schema_size size, struct error *error)
{
    static const char *const scripts[] = {schema_tables, schema_totals, schema_indexes,
                                          schema_more_indexes};
    char mark[96];
    for (size_t i = 0; i < ARRAY_SIZE(scripts) - (size == SCHEMA_SMALL); i++) {
        int r = database_script(database, scripts[i], error);
        if (r < 0)
            return r;
    }
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%d",
             SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
    return database_script(database, mark, error);
}

int schema_make(struct database *database, enum schema_size size, struct error *error)
{
    int64_t version;
    int r = read_version(database, &version, error);
    if (r != 0 || version == SCHEMA_VERSION)
        return r;

    r = database_begin(database, error);
    if (r < 0)
        return r;
    r = read_version(database, &version, error); /* another may have been faster */
    if (r == 0 && version == 0)
        r = make_tables(database, size, error);
    if (r < 0) {
        database_rollback(database);
        return r;
    }
    return database_commit(database, error);
}
