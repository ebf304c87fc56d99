/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema.c - the tables of an index. */
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

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
    " owner INTEGER NOT NULL, access_uid INTEGER, private INTEGER NOT NULL);";

static const char schema_indexes[] =
    "CREATE UNIQUE INDEX crash_id ON crash (id);"
    "CREATE INDEX crash_time ON crash (time);"
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
    /* With all that groups are made of, so that they are read from it alone. */
    "CREATE INDEX crash_signature ON crash (signature, time, seq, user, uid, name, count)"
    " WHERE signature IS NOT NULL;"
    "CREATE INDEX crash_stack ON crash (stack, time) WHERE stack IS NOT NULL;"
    "CREATE INDEX crash_access ON crash (access_uid, time) WHERE access_uid IS NOT NULL;"
    "CREATE INDEX crash_pinned ON crash (time) WHERE pinned = 1;"
    "CREATE INDEX crash_pending ON crash (time) WHERE analysis = 0;"
    /* What retention may take next: cores, whole crashes, cores by age. */
    "CREATE INDEX crash_core ON crash (uid, repeat, time) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_core_age ON crash (time) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_core_size ON crash (stored_size) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_victim ON crash (uid, repeat, time) WHERE pinned = 0;";

/* Bytes are counted in whole blocks, as the disk does. */
#define BLOCKS(size) "((ifnull(" size ", 0) + 4095) / 4096 * 4096)"
#define REPORT(row)  BLOCKS(row ".report_size")
#define BYTES(row)   "(" BLOCKS(row ".stored_size") " + " REPORT(row) ")"

/* `who` is the column that tells whose usage it is. */
#define ADD_TOTALS(who)                                                                            \
    " INSERT INTO usage (" who ", rows, crashes, cores, bytes, reports)"                           \
    "  VALUES (ifnull(new." who ", -1), 1, new.count, new.content, " BYTES("new") ", " REPORT(     \
        "new") ")"                                                                                 \
               "  ON CONFLICT (" who                                                               \
               ") DO UPDATE SET rows = rows + 1, crashes = crashes + new.count,"                   \
               "   cores = cores + new.content, bytes = bytes + " BYTES(                           \
                   "new") ","                                                                      \
                          "   reports = reports + " REPORT(                                        \
                              "new") ";"                                                           \
                                     " INSERT INTO state (state, rows) VALUES (new.state, 1)"      \
                                     "  ON CONFLICT (state) DO UPDATE SET rows = rows + 1;"        \
                                     " UPDATE signature SET count = count + new.count, cores = "   \
                                     "cores + new.content,"                                        \
                                     "   first = min(ifnull(first, new.time), new.time),"          \
                                     "   last = max(ifnull(last, new.time), new.time) WHERE seq "  \
                                     "= new.signature;"                                            \
                                     " INSERT OR IGNORE INTO change (uid, id)"                     \
                                     "  SELECT new.access_uid, new.id WHERE new.access_uid IS "    \
                                     "NOT NULL;"

/* A signature's first and last are looked up anew only where the row that goes was one of them. */
#define SUBTRACT_TOTALS(who)                                                                       \
    " UPDATE usage SET rows = rows - 1, crashes = crashes - old.count,"                            \
    "  cores = cores - old.content, bytes = bytes - " BYTES(                                       \
        "old") ","                                                                                 \
               "  reports = reports - " REPORT(                                                    \
                   "old") "  WHERE " who " = ifnull(old." who ", -1);"                             \
                          " DELETE FROM usage WHERE " who " = ifnull(old." who                     \
                          ", -1) AND rows = 0;"                                                    \
                          " UPDATE state SET rows = rows - 1 WHERE state = old.state;"             \
                          " UPDATE signature SET count = count - old.count, cores = cores - "      \
                          "old.content"                                                            \
                          "  WHERE seq = old.signature;"                                           \
                          " UPDATE signature SET"                                                  \
                          "  first = (SELECT min(time) FROM crash WHERE crash.signature = "        \
                          "old.signature),"                                                        \
                          "  last = (SELECT max(time) FROM crash WHERE crash.signature = "         \
                          "old.signature)"                                                         \
                          "  WHERE seq = old.signature AND (first >= old.time OR last <= "         \
                          "old.time);"                                                             \
                          " INSERT OR IGNORE INTO change (uid, id)"                                \
                          "  SELECT old.access_uid, old.id WHERE old.access_uid IS NOT NULL;"

#define USAGE(who)                                                                                 \
    "CREATE TABLE usage (" who " INTEGER PRIMARY KEY, rows INTEGER NOT NULL,"                      \
    " crashes INTEGER NOT NULL, cores INTEGER NOT NULL, bytes INTEGER NOT NULL,"                   \
    " reports INTEGER NOT NULL);"                                                                  \
    "CREATE INDEX usage_bytes ON usage (bytes);"

