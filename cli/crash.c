/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crash.c - one crash as a verb handles it. */
#include "cli/crash.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "cli/columns.h"
#include "store/base/cleanup.h"
#include "store/base/signals.h"

const char *crash_signal_name(int64_t signal)
{
    static char text[SIGNAL_NAME_SIZE];
    static int64_t named; /* the last one: crashes in a list have few */

    if (signal <= 0 || signal > INT_MAX)
        return NULL;
    if (named != signal)
        signal_name(text, (int)signal);
    named = signal;
    return text;
}

const char *crash_code_name(const struct crash_row *row)
{
    if (row->signal <= 0 || row->signal > INT_MAX || row->si_code < INT_MIN ||
        row->si_code > INT_MAX)
        return NULL;
    return signal_code_name((int)row->signal, (int)row->si_code);
}

const char *crash_program(const struct crash_row *row)
{
    return row->text[CRASH_NAME] ?: row->text[CRASH_COMM];
}

void crash_json(struct store *store, const struct crash_row *row, struct json_stream *json)
{
    for (size_t i = 0; i < all_columns_count; i++) {
        if (!all_columns[i].in_json)
            continue;
        struct column_value value = column_value(&all_columns[i], store, row);
        column_json(&all_columns[i], &value, json);
    }
}

int crash_record_open(const struct store *store, const struct crash_row *row,
                      struct crash_record *ret, struct error *error)
{
    AUTO_FD int fd = store_open_record(store, row, error);
    if (fd < 0)
        return fd;
    int r = record_open(fd, &ret->record, error);
    if (r < 0) {
        error_prefix(error, "%s", row->id);
        return r;
    }
    ret->fd = steal_fd(&fd);
    return 0;
}

void crash_record_close(struct crash_record *record)
{
    record_free(record->record);
    if (record->fd >= 0)
        close(record->fd);
    *record = (struct crash_record)CRASH_RECORD_NONE;
}
