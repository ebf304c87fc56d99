/* SPDX-License-Identifier: GPL-2.0-or-later */
/* adopt_import.c - cores and records from elsewhere become crashes of the store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/adopt.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/index.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/record_writer.h"
#include "store/salvage.h"

enum { ATTEMPTS_MAX = 9999 };

/* ---- a file in new/ ---- */

int adopt_make_file(int newfd, struct error *error)
{
    int fd = openat(newfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, LAYOUT_PRIVATE_MODE);
    return fd < 0 ? error_errno(error, errno, "cannot make a file in " LAYOUT_NEW) : fd;
}

static bool is_known(struct store *store, const char *id)
{
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    return index_find(store_writable_index(store), id, &row, NULL) == 0;
}

int adopt_name_file(struct store *store, int newfd, int fd, const struct metadata *facts,
                    char ret_id[static LAYOUT_ID_SIZE], struct error *error)
{
    char self[40], id[LAYOUT_ID_SIZE], name[LAYOUT_NAME_SIZE];
    int64_t time_us;
    uint64_t pid = 0;
    if (metadata_i64(facts, KEY_TIME, &time_us) < 0)
        return error_set(error, EINVAL, "the facts lack a time");
    (void)metadata_u64(facts, KEY_PID, &pid); /* without a pid it is that of 0 */
    if (fsync(fd) < 0)
        return error_errno(error, errno, "fsync");

    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        layout_id_format(id, time_us, (uint32_t)pid, attempt);
        if (is_known(store, id))
            continue;
        layout_name(name, id, LAYOUT_RECORD_SUFFIX);
        if (linkat(AT_FDCWD, self, newfd, name, AT_SYMLINK_FOLLOW) == 0) {
            memcpy(ret_id, id, sizeof id);
            return fsync(newfd) < 0 ? error_errno(error, errno, LAYOUT_NEW) : 0;
        }
        if (errno != EEXIST)
            return error_errno(error, errno, "cannot name it %s", name);
    }
    return error_set(error, EEXIST, "no id is free");
}

int64_t adopt_time(int64_t time_us)
{
    const int64_t second = 1000000, slack = 3600 * second;
    int64_t now = time(NULL) * second;
    if (time_us > now + slack)
        return now;
    return time_us < 0 ? 0 : time_us;
}

/* Locked before it has a name: a keeper would adopt it, and we would not know as what. */
static int name_and_adopt(struct store *store, int newfd, int fd, const struct metadata *facts,
                          struct crash_row **ret, struct error *error)
{
    char id[LAYOUT_ID_SIZE];
    struct adopt_result result;
    int r = adopt_lock(newfd, error);
    if (r < 0)
        return r;
    r = adopt_name_file(store, newfd, fd, facts, id, error);
    if (r == 0)
        r = adopt_one(store, newfd, id, ret, error);
    else
        io_unlock(newfd);
    /* Who found new/ locked has left what came to us. What fails of it is the next keeper's. */
    (void)adopt_all(store, NULL, &result, NULL);
    return r;
}

/* ---- a core ---- */

int adopt_import(struct store *store, int in, const struct metadata *facts, uint64_t max_core,
                 struct crash_row **ret, struct error *error)
{
    AUTO_METADATA struct metadata *outcome = metadata_new();
    AUTO_FD int newfd = adopt_open_new(store, error);
    if (newfd < 0)
        return newfd;
    if (!outcome)
        return error_errno(error, ENOMEM, "import");
    AUTO_FD int fd = adopt_make_file(newfd, error);
    if (fd < 0)
        return fd;
    int r = salvage_import(in, fd, facts, max_core, outcome, error);
    return r < 0 ? r : name_and_adopt(store, newfd, fd, facts, ret, error);
}

/* ---- a record ---- */

/* Content under way from one record to another. */
struct copy {
    struct record_writer *writer;
    uint64_t left; /* of max_core; zeros cost nothing, as where a core is captured */
    bool too_large;
};

