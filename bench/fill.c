/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inquest-fill - fills a store's index with made-up crashes, through the library. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/parse.h"
#include "store/index.h"
#include "store/layout.h"
#include "store/store.h"
#include "store/when.h"

enum {
    BATCH = 10000, /* rows a transaction */
    PROGRAMS = 400,
    USERS = 7,
    STACKS = 5000,
    DEPTH = 12,
    NAME_SIZE = 64,
};

static const char usage[] =
    "Usage: inquest-fill -D STORE [-u UID] ROWS [SECONDS]\n"
    "\n"
    "Adds ROWS crashes to the index of STORE, one every SECONDS (1) up to now. They have no "
    "files:\n"
    "this is to measure lists and queries, and to be thrown away. With -u, all of them are that\n"
    "user's, have files (empty ones), and his own index of them is made.\n";

/* Names that rows share, as real ones do. */
struct names {
    char comm[NAME_SIZE], exe[NAME_SIZE], user[NAME_SIZE], unit[NAME_SIZE];
    char stack_id[NAME_SIZE], signature[CRASH_SIGNATURE_SIZE];
    char functions[DEPTH][NAME_SIZE];
};

/* Spreads numbers: a fixed permutation, so that every run makes the same store. */
static uint64_t spread(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9u;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBu;
    return n ^ (n >> 31);
}

static void make_names(uint64_t n, struct names *names)
{
    unsigned program = (unsigned)(spread(n) % PROGRAMS), stack = (unsigned)(spread(n + 1) % STACKS);
    snprintf(names->comm, sizeof names->comm, "program-%u", program);
    snprintf(names->exe, sizeof names->exe, "/usr/bin/program-%u", program);
    snprintf(names->user, sizeof names->user, "user%u", (unsigned)(n % USERS));
    snprintf(names->unit, sizeof names->unit, "service-%u.service", program % 50);
    snprintf(names->stack_id, sizeof names->stack_id, "%016" PRIx64, spread(stack));
    snprintf(names->signature, sizeof names->signature, "%016" PRIx64, spread(stack / 2 + STACKS));
    for (unsigned i = 0; i < DEPTH; i++)
        snprintf(names->functions[i], sizeof names->functions[i], "function_%u_%u(int)", i,
                 i < DEPTH / 2 ? stack / 2 : program);
}

static void make_row(uint64_t n, int64_t time_us, const struct names *names, struct crash_row *ret)
{
    struct crash_row row = {
        .time_us = time_us,
        .pid = (int64_t)(n % 4194304),
        .ns_pid = CRASH_ABSENT,
        .tid = (int64_t)(n % 4194304),
        .uid = 1000 + (int64_t)(n % USERS),
        .gid = 1000,
        .signal = n % 3 ? 11 : 6,
        .si_code = 1,
        .core_size = (int64_t)(spread(n) % (UINT64_C(1) << 30)),
        .stored_size = (int64_t)(spread(n) % (UINT64_C(1) << 24)),
        .core = n % 10 ? RECORD_PRUNED : RECORD_FULL,
        .has_content = n % 10 == 0,
        .count = 1,
        .owner = 1000 + (uid_t)(n % USERS),
        .access_uid = CRASH_ABSENT,
        .text = {[CRASH_COMM] = names->comm,
                 [CRASH_EXE] = names->exe,
                 [CRASH_NAME] = names->comm,
                 [CRASH_USER] = names->user,
                 [CRASH_UNIT] = n % 4 ? NULL : names->unit,
                 [CRASH_HOSTNAME] = "bench"},
    };
    layout_id_format(row.id, time_us, (uint32_t)row.pid, 0);
    *ret = row;
}

static int make_directory(struct store *store, uid_t uid, struct error *error)
{
    char path[LAYOUT_PATH_SIZE];
    layout_crash_dir(path, uid);
    if (mkdirat(store_writable_fd(store), path, LAYOUT_CRASH_DIR_MODE) < 0 && errno != EEXIST)
        return error_errno(error, errno, "%s", path);
    return 0;
}

