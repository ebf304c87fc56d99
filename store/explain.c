/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.c - has a stored crash analysed, and keeps what comes of it. */
#include "store/explain.h"

#include <errno.h>

#include "store/index.h"

static uint64_t at_most(uint64_t value, uint64_t max)
{
    return value < max ? value : max;
}

void explain_options_from(const struct config_settings *settings, struct analysis_options *ret)
{
    ret->max_frames = (unsigned)at_most(settings->analyze.max_frames, REPORT_MAX_FRAMES);
    ret->max_threads = (unsigned)at_most(settings->analyze.max_threads, REPORT_MAX_THREADS);
    ret->deadline_us = settings->analyze.deadline;
    ret->memory = settings->analyze.memory;
}

int explain_run(struct store *store, const struct crash_row *row,
                const struct analysis_options *options, struct bytes *ret, struct error *error)
{
    struct analysis_options own = *options;
    AUTO_FD int fd = store_open_record(store, row, error);
    if (fd < 0)
        return fd;

    own.store_fd = store_fd(store, row->source);
    own.max_report = REPORT_MAX_SIZE;
    int r = store_leave(store, error);
    if (r < 0)
        return r;
    r = analysis_run(fd, &own, ret, error);
    int entered = store_may_write(store, row) ? store_enter(store, r < 0 ? NULL : error) : 0;
    return r < 0 ? r : entered;
}

/* The names of the crashing thread's functions, from the top. */
static const char **function_names(const struct report *report, size_t *ret_n)
{
    const struct report_thread *thread = report_crashing_thread(report);
    size_t n_frames = thread ? thread->stack->n_frames : 0, n = 0;
    const char **names = calloc(n_frames + 1, sizeof(*names));

    for (size_t i = 0; names && i < n_frames; i++) {
        const struct report_frame *frame = &thread->stack->frames[i];
        if (frame->function || frame->symbol)
            names[n++] = frame->function ? frame->function : frame->symbol;
    }
    *ret_n = n;
    return names;
}

static int tell_index(struct store *store, const struct crash_row *row,
                      const struct index_report *said, unsigned keep, struct error *error)
{
    struct index *index = store_writable_index(store);
    if (!index)
        return 0; /* made anew from the files, it will know */

    int r = index_begin(index, error);
    if (r == 0)
        r = index_set_report(index, row->seq, said, keep, error);
    if (r == 0)
        return index_commit(index, error);
    index_rollback(index);
    return r;
}

int explain_keep(struct store *store, const struct crash_row *row, const struct bytes *json,
                 unsigned keep, struct report **ret_report, struct error *error)
{
    AUTO_REPORT struct report *report = NULL;
    size_t n_functions;

    int r = report_parse(json->data ? json->data : "", json->size, &report, error);
    if (r < 0)
        return r;
    AUTO_FREE const char **functions = function_names(report, &n_functions);
    if (!functions)
        return error_set(error, ENOMEM, "out of memory");
    r = store_write_report(store, row, json->data, json->size, error);
    if (r < 0)
        return r;

    const struct index_report said = {
        .analysis = CRASH_ANALYZED,
        .report_size = (int64_t)json->size,
        .stack_id = report->stack_id,
        .signature = report->signature,
        .function = report->function,
        .package = report->package,
        .signature_frames = report->signature_frames.at,
        .n_signature_frames = report->signature_frames.n,
        .functions = functions,
        .n_functions = n_functions,
    };
    r = tell_index(store, row, &said, keep, error);
    if (r == 0 && ret_report)
        *ret_report = steal_pointer(&report);
    return r;
}

int explain_keep_failure(struct store *store, const struct crash_row *row, bool hopeless,
                         struct error *error)
{
    const struct index_report said = {.analysis = hopeless ? CRASH_HOPELESS : CRASH_FAILED};
    return tell_index(store, row, &said, UINT32_MAX, error);
}
