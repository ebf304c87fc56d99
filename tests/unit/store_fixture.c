/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store_fixture.c - a store in a temporary directory, and records to put into it. */
#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/adopt.h"
#include "store/adopt_new.h"
#include "store/base/cleanup.h"
#include "store/index.h"
#include "store/keys.h"
#include "store/metadata.h"
#include "store/record_writer.h"

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct error error = {0};
    if (!fixture)
        return -1;
    strcpy(fixture->path, "/tmp/inquest-unit.XXXXXX");
    if (!mkdtemp(fixture->path))
        return -1;
    if (store_open(fixture->path, STORE_CREATE, &fixture->store, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    store_free(fixture->store);
    (void)nftw(fixture->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

void fixture_reopen(struct fixture *fixture, enum store_rights rights)
{
    struct error error = {0};
    store_free(fixture->store);
    fixture->store = NULL;
    if (store_open(fixture->path, rights, &fixture->store, &error) < 0)
        fail_msg("%s", error.text);
}

bool fixture_knows_user(uid_t uid)
{
    FILE *map = fopen("/proc/self/uid_map", "re");
    unsigned first, outside, count;
    bool found = false;
    if (!map)
        return true; /* a kernel without user namespaces */
    while (!found && fscanf(map, "%u %u %u", &first, &outside, &count) == 3)
        found = uid - first < count; /* wraps where it is less */
    fclose(map);
    return found;
}

static struct metadata *make_facts(const struct example *example, const char *id)
{
    struct metadata *facts = metadata_new();
    const char *comm = example->comm ? example->comm : "boom";
    char exe[128];
    snprintf(exe, sizeof exe, "/usr/bin/%s", comm);
    assert_non_null(facts);
    assert_int_equal(metadata_set_text(facts, KEY_ID, id), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_TIME, example->time_us), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_PID, example->pid ? example->pid : 1000), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_TID, example->pid ? example->pid : 1000), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_UID, example->uid), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_GID, example->uid), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_SIGNAL, 11), 0);
    assert_int_equal(metadata_set_i64(facts, KEY_DUMPABLE, example->is_private ? 2 : 1), 0);
    assert_int_equal(metadata_set_text(facts, KEY_COMM, comm), 0);
    assert_int_equal(metadata_set_text(facts, KEY_EXE, exe), 0);
    if (example->account)
        assert_int_equal(metadata_set_i64(facts, KEY_ACCOUNT, example->account), 0);
    if (example->access_uid)
        assert_int_equal(metadata_set_i64(facts, KEY_ACCESS_UID, example->access_uid), 0);
    return facts;
}

static void write_content(struct record_writer *writer, uint64_t size)
{
    uint64_t x = 88172645463325252u; /* xorshift64: bytes that do not compress */
    uint64_t block[512];
    for (uint64_t done = 0; done < size; done += sizeof block) {
        for (size_t i = 0; i < ARRAY_SIZE(block); i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            block[i] = x;
        }
        uint64_t left = size - done;
        assert_int_equal(
            record_writer_append(writer, block, left < sizeof block ? left : sizeof block), 0);
    }
}

static void write_record(int fd, const struct example *example, const char *id)
{
    AUTO_METADATA struct metadata *facts = make_facts(example, id);
    AUTO_METADATA struct metadata *outcome = metadata_new();
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    const char *state = example->state ? example->state : example->content ? "full" : "facts";
    assert_int_equal(record_writer_new(fd, &writer), 0);
    assert_int_equal(record_writer_facts(writer, facts), 0);
    write_content(writer, example->content);
    if (example->unfinished)
        return;
    assert_int_equal(metadata_set_text(outcome, KEY_STATE, state), 0);
    assert_int_equal(
        metadata_set_i64(outcome, KEY_CORE_SIZE,
                         example->core_size ? example->core_size : (int64_t)example->content),
        0);
    if (example->count)
        assert_int_equal(metadata_set_i64(outcome, KEY_COUNT, example->count), 0);
    if (example->rule)
        assert_int_equal(metadata_set_text(outcome, KEY_RULE, example->rule), 0);
    assert_int_equal(record_writer_finish(writer, outcome), 0);
}

void fixture_write(struct fixture *fixture, const struct example *example, const char *suffix,
                   char ret_id[static LAYOUT_ID_SIZE])
{
    char id[LAYOUT_ID_SIZE], path[LAYOUT_PATH_SIZE];
    if (example->id)
        snprintf(id, sizeof id, "%s", example->id);
    else
        layout_id_format(id, example->time_us, (uint32_t)(example->pid ? example->pid : 1000), 0);
    layout_new_path(path, id, suffix);
    AUTO_FD int fd = openat(store_writable_fd(fixture->store), path,
                            O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    write_record(fd, example, id);
    memcpy(ret_id, id, LAYOUT_ID_SIZE);
}

struct crash_row *fixture_add(struct fixture *fixture, const struct example *example)
{
    char id[LAYOUT_ID_SIZE];
    struct crash_row *row = NULL;
    struct error error = {0};
    fixture_write(fixture, example, LAYOUT_RECORD_SUFFIX, id);
    AUTO_FD int newfd = adopt_open_new(fixture->store, &error);
    if (newfd < 0 || adopt_lock(newfd, &error) < 0 ||
        adopt_one(fixture->store, newfd, id, &row, &error) < 0)
        fail_msg("%s: %s", id, error.text);
    return row;
}

void fixture_report(struct fixture *fixture, const struct crash_row *row, const char *text)
{
    struct store_report report;
    assert_int_equal(store_write_report(fixture->store, row, text, strlen(text), &report, NULL), 0);
    assert_int_equal(store_place_report(fixture->store, row, &report, NULL), 0);
    store_close_report(fixture->store, row, &report);
}

void fixture_explain(struct fixture *fixture, const struct crash_row *row, const char *signature,
                     const char *stack_id, const char *function, unsigned keep)
{
    struct index *index = store_writable_index(fixture->store);
    const char *functions[] = {function, "middle(int)", "main"};
    const struct index_report report = {
        .analysis = CRASH_ANALYZED,
        .report_size = 100,
        .stack_id = stack_id,
        .signature = signature,
        .function = function,
        .signature_frames = functions,
        .n_signature_frames = 3,
        .functions = functions,
        .n_functions = 3,
    };
    struct error error = {0};
    if (index_begin(index, &error) < 0 ||
        index_set_report(index, row->seq, &report, keep, &error) < 0 ||
        index_commit(index, &error) < 0)
        fail_msg("%s", error.text);
}

bool fixture_has(const struct fixture *fixture, const char *format, ...)
{
    char path[256];
    struct stat st;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    return fstatat(store_fd(fixture->store, 0), path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

struct crash_row *fixture_row(struct fixture *fixture, const char *id)
{
    struct crash_row *row = NULL;
    return index_find(store_index(fixture->store, 0), id, &row, NULL) == 0 ? row : NULL;
}