static int append(void *context, const void *data, size_t size)
{
    struct copy *copy = context;
    if (!data)
        return record_writer_zeros(copy->writer, size);
    copy->too_large = size > copy->left;
    size_t taken = copy->too_large ? (size_t)copy->left : size;
    copy->left -= taken;
    int r = record_writer_append(copy->writer, data, taken);
    return r == 0 && copy->too_large ? -EFBIG : r;
}

/* What it says of itself, but for who may read it, and when it cannot have been. */
static int facts_from_elsewhere(const struct record *record, struct metadata **ret)
{
    AUTO_METADATA struct metadata *facts = metadata_new();
    const struct metadata *from = record_metadata(record);
    int64_t time_us;
    int r = facts ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < metadata_count(from); i++) {
        const struct fact *fact = metadata_at(from, i);
        if (strcmp(fact->key, KEY_ACCESS_UID) != 0)
            r = metadata_set(facts, fact->key, fact->value, fact->size);
    }
    if (r == 0)
        r = metadata_set_text(facts, KEY_PRIVATE, "1");
    if (r == 0 && metadata_i64(from, KEY_TIME, &time_us) == 0)
        r = metadata_set_i64(facts, KEY_TIME, adopt_time(time_us));
    if (r == 0)
        *ret = steal_pointer(&facts);
    return r;
}

static int outcome_of(const struct record *record, bool too_large, struct metadata **ret)
{
    AUTO_METADATA struct metadata *outcome = metadata_new();
    if (!outcome)
        return -ENOMEM;
    enum record_state state = record_state(record);
    if (state == RECORD_CAPTURING || too_large)
        state = RECORD_TRUNCATED;
    int r = metadata_set_text(outcome, KEY_STATE, record_state_name(state));
    if (r == 0 && too_large)
        r = metadata_set_text(outcome, KEY_REASON, SALVAGE_TOO_LARGE);
    if (r == 0)
        *ret = steal_pointer(&outcome);
    return r;
}

/* What failed did no harm. */
static void forget(struct error *error)
{
    if (error)
        *error = (struct error){0};
}

static int copy_record(struct record *record, int out, const struct metadata *facts,
                       uint64_t max_core, struct error *error)
{
    AUTO_METADATA struct metadata *outcome = NULL;
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_BYTES struct bytes rescue = {0};
    int r = record_writer_new(out, &writer);
    if (r == 0)
        r = record_writer_facts(writer, facts);
    if (r < 0)
        return error_errno(error, -r, "cannot write the record");
    struct copy copy = {.writer = writer, .left = max_core};
    r = record_rescue(record, &rescue, error);
    if (r == 0)
        r = record_writer_rescue(writer, rescue.data, rescue.size);
    if (r == 0 || r == -ENODATA) {
        forget(error);
        r = record_each_content(record, append, &copy, error);
    }
    if (r == -EFBIG && copy.too_large)
        forget(error);
    else if (r < 0)
        return error && !error->code ? error_errno(error, -r, "cannot write the record") : r;
    r = outcome_of(record, copy.too_large, &outcome);
    if (r == 0)
        r = record_writer_finish(writer, outcome);
    return r < 0 ? error_errno(error, -r, "cannot finish the record") : 0;
}

int adopt_record(struct store *store, int in, uint64_t max_core, struct crash_row **ret,
                 struct error *error)
{
    AUTO_RECORD struct record *record = NULL;
    AUTO_METADATA struct metadata *facts = NULL;
    AUTO_FD int newfd = adopt_open_new(store, error);
    if (newfd < 0)
        return newfd;
    int r = record_open(in, &record, error);
    if (r == 0 && facts_from_elsewhere(record, &facts) < 0)
        r = error_errno(error, ENOMEM, "import");
    if (r < 0)
        return r;
    AUTO_FD int fd = adopt_make_file(newfd, error);
    if (fd < 0)
        return fd;
    r = copy_record(record, fd, facts, max_core, error);
    return r < 0 ? r : name_and_adopt(store, newfd, fd, facts, ret, error);
}