#define TRIGGERS(who)                                                                              \
    "CREATE TRIGGER crash_added AFTER INSERT ON crash BEGIN" ADD_TOTALS(                           \
        who) " END;"                                                                               \
             "CREATE TRIGGER crash_changed AFTER UPDATE ON crash BEGIN" SUBTRACT_TOTALS(who)       \
                 ADD_TOTALS(who) " END;"                                                           \
                                 "CREATE TRIGGER crash_removed AFTER DELETE ON crash "             \
                                 "BEGIN" SUBTRACT_TOTALS(                                          \
                                     who) " DELETE FROM stack WHERE seq = old.stack"               \
                                          "  AND NOT EXISTS (SELECT 1 FROM crash WHERE "           \
                                          "crash.stack = old.stack);"                              \
                                          " END;"

static const char schema_totals[] =
    USAGE("uid") "CREATE TABLE state (state INTEGER PRIMARY KEY, rows INTEGER NOT NULL);"
                 /* Crashes that the index of a user, crashes/<uid>/index.db, must hear of. */
                 "CREATE TABLE change (uid INTEGER, id TEXT, PRIMARY KEY (uid, id)) WITHOUT "
                 "ROWID;" TRIGGERS(
                     "uid") "CREATE TRIGGER stack_removed AFTER DELETE ON stack BEGIN"
                            " DELETE FROM frame WHERE stack = old.seq;"
                            " DELETE FROM signature WHERE seq = old.signature AND count <= 0"
                            "  AND NOT EXISTS (SELECT 1 FROM crash WHERE crash.signature = "
                            "old.signature);"
                            " END;";

/* Which [rule] a crash came under, for its ages; and cores that look alike before they are
 * explained. */
static const char schema_rules[] =
    "ALTER TABLE crash ADD COLUMN rule INTEGER;"
    "CREATE INDEX crash_rule ON crash (rule, time) WHERE pinned = 0;"
    "DROP INDEX crash_core_age;"
    "CREATE INDEX crash_core_age ON crash (rule, time) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_alike ON crash (exe, uid, signal) WHERE content = 1 AND repeat = 0;";

/* Who waits for reports (pending.h). */
static const char schema_waiting[] =
    "CREATE INDEX crash_waiting ON crash (ifnull(access_uid, ifnull(uid, -1)), time)"
    " WHERE analysis = 0;";

/* Whose shares a crash counts for: not one for each of the ids that a user may have. */
static const char schema_accounts[] =
    "DROP TRIGGER crash_added; DROP TRIGGER crash_changed; DROP TRIGGER crash_removed;"
    "DROP TABLE usage;"
    "ALTER TABLE crash ADD COLUMN account INTEGER;"
    "UPDATE crash SET account = uid;"
    "DROP INDEX crash_core; DROP INDEX crash_victim; DROP INDEX crash_alike;"
    "DROP INDEX crash_waiting;"
    "CREATE INDEX crash_core ON crash (account, repeat, time) WHERE content = 1 AND pinned = 0;"
    "CREATE INDEX crash_victim ON crash (account, repeat, time) WHERE pinned = 0;"
    "CREATE INDEX crash_alike ON crash (exe, account, signal) WHERE content = 1 AND repeat = 0;"
    "CREATE INDEX crash_waiting ON crash (ifnull(account, -1), time) WHERE analysis = 0;" USAGE(
        "account") "INSERT INTO usage SELECT ifnull(account, -1), count(*), sum(count), "
                   "sum(content),"
                   " sum(" BYTES("crash") "), sum(" REPORT(
                       "crash") ") FROM crash GROUP BY 1;" TRIGGERS("account");

static int pragma(struct database *database, const char *sql, int64_t *ret, struct error *error)
{
    return database_get(database, error, ret, sql, "");
}

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
    if (version > SCHEMA_VERSION)
        return error_set(error, EUCLEAN, "the index is of a newer version (%d)", (int)version);
    *ret = version;
    return 0;
}

int schema_check(struct database *database, struct error *error)
{
    int64_t version;
    int r = read_version(database, &version, error);
    if (r == 0 && version < SCHEMA_VERSION)
        r = error_set(error, EUCLEAN, "the index is of an older version (%d)", (int)version);
    return r;
}

/* Step N brings version N to N + 1; step 0 starts from an empty file. */
static const char *const *const steps[SCHEMA_VERSION] = {
    (const char *const[]){schema_tables, schema_totals, schema_indexes, NULL},
    (const char *const[]){schema_rules, NULL},
    (const char *const[]){schema_waiting, NULL},
    (const char *const[]){schema_accounts, NULL},
};

static int upgrade_from(struct database *database, int64_t version, struct error *error)
{
    for (; version < SCHEMA_VERSION; version++)
        for (const char *const *sql = steps[version]; *sql; sql++) {
            int r = database_script(database, *sql, error);
            if (r < 0)
                return r;
        }
    char mark[96];
    snprintf(mark, sizeof mark, "PRAGMA application_id=%d; PRAGMA user_version=%d",
             SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
    return database_script(database, mark, error);
}

int schema_upgrade(struct database *database, struct error *error)
{
    int64_t version;
    int r = read_version(database, &version, error);
    if (r != 0 || version == SCHEMA_VERSION)
        return r;

    r = database_begin(database, error);
    if (r < 0)
        return r;
    r = read_version(database, &version, error); /* another may have been faster */
    if (r == 0)
        r = upgrade_from(database, version, error);
    if (r < 0) {
        database_rollback(database);
        return r;
    }
    return database_commit(database, error);
}
