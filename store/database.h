/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database.h - sqlite as the index needs it: opened beneath a directory descriptor, in WAL mode,
 * with statements prepared once and errors in words.
 *
 * A database is opened through its directory's descriptor (/proc/self/fd/N/NAME): nobody can swap a
 * directory on the way, and a store whose parents its owner may not search works nevertheless.
 * Writers keep the -wal and -shm files when they close, for readers who may not create them; a
 * reader without them takes the file as immutable.
 *
 * Failures map to errnos: -EBUSY locked, -EUCLEAN damaged or no database, -EROFS, -ENOSPC, -EIO,
 * -EEXIST a constraint.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"

struct database;

/* Opens `name` in `dirfd` to read. -ENOENT where there is no such file. */
int database_open_read(int dirfd, const char *name, struct database **ret, struct error *error);

/* Opens `name` in `dirfd` to write; makes it, with `mode`, where it is missing. Waits `wait_ms` for
 * locks. */
int database_open_write(int dirfd, const char *name, mode_t mode, int wait_ms,
                        struct database **ret, struct error *error);

/* Lets the files of one that was opened to write be whole MiB, so that their sizes, which stat(2)
 * tells anybody, say little of what is in them. Only a large change, or a reader who takes long,
 * lets the log grow beyond its one. Nobody else may be writing. */
void database_hide_growth(struct database *database, const char *name);

int database_open_memory(struct database **ret, struct error *error);
void database_free(struct database *database);

sqlite3 *database_handle(struct database *database);

/* Sets the error to sqlite's last one, behind `what`, and returns its negative errno. */
int database_error(struct database *database, struct error *error, const char *what);

/*
 * The statement for `sql`, a string constant (its address is the key), prepared at its first use,
 * reset and with `format` bound to its parameters ?1, ?2, …:
 *   i  int64_t; INT64_MIN is NULL     n  int64_t as it is
 *   t  const char * as text           b  const char * as a blob; NULL is NULL
 * Valid until it is asked for again.
 */
int database_prepare(struct database *database, const char *sql, sqlite3_stmt **ret,
                     struct error *error, const char *format, ...);

/* Runs such a statement to its end. */
int database_run(struct database *database, struct error *error, const char *sql,
                 const char *format, ...);

/* Runs it and takes the first column of its first row. -ENOENT without a row; NULL is INT64_MIN. */
int database_get(struct database *database, struct error *error, int64_t *ret, const char *sql,
                 const char *format, ...);

/* Runs statements without parameters. */
int database_script(struct database *database, const char *sql, struct error *error);

/* A write transaction; waits for its lock. They do not nest. */
int database_begin(struct database *database, struct error *error);
int database_commit(struct database *database, struct error *error); /* rolls back on failure */
void database_rollback(struct database *database);                   /* does nothing without one */

CLEANUP_FUNCTION(struct database, database_free)
#define AUTO_DATABASE CLEANUP(database_free_cleanup)