/* The user's from now on, with the files that a list looks for. */
static int give(struct store *store, uid_t uid, struct crash_row *row)
{
    static const char *const suffixes[] = {LAYOUT_RECORD_SUFFIX, LAYOUT_REPORT_SUFFIX};
    row->uid = row->access_uid = (int64_t)uid;
    row->owner = uid;
    AUTO_FD int dirfd = store_open_directory(store, row);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char name[LAYOUT_NAME_SIZE];
        layout_name(name, row->id, suffixes[i]);
        AUTO_FD int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, LAYOUT_FILE_MODE);
        if (fd < 0)
            return -EIO;
    }
    return 0;
}

/* `user` is whose crash it is, or CRASH_ABSENT: one of many users'. */
static int add(struct store *store, int64_t user, uint64_t n, int64_t time_us, struct error *error)
{
    struct index *index = store_writable_index(store);
    struct names names;
    struct crash_row row;
    const char *functions[DEPTH];
    int64_t seq;
    make_names(n, &names);
    make_row(n, time_us, &names, &row);
    if (user != CRASH_ABSENT && give(store, (uid_t)user, &row) < 0)
        return error_errno(error, EIO, "no files for %s", row.id);
    for (unsigned i = 0; i < DEPTH; i++)
        functions[i] = names.functions[i];
    const struct index_report report = {
        .analysis = CRASH_ANALYZED,
        .report_size = 20000,
        .stack_id = names.stack_id,
        .signature = names.signature,
        .function = functions[0],
        .signature_frames = functions,
        .n_signature_frames = 5,
        .functions = functions,
        .n_functions = DEPTH,
    };
    int r = index_put(index, &row, &seq, error);
    return r < 0 ? r : index_set_report(index, seq, &report, 5, error);
}

/* Nothing here is worth an fsync. */
static int hurry(struct index *index, struct error *error)
{
    return database_script(index_database(index),
                           "PRAGMA synchronous=OFF; PRAGMA cache_size=-524288;"
                           "PRAGMA wal_autocheckpoint=100000",
                           error);
}

static int fill(struct store *store, int64_t user, uint64_t rows, uint64_t step_us,
                struct error *error)
{
    struct index *index = store_writable_index(store);
    int64_t now = when_now();
    int r = hurry(index, error);
    if (r == 0)
        r = index_begin(index, error);
    for (uint64_t n = 0; n < rows && r == 0; n++) {
        r = add(store, user, n, now - (int64_t)((rows - n) * step_us), error);
        if (r == 0 && (n + 1) % BATCH == 0) {
            r = index_commit(index, error);
            if (r == 0)
                r = index_begin(index, error);
            if (isatty(STDERR_FILENO))
                fprintf(stderr, "\r%" PRIu64 " of %" PRIu64, n + 1, rows);
        }
    }
    if (r == 0)
        r = index_commit(index, error);
    /* As a store looks that was filled over years. */
    return r < 0 ? r
                 : database_script(index_database(index), "PRAGMA wal_checkpoint(TRUNCATE)", error);
}

int main(int argc, char **argv)
{
    const char *path = NULL, *user = NULL;
    uint64_t uid = 0, rows, seconds = 1;
    struct error error = {0};
    AUTO_STORE struct store *store = NULL;
    int option;
    while ((option = getopt(argc, argv, "D:u:")) == 'D' || option == 'u')
        *(option == 'D' ? &path : &user) = optarg;
    if (option != -1 || (user && parse_u64(user, 10, UINT32_MAX - 1, &uid) < 0) || !path ||
        optind >= argc || optind + 2 < argc || parse_u64(argv[optind], 10, UINT32_MAX, &rows) < 0 ||
        (optind + 1 < argc && parse_u64(argv[optind + 1], 10, UINT32_MAX, &seconds) < 0)) {
        fputs(usage, stderr);
        return 64;
    }
    int r = store_open(path, STORE_CREATE, &store, &error);
    if (r == 0)
        r = user ? make_directory(store, (uid_t)uid, &error) : 0;
    if (r == 0)
        r = fill(store, user ? (int64_t)uid : CRASH_ABSENT, rows, seconds * 1000000, &error);
    if (r == 0 && user)
        r = store_sync_views(store, &error);
    if (r == 0 && user)
        r = store_look_at_views(store, &error); /* as the keeper does at its end */
    if (r < 0)
        fprintf(stderr, "inquest-fill: %s\n", error.text);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
