/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - compares index, files and checksums, and repairs. */
#include "store/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/base/cleanup.h"
#include "store/check_work.h"

enum {
    FIRST_WAIT_MS = 20, /* each next one takes twice as long */
    LOOKS_MAX = 5,      /* 0.6 s in all */
    KEEPER_LOOKS = 7,   /* 2.5 s: it may not even have begun */
    WAITS_MAX_MS = 5000,
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
    check->is_suspicious = true;
    if (check->only_looks)
        return;
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

static bool looks_wrong(const struct suspects *suspects, const char *name)
{
    struct check *check = suspects->check;
    check->only_looks = true;
    check->is_suspicious = false;
    (void)suspects->function(suspects->context, name);
    check->only_looks = false;
    return check->is_suspicious;
}

int check_suspect(void *context, const char *name)
{
    struct suspects *suspects = context;
    if (!looks_wrong(suspects, name) || bytes_append(&suspects->names, name, strlen(name) + 1) == 0)
        return 0;
    return suspects->function(suspects->context, name); /* no memory to wait with */
}

static bool wait_a_while(struct check *check, unsigned looks)
{
    unsigned ms = FIRST_WAIT_MS << looks;
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    if (check->waited_ms + ms > WAITS_MAX_MS)
        return false;
    check->waited_ms += ms;
    (void)nanosleep(&time, NULL);
    (void)store_changed(check->store); /* whoever only reads opens an index made anew meanwhile */
    return true;
}

/* Those that still look wrong stay. */
static void look_again(struct suspects *suspects)
{
    struct bytes *names = &suspects->names;
    size_t kept = 0;
    for (size_t at = 0, size; at < names->size; at += size) {
        size = strlen(names->data + at) + 1;
        if (!looks_wrong(suspects, names->data + at))
            continue;
        memmove(names->data + kept, names->data + at, size);
        kept += size;
    }
    names->size = kept;
}

static bool is_writable(const struct check *check)
{
    return store_writable_fd(check->store) >= 0 &&
           store_writable_source(check->store) == check->source;
}

/* True: nobody is in the middle of anything until store_unlock(). */
static bool keep_others_out(const struct suspects *suspects)
{
    struct check *check = suspects->check;
    return !suspects->is_costly && !suspects->is_for_keeper && is_writable(check) &&
           store_lock_alone(check->store, NULL) == 0;
}

static void wait_for_others(struct suspects *suspects)
{
    unsigned looks = suspects->is_costly ? LOOKS_MAX - 1 : 0;
    unsigned end = suspects->is_for_keeper ? KEEPER_LOOKS : LOOKS_MAX;
    for (; looks < end && suspects->names.size > 0 && wait_a_while(suspects->check, looks); looks++)
        look_again(suspects);
}

int check_settle(struct suspects *suspects)
{
    struct bytes *names = &suspects->names;
    int r = 0;
    bool alone = names->size > 0 && keep_others_out(suspects);
    if (!alone)
        wait_for_others(suspects);
    for (size_t at = 0; at < names->size && r == 0; at += strlen(names->data + at) + 1)
        r = suspects->function(suspects->context, names->data + at);
    bytes_free(names);
    if (alone)
        store_unlock(suspects->check->store);
    return r;
}

int check_find(const struct check *check, const char *id, struct crash_row **ret)
{
    struct index *index = check_index_of(check);
    /* One made from the files when we began never hears of others. */
    if (!index || store_source_in_memory(check->store, check->source))
        return -EUCLEAN;
    return index_find(index, id, ret, NULL);
}

int check_begin(struct check *check, struct error *error)
{
    int r = store_lock(check->store, error);
    if (r < 0)
        return r;
    r = index_begin(check_index_of(check), error);
    if (r < 0)
        store_unlock(check->store);
    return r;
}

int check_end(struct check *check, int result, struct error *error)
{
    if (result == 0)
        result = index_commit(check_index_of(check), error);
    else
        index_rollback(check_index_of(check));
    store_unlock(check->store);
    return result;
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
        check.source = i;
        bool writable = is_writable(&check);
        check.flags = writable ? flags : flags & ~(unsigned)CHECK_REPAIR;
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
