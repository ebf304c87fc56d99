/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store_fixture.h - a store in a temporary directory, and records to put into it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/crash_row.h"
#include "store/store.h"

/* cmocka's set-up and tear-down: *state is a `struct fixture *`. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

struct fixture {
    char path[64];
    struct store *store; /* opened with STORE_CREATE */
};

/* Closes the store, and opens it again. */
void fixture_reopen(struct fixture *fixture, enum store_rights rights);

/* True where the user namespace that we are in has that user: he can be given a file, and rights.
 */
bool fixture_knows_user(uid_t uid);

/* What a record is made of. Zeroes mean what a comment says. */
struct example {
    const char *id;     /* NULL: from time and pid */
    int64_t time_us;    /* required */
    int64_t pid;        /* 0: 1000 */
    int64_t uid;        /* required; root is 0 */
    int64_t account;    /* 0: uid's */
    int64_t access_uid; /* 0: nobody */
    bool is_private;
    const char *rule;  /* the [rule] it came under; NULL: none */
    const char *comm;  /* NULL: "boom"; the executable is /usr/bin/COMM */
    uint64_t content;  /* bytes of core that do not compress */
    const char *state; /* NULL: full with content, else facts */
    int64_t core_size; /* what it says of itself; 0: content */
    int64_t count;     /* likewise; 0: nothing */
    bool unfinished;   /* no outcome, no seek table: a hook is at it or died at it */
};

/* Writes a record as new/ID<suffix> and copies its id out. */
void fixture_write(struct fixture *fixture, const struct example *example, const char *suffix,
                   char ret_id[static LAYOUT_ID_SIZE]);

/* Writes it, and adopts it: the row. */
struct crash_row *fixture_add(struct fixture *fixture, const struct example *example);

/* Gives it a report of these bytes, which the index doesn't hear of. */
void fixture_report(struct fixture *fixture, const struct crash_row *row, const char *text);

/* Gives it a report with these names. */
void fixture_explain(struct fixture *fixture, const struct crash_row *row, const char *signature,
                     const char *stack_id, const char *function, unsigned keep);

/* True where STORE/PATH is there. */
bool fixture_has(const struct fixture *fixture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The row as the index has it now; NULL where it has none. */
struct crash_row *fixture_row(struct fixture *fixture, const char *id);
