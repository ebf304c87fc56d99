/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash.h - one crash as a verb handles it: its row, its record, its JSON. */
#pragma once

#include "cli/json.h"
#include "store/crash_row.h"
#include "store/record.h"
#include "store/store.h"

/* "SIGSEGV", or NULL where there is none of that number. */
const char *crash_signal_name(int64_t signal);

/* "SEGV_MAPERR", or NULL where it has no name or is not known. */
const char *crash_code_name(const struct crash_row *row);

/* The program for people: the executable's name, else comm; NULL where neither is known. */
const char *crash_program(const struct crash_row *row);

/* Writes the members of an object of `list --json`; the caller opens and closes it. */
void crash_json(struct store *store, const struct crash_row *row, struct json_stream *json);

/* An open record and its descriptor. */
struct crash_record {
    int fd;
    struct record *record;
};
#define CRASH_RECORD_NONE                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* -ENOENT: the file is gone; -EACCES; -EBADMSG: damaged. */
int crash_record_open(const struct store *store, const struct crash_row *row,
                      struct crash_record *ret, struct error *error);
void crash_record_close(struct crash_record *record);
#define AUTO_CRASH_RECORD CLEANUP(crash_record_close)
