/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import.c - `inquest import`: stores cores and records from elsewhere. */
#include <config.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/bundle_reader.h"
#include "cli/core_file.h"
#include "cli/crash.h"
#include "cli/json.h"
#include "cli/module_file.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "store/adopt.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/config.h"
#include "store/core_facts.h"
#include "store/explain.h"
#include "store/keys.h"
#include "store/when.h"

struct import_settings {
    bool no_analysis;
};

static const struct option_spec import_options[] = {
    OPTION_FLAG(0, "no-analysis", struct import_settings, no_analysis,
                "leave the backtrace for later"),
    OPTIONS_END,
};

/* True where the file is a record of a store, with the facts of a crash in it. */
static bool is_record(int fd)
{
    AUTO_RECORD struct record *record = NULL;

    return record_open(fd, &record, NULL) == 0 && record_is_finished(record) &&
           metadata_get(record_metadata(record), KEY_PID);
}

/* A core that came without facts is as old as its file. */
static int set_time(struct metadata *facts, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    const int64_t most = INT64_MAX / 1000000 - 1;
    int64_t seconds = st.st_mtim.tv_sec, part = st.st_mtim.tv_nsec / 1000;
    int64_t time_us = seconds > most ? INT64_MAX : seconds < 0 ? -1 : seconds * 1000000 + part;
    return metadata_set_i64(facts, KEY_TIME, adopt_time(time_us));
}

/*
 * Whose it is. The caller's own core is his to read; what a core claims of other users gives nobody
 * rights, so that it becomes root's alone in a store of the system.
 */
static int set_owner(struct metadata *facts, uid_t caller)
{
    uint64_t uid;

    if (metadata_u64(facts, KEY_UID, &uid) < 0) {
        int r = metadata_set_u64(facts, KEY_UID, caller);
        return r < 0 ? r : metadata_set_text(facts, KEY_PRIVATE, "1");
    }
    if (uid != caller)
        return metadata_set_text(facts, KEY_PRIVATE, "1");
    int r = metadata_set_u64(facts, KEY_DUMPABLE, 1);
    if (r == 0)
        r = metadata_set_u64(facts, KEY_ACCESS_UID, caller);
    struct passwd *user = getpwuid(caller);
    if (r == 0 && user)
        r = metadata_set_text(facts, KEY_USER, user->pw_name);
    return r;
}

struct import {
    struct call *call;
    struct store *store;
    struct json_stream json;
    uid_t caller;
    uint64_t max_core;
};

static int import_core(const struct import *import, int fd, const struct bytes *prefix,
                       struct crash_row **ret, struct error *error)
{
    AUTO_METADATA struct metadata *facts = metadata_new();

    if (!facts)
        return error_set(error, ENOMEM, "out of memory");
    int r = core_facts(prefix->data, prefix->size, facts, error);
    if (r < 0)
        return r;
    r = set_time(facts, fd);
    if (r == 0)
        r = set_owner(facts, import->caller);
    if (r == 0)
        r = metadata_set_text(facts, KEY_VERSION, PACKAGE_VERSION);
    if (r < 0)
        return error_errno(error, -r, "cannot hold the core's facts");
    return adopt_import(import->store, fd, facts, import->max_core, ret, error);
}

/* ---- bundles ---- */

struct bundle_import {
    const struct import *import;
    struct crash_row *row; /* once the record is stored */
};

static int take_record(void *context, int fd, struct error *error)
{
    struct bundle_import *bundle = context;
    const struct import *import = bundle->import;
    return adopt_record(import->store, fd, import->max_core, &bundle->row, error);
}

/* What fails of the rest is told, and no failure of the import. */
static int take_report(void *context, int fd, struct error *unused)
{
    const struct bundle_import *bundle = context;
    AUTO_BYTES struct bytes json = {0};
    AUTO_CONFIG struct config *config = NULL;
    struct error error = {0};

    (void)unused;
    int r = config_load(NULL, NULL, NULL, &config);
    if (r == 0)
        r = io_read_all(fd, REPORT_MAX_SIZE, &json);
    if (r == 0)
        r = report_adopt(&json, &error);
    if (r == 0)
        r = explain_keep(bundle->import->store, bundle->row, &json, config, NULL, &error);
    if (r < 0)
        command_note(bundle->import->call, "%s: its report is left out: %s", bundle->row->id,
                     error.text[0] ? error.text : strerror(-r));
    return 0;
}

static int take_module(void *context, int fd, struct error *unused)
{
    const struct bundle_import *bundle = context;
    char build_id[MODULE_BUILD_ID_SIZE];
    struct error error = {0};

    (void)unused;
    if (module_file_build_id(fd, build_id) == 0 &&
        store_keep_module(bundle->import->store, bundle->row, build_id, fd, &error) < 0)
        command_note(bundle->import->call, "%s: a module is left out: %s", bundle->row->id,
                     error.text);
    return 0;
}

