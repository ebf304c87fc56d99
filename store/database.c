/* SPDX-License-Identifier: GPL-2.0-or-later */
/* database.c - sqlite as the index needs it. */
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATEMENTS_MAX = 128,
    READER_WAIT_MS = 1000,
    GROWTH = 1024 * 1024, /* bytes that an index and its log are whole numbers of */
    CHECKPOINT = 192,     /* pages in the log before they move: what is added on top still fits */
};

static const char vfs_name[] = "inquest";

struct statement {
    const char *sql;
    sqlite3_stmt *prepared;
};

struct database {
    sqlite3 *handle;
    int dirfd; /* its paths go through this */
    struct statement statements[STATEMENTS_MAX];
    size_t n_statements;
};

/* ---- a VFS that takes paths as they are: sqlite would resolve /proc/self/fd/N to a path ---- */

static int path_as_it_is(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    (void)vfs;
    int n = snprintf(ret, (size_t)size, "%s", name);
    return n < 0 || n >= size ? SQLITE_CANTOPEN : SQLITE_OK;
}

static void register_vfs(void)
{
    static sqlite3_vfs vfs; /* sqlite keeps the pointer for the life of the process */
    const sqlite3_vfs *standard = sqlite3_vfs_find("unix");
    if (!standard)
        return;
    vfs = *standard;
    vfs.zName = vfs_name;
    vfs.xFullPathname = path_as_it_is;
    (void)sqlite3_vfs_register(&vfs, 0); /* without it, opening fails and says so */
}

static int errno_of(int code)
{
    static const struct {
        int code, number;
    } errnos[] = {
        {SQLITE_BUSY, EBUSY},        {SQLITE_LOCKED, EBUSY},    {SQLITE_CORRUPT, EUCLEAN},
        {SQLITE_NOTADB, EUCLEAN},    {SQLITE_READONLY, EROFS},  {SQLITE_FULL, ENOSPC},
        {SQLITE_IOERR, EIO},         {SQLITE_CANTOPEN, EACCES}, {SQLITE_NOMEM, ENOMEM},
        {SQLITE_CONSTRAINT, EEXIST}, {SQLITE_PERM, EACCES},     {SQLITE_AUTH, EACCES},
        {SQLITE_PROTOCOL, EBUSY},    {SQLITE_TOOBIG, E2BIG},    {SQLITE_SCHEMA, EUCLEAN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
        if (errnos[i].code == (code & 0xff))
            return errnos[i].number;
    return EIO;
}

int database_error(struct database *database, struct error *error, const char *what)
{
    int code = database->handle ? sqlite3_extended_errcode(database->handle) : SQLITE_NOMEM;
    /* A statement that cannot even be compiled means another schema: no index of ours. */
    int number = (code & 0xff) == SQLITE_ERROR ? EUCLEAN : errno_of(code);
    return error_set(error, number, "%s: %s", what,
                     database->handle ? sqlite3_errmsg(database->handle) : "out of memory");
}

/* ---- opening ---- */

/* `name` in `dirfd`, or in memory where that is -1. `options` are those of a file: URI. */
static int database_open(int dirfd, const char *name, const char *options, int flags,
                         struct database **ret, struct error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_vfs);

    AUTO_DATABASE struct database *database = calloc(1, sizeof *database);
    if (!database)
        return error_errno(error, ENOMEM, "index");
    database->dirfd = dirfd < 0 ? -1 : fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
    if (dirfd >= 0 && database->dirfd < 0)
        return error_errno(error, errno, "index");

    char path[128] = ":memory:";
    if (dirfd >= 0)
        snprintf(path, sizeof path, "%s/proc/self/fd/%d/%s%s", options ? "file:" : "",
                 database->dirfd, name, options ?: "");
    if (options)
        flags |= SQLITE_OPEN_URI;
    int code = sqlite3_open_v2(path, &database->handle, flags | SQLITE_OPEN_NOMUTEX, vfs_name);
    if (code != SQLITE_OK)
        return database_error(database, error, "cannot open the index");
    sqlite3_extended_result_codes(database->handle, 1);
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    (void)sqlite3_exec(database->handle, "PRAGMA cell_size_check=ON", NULL, NULL, NULL);
    *ret = steal_pointer(&database);
    return 0;
}

/* Reads something, so that a file that is none, or cannot be read in WAL mode, shows it now. */
static int database_try(struct database *database, struct error *error)
{
    return database_script(database, "SELECT count(*) FROM sqlite_schema", error);
}

enum { LOG_NAME_SIZE = 64 };

/* The write-ahead log's. */
static const char *log_name(const char *name, char ret[static LOG_NAME_SIZE])
{
    snprintf(ret, LOG_NAME_SIZE, "%s-wal", name);
    return ret;
}

/* True where `name` may be taken as unchanging: nothing waits in the log. */
static bool has_no_log(int dirfd, const char *name)
{
    char log[LOG_NAME_SIZE];
    struct stat st;
    return fstatat(dirfd, log_name(name, log), &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size == 0;
}

static int check_regular(int dirfd, const char *name, struct error *error)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return error_errno(error, errno, "%s", name);
    if (!S_ISREG(st.st_mode))
        return error_set(error, EUCLEAN, "%s: not a regular file", name);
    return 0;
}

int database_open_read(int dirfd, const char *name, struct database **ret, struct error *error)
{
    int r = check_regular(dirfd, name, error);
    if (r < 0)
        return r;

    AUTO_DATABASE struct database *database = NULL;
    r = database_open(dirfd, name, NULL, SQLITE_OPEN_READONLY, &database, error);
    if (r < 0)
        return r;
    sqlite3_busy_timeout(database->handle, READER_WAIT_MS);
    r = database_try(database, error);
    if ((r == -EACCES || r == -EROFS || r == -EIO) && has_no_log(dirfd, name)) {
        database_free(steal_pointer(&database));
        r = database_open(dirfd, name, "?immutable=1", SQLITE_OPEN_READONLY, &database, error);
        if (r == 0)
            r = database_try(database, error);
    }
    if (r < 0)
        return r;
    *ret = steal_pointer(&database);
    return 0;
}

/* Makes the file ourselves, for its mode; sqlite gives the same to -wal and -shm. 1: it is new. */
static int make_file(int dirfd, const char *name, mode_t mode, struct error *error)
{
    AUTO_FD int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0)
        return fchmod(fd, mode) < 0 ? error_errno(error, errno, "%s", name) : 1;
    if (errno != EEXIST)
        return error_errno(error, errno, "%s", name);
    return check_regular(dirfd, name, error);
}

