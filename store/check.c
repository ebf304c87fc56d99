/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - compares index, files and checksums, and repairs. */
#include "store/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/check_work.h"

enum {
    FIRST_MOMENT_MS = 20, /* each next one takes twice as long */
    LOOKS_MAX = 6,        /* 1.3 s in all */
    WAITS_MAX_MS = 5000,  /* in a whole check */
};

static const char *const kind_names[CHECK_KINDS] = {
    [CHECK_INDEX_DAMAGED] = "index-damaged",
    [CHECK_ROW_WITHOUT_FILE] = "row-without-file",
    [CHECK_ROW_DIFFERS] = "row-differs",
    [CHECK_FILE_WITHOUT_ROW] = "file-without-row",
    [CHECK_RECORD_DAMAGED] = "record-damaged",
    [CHECK_FRAME_DAMAGED] = "frame-damaged",
    [CHECK_ORPHAN_PART] = "orphan-part",
    [CHECK_ORPHAN_FILE] = "orphan-file",
    [CHECK_MODE] = "mode",
    [CHECK_MODULE_STALE] = "module-stale",
    [CHECK_TOTALS] = "totals",
};

const char *check_kind_name(enum check_kind kind)
{
    return kind < CHECK_KINDS ? kind_names[kind] : "unknown";
}

void check_tell(struct check *check, enum check_kind kind, const char *id, const char *path,
                int fixed, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct check_finding finding = {
        .kind = kind, .id = id, .path = path, .text = text, .repaired = fixed == 0};
    check->result.found++;
    check->result.repaired += finding.repaired;
    if (check->function)
        check->function(check->context, &finding);
}

int check_lock(struct check *check, struct error *error)
{
    int r = store_lock(check->store, error);
    if (r == 0)
        check->index = store_index(check->store, check->source);
    return r;
}

/* The index may have been made anew. */
static void take_current_index(struct check *check)
{
    (void)store_changed(check->store); /* not store_refresh(): a query may be under way */
    check->index = store_index(check->store, check->source);
    if (check_repairs(check) && check_lock(check, NULL) == 0)
        store_unlock(check->store);
}

bool check_again(struct check *check, unsigned looks)
{
    unsigned moment = FIRST_MOMENT_MS << (looks - 1);
    if (looks > LOOKS_MAX || check->waited_ms + moment > WAITS_MAX_MS)
        return false;
    check->waited_ms += moment;
    (void)usleep(moment * 1000);
    take_current_index(check);
    return true;
}

static int check_source(struct check *check, struct error *error)
{
    static int (*const parts[])(struct check *, struct error *) = {
        check_directories, check_index,  check_new,     check_crashes,
        check_rows,        check_totals, check_modules,
    };
    struct stat st;
    if (fstat(check->storefd, &st) < 0)
        return error_errno(error, errno, "store");
    check->owner = st.st_uid;
    check->group = st.st_gid;
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
        r = parts[i](check, error);
    return r;
}

int check_run(struct store *store, unsigned flags, check_function *function, void *context,
              struct check_result *ret, struct error *error)
{
    struct check check = {.store = store, .function = function, .context = context};
    int r = 0;
    for (unsigned i = 0; i < store_source_count(store) && r == 0; i++) {
        if (store_source_is_unadopted(store, i))
            continue;
        bool writable = store_writable_fd(store) >= 0 && store_writable_source(store) == i;
        check.source = i;
        check.flags = writable ? flags : flags & ~(unsigned)CHECK_REPAIR;
        check.index = store_index(store, i);
        check.storefd = store_fd(store, i);
        r = check_source(&check, error);
        if (writable && r == 0 && store_lock(store, NULL) == 0) {
            (void)store_sync_views(store, NULL); /* what failed is made good by the next one */
            store_unlock(store);
        }
    }
    if (r == 0)
        *ret = check.result;
    return r;
}

struct progress {
    check_progress_function *function;
    void *context;
};

static int pass_on(void *context, uint64_t done)
{
    const struct progress *progress = context;
    if (progress->function)
        progress->function(progress->context, done);
    return 0;
}

int check_reindex(struct store *store, check_progress_function *progress, void *context,
                  uint64_t *ret_crashes, struct error *error)
{
    struct progress own = {progress, context};
    if (store_writable_fd(store) < 0)
        return error_set(error, EPERM, "%s is open to be read only", store_path(store));
    return store_rebuild_index(store, pass_on, &own, ret_crashes, error);
}
