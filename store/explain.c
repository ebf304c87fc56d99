/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.c - has a stored crash analysed, and keeps what comes of it. */
#include "store/explain.h"

#include <errno.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/findings.h"
#include "store/index.h"

enum { NOBODY = 65534 };

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
    ret->debuginfod = settings->analyze.debuginfod;
}

/* Whose crashes led to a file server that does not answer. Each costs a process and a deadline, and
 * may be made at will: in this process, files are looked up for them no more. */
static struct {
    int64_t accounts[8];
    size_t count;
} hung;

/* So many accounts look like an attack of several: nobody's, then. */
static bool may_look_up_files(int64_t account)
{
    for (size_t i = 0; i < hung.count; i++)
        if (hung.accounts[i] == account)
            return false;
    return hung.count < ARRAY_SIZE(hung.accounts);
}

static void note_hung(int64_t account)
{
    if (may_look_up_files(account))
        hung.accounts[hung.count++] = account;
}

static int run_once(struct store *store, const struct crash_row *row,
                    const struct analysis_options *options, struct bytes *ret, struct error *error)
{
    struct analysis_options own = *options;
    char kept[LAYOUT_PATH_SIZE];
    AUTO_FD int fd = store_open_record(store, row, error);
    if (fd < 0)
        return fd;

    own.store_fd = store_fd(store, row->source);
    layout_kept_modules(kept, row->owner, row->id);
    own.kept = kept;
    /* A user who may read the report is not told what is in files that he may not read. */
    if (row->access_uid > 0) {
        own.reader_uid = row->access_uid;
        own.reader_gid = row->access_uid == row->uid && row->gid > 0 ? (gid_t)row->gid : NOBODY;
    }
    own.max_report = REPORT_MAX_SIZE;
    own.core_only |= !may_look_up_files(row->account);
    int r = store_leave(store, error);
    if (r < 0)
        return r;
    unsigned before = analysis_left_behind();
    r = analysis_run(fd, &own, ret, error);
    if (analysis_left_behind() > before)
        note_hung(row->account);
    bool gone = io_has_no_name(fd); /* its blocks, too: what came of it is nonsense */
    int entered = store_may_write(store, row) ? store_enter(store, r < 0 ? NULL : error) : 0;
    if (gone && entered == 0)
        return error_set(error, ESTALE, "%s was removed or pruned while it was read", row->id);
    if (r == -EBADMSG && row->core == RECORD_PRUNED) /* an imported one has no rescue core */
        return error_set(error, ENODATA, "nothing of the process's memory is kept any more");
    return r < 0 ? r : entered;
}

int explain_run(struct store *store, const struct crash_row *row,
                const struct analysis_options *options, struct bytes *ret, struct error *error)
{
    size_t size = ret->size;
    struct error own = {0};
    int r = run_once(store, row, options, ret, error);
    if (r != -ESTALE)
        return r;
    ret->size = size;
    int again = run_once(store, row, options, ret, &own); /* what pruning left may be there */
    if (again == -ENOENT)
        return r;
    if (error)
        *error = own;
    return again;
}

/* A report that is written already, in its place, and what it says in the index. */
static int keep_written(struct store *store, const struct crash_row *row,
                        const struct store_report *written, const struct report *report,
                        size_t size, const struct config *config, struct error *error)
{
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    int r = store_begin_change(store, row, &now, error);
    if (r < 0)
        return r;
    r = store_place_report(store, now, written, error);
    if (r == 0)
        r = findings_put(store_writable_index(store), now->seq, report, (int64_t)size,
                         config_keep(config, now->text[CRASH_RULE]), error);
    return store_end_change(store, r, error);
}

int explain_keep(struct store *store, const struct crash_row *row, const struct bytes *json,
                 const struct config *config, struct report **ret_report, struct error *error)
{
    AUTO_REPORT struct report *report = NULL;
    struct store_report written = STORE_REPORT_NONE;

    int r = report_parse(json->data ? json->data : "", json->size, &report, error);
    if (r == 0) /* while others may go on */
        r = store_write_report(store, row, json->data, json->size, &written, error);
    if (r < 0)
        return r;
    r = keep_written(store, row, &written, report, json->size, config, error);
    store_close_report(store, row, &written);
    if (r == 0 && ret_report)
        *ret_report = steal_pointer(&report);
    return r;
}

/* A core that was pruned while it was read failed for that. */
static bool is_as_it_was(const struct crash_row *now, const struct crash_row *row)
{
    return now->core == row->core && now->stored_size == row->stored_size;
}

int explain_keep_failure(struct store *store, const struct crash_row *row, bool hopeless,
                         struct error *error)
{
    const struct index_report said = {.analysis = hopeless ? CRASH_HOPELESS : CRASH_FAILED};
    AUTO_CRASH_ROW struct crash_row *now = NULL;
    int r = store_begin_change(store, row, &now, error);
    if (r < 0)
        return r == -ESTALE ? 0 : r; /* there is nothing to note it of */
    if (is_as_it_was(now, row))
        r = index_set_report(store_writable_index(store), now->seq, &said, UINT32_MAX, error);
    return store_end_change(store, r, error);
}