/* What sqlite will write to: it follows no symbolic link, but would write through a hard one. A
 * copy of the whole store by hard links is all right: then they all have another name. */
static int check_own(int dirfd, const char *name, struct error *error)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct stat database = {0};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char path[64];
        struct stat st;
        snprintf(path, sizeof path, "%s%s", name, suffixes[i]);
        if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue;
            return error_errno(error, errno, "%s", path);
        }
        bool is_main = i == 0;
        database = is_main ? st : database;
        if (!S_ISREG(st.st_mode) || st.st_nlink > database.st_nlink ||
            (!is_main && st.st_ino == database.st_ino))
            return error_set(error, EUCLEAN, "%s: not a file of its own", path);
    }
    return 0;
}

/* Each reader who finds nobody else at the index reads the whole log first: so it is short. */
static int use_log(struct database *database, struct error *error)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=%d;"
             " PRAGMA journal_size_limit=%d",
             CHECKPOINT, GROWTH);
    return database_script(database, sql, error);
}

int database_open_write(int dirfd, const char *name, mode_t mode, int wait_ms,
                        struct database **ret, struct error *error)
{
    int made = make_file(dirfd, name, mode, error);
    int r = made < 0 ? made : check_own(dirfd, name, error);
    if (r < 0)
        return r;

    AUTO_DATABASE struct database *database = NULL;
    r = database_open(dirfd, name, NULL, SQLITE_OPEN_READWRITE, &database, error);
    if (r < 0)
        return r;
    sqlite3_busy_timeout(database->handle, wait_ms);
    int on = 1;
    (void)sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    if (made ==
        1) /* only before the first page is written; later it would be a write for nothing */
        r = database_script(database, "PRAGMA auto_vacuum=INCREMENTAL", error);
    if (r == 0)
        r = use_log(database, error);
    if (r < 0)
        return r;
    *ret = steal_pointer(&database);
    return 0;
}

/* Closing it gives up no lock of sqlite's, which has none on it. */
static void fill_log(int dirfd, const char *name)
{
    char log[LOG_NAME_SIZE];
    struct stat st;
    AUTO_FD int fd = openat(dirfd, log_name(name, log), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fallocate(fd, 0, 0, GROWTH) == 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size < GROWTH) /* a filesystem that doesn't know it */
        (void)!ftruncate(fd, GROWTH);
}

void database_hide_growth(struct database *database, const char *name)
{
    int step = GROWTH;
    sqlite3_int64 least = GROWTH;
    (void)sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_CHUNK_SIZE, &step);
    (void)sqlite3_file_control(database->handle, "main", SQLITE_FCNTL_SIZE_HINT, &least);
    fill_log(database->dirfd, name);
}