static int import_bundle(const struct import *import, int fd, struct crash_row **ret,
                         struct error *error)
{
    struct bundle_import bundle = {.import = import};
    const struct bundle_handler handler = {
        .record = take_record,
        .report = take_report,
        .module = take_module,
        .context = &bundle,
        .max_core = import->max_core,
    };
    int r = bundle_read(fd, &handler, error);
    if (r < 0 && bundle.row)
        command_warn("%s: the rest of the bundle is left out: %s", bundle.row->id, error->text);
    if (!bundle.row)
        return r;
    *ret = bundle.row;
    return 0;
}

/* Whatever it is. */
static int import_any(const struct import *import, int fd, struct crash_row **ret,
                      struct error *error)
{
    AUTO_BYTES struct bytes prefix = {0};

    if (is_record(fd))
        return adopt_record(import->store, fd, import->max_core, ret, error);
    int r = core_facts_prefix(fd, &prefix, error);
    if (r < 0)
        return r;
    if (bundle_is_meant(prefix.data, prefix.size))
        return import_bundle(import, fd, ret, error);
    return import_core(import, fd, &prefix, ret, error);
}

/* ---- the verb ---- */

/* The report of what was just stored. A failure is told, and no failure of the import. */
static void explain(const struct call *call, struct store *store, const struct crash_row *row)
{
    AUTO_BYTES struct bytes json = {0};
    AUTO_CONFIG struct config *config = NULL;
    struct analysis_options options = ANALYSIS_DEFAULTS;
    struct error error = {0};

    if (config_load(NULL, NULL, NULL, &config) < 0)
        return;
    explain_options_from(config_settings(config), &options);
    int r = explain_run(store, row, &options, &json, &error);
    if (r == 0)
        r = explain_keep(store, row, &json, config, NULL, &error);
    if (r < 0)
        command_note(call, "%s: no backtrace yet: %s", row->id, error.text);
}

static void say_imported(struct import *import, const char *path, const struct crash_row *row)
{
    if (import->call->globals.json != JSON_OFF) {
        json_stream_open(&import->json, '{');
        crash_json(import->store, row, &import->json);
        json_stream_close(&import->json);
    } else if (!import->call->globals.quiet) {
        printf("%s  ", row->id);
        print_text(stdout, path);
        putchar('\n');
    }
}

static int import_file(struct import *import, const char *path, struct error *error)
{
    const struct import_settings *settings = import->call->settings;
    AUTO_CRASH_ROW struct crash_row *row = NULL, *explained = NULL;
    AUTO_FD int fd = -1;

    /* With the caller's own rights, before the store's owner's are taken. */
    int r = store_leave(import->store, error);
    if (r == 0)
        r = fd = core_file_open_input(path, error);
    int entered = store_enter(import->store, r >= 0 ? error : NULL);
    if (r >= 0)
        r = entered;
    if (r < 0)
        return r;
    r = import_any(import, fd, &row, error);
    if (r < 0)
        return r;
    if (query_id(import->store, row->id, &explained, NULL) < 0) /* a bundle may have a report */
        explained = NULL;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): whatever is imported has a row */
    if (!settings->no_analysis && (explained ?: row)->analysis == CRASH_PENDING) {
        explain(import->call, import->store, row);
        crash_row_free(explained);
        if (query_id(import->store, row->id, &explained, NULL) < 0)
            explained = NULL;
    }
    say_imported(import, path, explained ?: row);
    return 0;
}

static int run_import(struct call *call, struct error *error)
{
    AUTO_STORE struct store *store = NULL;
    struct import import = {
        .call = call,
        .json = json_stream_to(stdout, call->globals.json),
        .caller = getuid(),
        .max_core = core_file_largest(),
    };
    bool as_json = call->globals.json != JSON_OFF, failed = false;

    int r = selection_open_store(call, STORE_CREATE, &store, error);
    if (r < 0)
        return r;
    import.store = store;
    if (as_json)
        json_stream_open(&import.json, '[');
    for (size_t i = 0; i < call->word_count; i++) {
        struct error inner = {0};
        if (import_file(&import, call->words[i], &inner) == 0)
            continue;
        command_warn("%s: %s", call->words[i], inner.text);
        failed = true;
    }
    if (as_json)
        json_stream_close(&import.json);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_import = {
    .name = "import",
    .group = COMMAND_KEEP,
    .summary = "store cores, records or bundles from elsewhere",
    .usage = "FILE…",
    .description = "A FILE is an ELF core, one compressed with zstd, a record of another store or "
                   "a bundle of\n"
                   "`inquest export`, whose facts are kept,\n"
                   "of a bundle also its report and modules; - is stdin. Without root it goes to\n"
                   "$XDG_DATA_HOME/inquest.\n",
    .options = import_options,
    .settings_size = sizeof(struct import_settings),
    .min_words = 1,
    .max_words = COMMAND_ANY_WORDS,
    .run = run_import,
};
