/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.c - has a stored crash analysed, and keeps what comes of it. */
#include "store/explain.h"

#include <errno.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
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

/* Its blocks are given back then, under whoever reads it: what he makes of it is nonsense. */
static bool was_removed(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink == 0;
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
    bool gone = was_removed(fd);
    int entered = store_may_write(store, row) ? store_enter(store, r < 0 ? NULL : error) : 0;
    if (gone && entered == 0)
        return error_set(error, ESTALE, "%s was removed or pruned while it was read", row->id);
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

int explain_keep(struct store *store, const struct crash_row *row, const struct bytes *json,
                 const struct config *config, struct report **ret_report, struct error *error)
{
    AUTO_REPORT struct report *report = NULL;
    int64_t seq = 0;

    int r = report_parse(json->data ? json->data : "", json->size, &report, error);
    if (r == 0)
        r = store_begin_change(store, row, &seq, error);
    if (r < 0)
        return r;
    r = store_write_report(store, row, json->data, json->size, error);
    if (r == 0)
        r = findings_put(store_writable_index(store), seq, report, (int64_t)json->size,
                         config_keep(config, row->text[CRASH_RULE]), error);
    r = store_end_change(store, r, error);
    if (r == 0 && ret_report)
        *ret_report = steal_pointer(&report);
    return r;
}

int explain_keep_failure(struct store *store, const struct crash_row *row, bool hopeless,
                         struct error *error)
{
    const struct index_report said = {.analysis = hopeless ? CRASH_HOPELESS : CRASH_FAILED};
    int64_t seq;
    int r = store_begin_change(store, row, &seq, error);
    if (r < 0)
        return r == -ESTALE ? 0 : r; /* there is nothing to note it of */
    r = index_set_report(store_writable_index(store), seq, &said, UINT32_MAX, error);
    return store_end_change(store, r, error);
}