int database_open_memory(struct database **ret, struct error *error)
{
    return database_open(-1, NULL, NULL, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, ret, error);
}

void database_free(struct database *database)
{
    if (!database)
        return;
    for (size_t i = 0; i < database->n_statements; i++)
        sqlite3_finalize(database->statements[i].prepared);
    sqlite3_close(database->handle);
    if (database->dirfd >= 0)
        close(database->dirfd);
    free(database);
}

sqlite3 *database_handle(struct database *database)
{
    return database->handle;
}

/* ---- statements ---- */

static int statement_for(struct database *database, const char *sql, sqlite3_stmt **ret,
                         struct error *error)
{
    for (size_t i = 0; i < database->n_statements; i++)
        if (database->statements[i].sql == sql) {
            *ret = database->statements[i].prepared;
            sqlite3_reset(*ret);
            return 0;
        }
    if (database->n_statements == STATEMENTS_MAX)
        return error_set(error, E2BIG, "index: too many kinds of statements");
    struct statement *new = &database->statements[database->n_statements];
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &new->prepared,
                           NULL) != SQLITE_OK)
        return database_error(database, error, "index");
    new->sql = sql;
    database->n_statements++;
    *ret = new->prepared;
    return 0;
}

static int bind_one(sqlite3_stmt *statement, int position, char kind, va_list *arguments)
{
    if (kind == 'i' || kind == 'n') {
        int64_t number = va_arg(*arguments, int64_t);
        return kind == 'i' && number == INT64_MIN ? sqlite3_bind_null(statement, position)
                                                  : sqlite3_bind_int64(statement, position, number);
    }
    const char *text = va_arg(*arguments, const char *);
    if (!text)
        return sqlite3_bind_null(statement, position);
    if (kind == 't')
        return sqlite3_bind_text(statement, position, text, -1, SQLITE_TRANSIENT);
    return sqlite3_bind_blob64(statement, position, text, strlen(text), SQLITE_TRANSIENT);
}

static int prepare(struct database *database, const char *sql, sqlite3_stmt **ret,
                   struct error *error, const char *format, va_list *arguments)
{
    sqlite3_stmt *statement = NULL;
    int r = statement_for(database, sql, &statement, error);
    if (r < 0)
        return r;
    for (int i = 0; format[i]; i++)
        if (bind_one(statement, i + 1, format[i], arguments) != SQLITE_OK)
            return database_error(database, error, "index");
    *ret = statement;
    return 0;
}

int database_prepare(struct database *database, const char *sql, sqlite3_stmt **ret,
                     struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int r = prepare(database, sql, ret, error, format, &arguments);
    va_end(arguments);
    return r;
}

int database_run(struct database *database, struct error *error, const char *sql,
                 const char *format, ...)
{
    sqlite3_stmt *statement;
    va_list arguments;
    va_start(arguments, format);
    int r = prepare(database, sql, &statement, error, format, &arguments);
    va_end(arguments);
    if (r < 0)
        return r;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        continue;
    if (code != SQLITE_DONE)
        r = database_error(database, error, "index");
    sqlite3_reset(statement);
    return r;
}

int database_get(struct database *database, struct error *error, int64_t *ret, const char *sql,
                 const char *format, ...)
{
    sqlite3_stmt *statement;
    va_list arguments;
    va_start(arguments, format);
    int r = prepare(database, sql, &statement, error, format, &arguments);
    va_end(arguments);
    if (r < 0)
        return r;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret = sqlite3_column_type(statement, 0) == SQLITE_NULL
                   ? INT64_MIN
                   : sqlite3_column_int64(statement, 0);
    else if (code == SQLITE_DONE)
        r = error_set(error, ENOENT, "index: nothing found");
    else
        r = database_error(database, error, "index");
    sqlite3_reset(statement);
    return r;
}

int database_script(struct database *database, const char *sql, struct error *error)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return database_error(database, error, "index");
    return 0;
}

/* ---- transactions ---- */

int database_begin(struct database *database, struct error *error)
{
    return database_run(database, error, "BEGIN IMMEDIATE", "");
}

int database_commit(struct database *database, struct error *error)
{
    int r = database_run(database, error, "COMMIT", "");
    if (r < 0)
        database_rollback(database);
    return r;
}

void database_rollback(struct database *database)
{
    if (!sqlite3_get_autocommit(database->handle))
        (void)database_run(database, NULL, "ROLLBACK", ""); /* sqlite has, if this cannot */
}
