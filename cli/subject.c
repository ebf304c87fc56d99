/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subject.c - what an explaining verb is about, with its facts and its report. */
#include "cli/subject.h"

#include <errno.h>
#include <string.h>

#include "cli/core_file.h"
#include "cli/module_file.h"
#include "cli/selection.h"
#include "store/base/bytes.h"
#include "store/config.h"
#include "store/core_facts.h"
#include "store/explain.h"
#include "store/keys.h"

static bool settings_say_something(const struct analysis_settings *settings)
{
    return settings->exe || settings->sysroot || settings->debug_dirs.count > 0;
}

/* Options for an analysis, and what they point to. */
struct prepared {
    struct analysis_options options;
    struct config *config;
    const char **debug_dirs;
};

static void prepared_close(struct prepared *prepared)
{
    config_free(prepared->config);
    free(prepared->debug_dirs);
}
#define AUTO_PREPARED CLEANUP(prepared_close)

static int prepare(const struct analysis_settings *settings, struct prepared *ret,
                   struct error *error)
{
    const struct texts *dirs = &settings->debug_dirs;
    struct config *config = NULL;

    *ret = (struct prepared){.options = ANALYSIS_DEFAULTS};
    if (config_load(NULL, NULL, NULL, &config) < 0)
        return error_set(error, ENOMEM, "out of memory");
    ret->config = config;
    explain_options_from(config_settings(config), &ret->options);
    ret->options.exe = settings->exe;
    ret->options.sysroot = settings->sysroot;
    ret->debug_dirs = calloc(dirs->count + 1, sizeof(*ret->debug_dirs));
    if (!ret->debug_dirs)
        return error_set(error, ENOMEM, "out of memory");
    for (size_t i = 0; i < dirs->count; i++)
        ret->debug_dirs[i] = dirs->items[i];
    ret->options.debug_dirs = ret->debug_dirs;
    return 0;
}

int subject_analyze(struct store *store, const struct crash_row *row,
                    const struct analysis_settings *settings, struct report **ret_report,
                    struct error *error)
{
    AUTO_BYTES struct bytes json = {0};
    AUTO_PREPARED struct prepared prepared = {.config = NULL};

    int r = prepare(settings, &prepared, error);
    if (r == 0)
        r = explain_run(store, row, &prepared.options, &json, error);
    if (r == 0)
        r = explain_keep(store, row, &json, prepared.config, ret_report, error);
    return r;
}

/* Root keeps a report that was missing, of a crash that the keeper has taken into its care; that he
 * cannot is no reason not to show it. `ret` is the crash as the index knows it then. */
static int analyze_and_keep(const struct call *call, const struct crash_row *row,
                            const struct bytes *json, const struct prepared *prepared,
                            struct crash_row **ret)
{
    AUTO_STORE struct store *store = NULL;
    AUTO_CRASH_ROW struct crash_row *same = NULL;
    struct error error = {0};

    int r = selection_open_store(call, STORE_WRITE, &store, &error);
    if (r == 0)
        r = query_id(store, row->id, &same, &error);
    if (r == 0 && same->time_us != row->time_us) /* adopted or not, it is that of the crash */
        r = error_set(&error, ESTALE, "%s was removed meanwhile", row->id);
    if (r == 0)
        r = explain_keep(store, same, json, prepared->config, NULL, &error);
    if (r == 0)
        r = query_id(store, row->id, ret, &error);
    if (r < 0)
        command_note(call, "the report is not kept: %s", error.text);
    return r;
}

/* The index's signature goes before the report's own: a report with better symbols may have renamed
 * the stack for all its crashes, and it is the one that lists show and find. */
static void use_signature_of(struct report *report, const struct crash_row *row)
{
    report_rename(report, row->signature);
}

static int analyze_crash(const struct call *call, struct store *store, const struct crash_row *row,
                         const struct analysis_settings *settings, struct report **ret,
                         struct error *error)
{
    AUTO_BYTES struct bytes json = {0};
    AUTO_PREPARED struct prepared prepared = {.config = NULL};
    AUTO_CRASH_ROW struct crash_row *kept = NULL;

    int r = prepare(settings, &prepared, error);
    if (r == 0)
        r = explain_run(store, row, &prepared.options, &json, error);
    if (r == 0)
        r = report_parse(json.data ? json.data : "", json.size, ret, error);
    if (r < 0 || settings_say_something(settings))
        return r;
    if (geteuid() == 0 && !store_source_is_unadopted(store, row->source))
        (void)analyze_and_keep(call, row, &json, &prepared, &kept);
    use_signature_of(*ret, kept ? kept : row);
    return r;
}

static int read_report(struct store *store, const struct crash_row *row, struct report **ret,
                       struct error *error)
{
    AUTO_BYTES struct bytes json = {0};
    int r = store_read_report(store, row, &json, error);
    if (r == 0)
        r = report_parse(json.data ? json.data : "", json.size, ret, error);
    if (r == 0)
        use_signature_of(*ret, row);
    return r;
}

/* Whether an analyzer would find anything to read. */
static bool has_memory(struct store *store, const struct crash_row *row)
{
    enum record_state state = store_row_core(store, row);
    return row->analysis != CRASH_HOPELESS && state != RECORD_MISSING && state != RECORD_FACTS &&
           state != RECORD_COUNTED;
}

int subject_report(const struct call *call, struct store *store, const struct crash_row *row,
                   bool analyse, struct report **ret, struct error *error)
{
    static const struct analysis_settings nothing_said;
    int r = read_report(store, row, ret, error);
    if (r == -ENOENT && analyse && has_memory(store, row))
        r = analyze_crash(call, store, row, &nothing_said, ret, error);
    return r;
}

int subject_open_crash(const struct call *call, struct store *store, const struct crash_row *row,
                       const struct analysis_settings *settings, struct subject *ret,
                       struct error *error)
{
    AUTO_SUBJECT struct subject subject = SUBJECT_NONE;
    int r = -ENOENT;

    snprintf(subject.id, sizeof subject.id, "%s", row->id);
    subject.store = store;
    subject.row = crash_row_copy(row);
    if (!subject.row)
        return error_set(error, ENOMEM, "out of memory");
    if (!settings_say_something(settings))
        r = read_report(store, subject.row, &subject.report, error);
    if (r < 0 && r != -ENOENT && r != -EBADMSG)
        return r;
    int opened = crash_record_open(store, row, &subject.record, r < 0 ? error : NULL);
    if (r < 0)
        r = opened < 0 ? opened : analyze_crash(call, store, row, settings, &subject.report, error);
    if (r < 0)
        return r;
    *ret = subject;
    subject = (struct subject)SUBJECT_NONE;
    return 0;
}

/* A record has its facts, a core those that its notes tell. */
static int read_facts(struct subject *subject, struct error *error)
{
    AUTO_BYTES struct bytes start = {0};
    if (record_open(subject->record.fd, &subject->record.record, NULL) == 0)
        return 0;
    subject->core_facts = metadata_new();
    if (!subject->core_facts)
        return error_set(error, ENOMEM, "out of memory");
    int r = core_facts_prefix(subject->record.fd, &start, error);
    return r < 0 ? r : core_facts(start.data, start.size, subject->core_facts, error);
}

static int open_file(const char *path, const struct analysis_settings *settings,
                     struct subject *ret, struct error *error)
{
    AUTO_SUBJECT struct subject subject = SUBJECT_NONE;
    AUTO_PREPARED struct prepared prepared = {.config = NULL};
    AUTO_BYTES struct bytes json = {0};

    subject.record.fd = core_file_open(path, error);
    int r = subject.record.fd < 0 ? subject.record.fd : read_facts(&subject, error);
    if (r == 0)
        r = prepare(settings, &prepared, error);
    if (r == 0)
        r = analysis_run(subject.record.fd, &prepared.options, &json, error);
    if (r == 0)
        r = report_parse(json.data ? json.data : "", json.size, &subject.report, error);
    if (r < 0)
        return r;
    *ret = subject;
    subject = (struct subject)SUBJECT_NONE;
    return 0;
}

int subject_open(const struct call *call, const char *word,
                 const struct analysis_settings *settings, struct subject *ret, struct error *error)
{
    AUTO_STORE struct store *store = NULL;
    AUTO_CRASH_ROW struct crash_row *row = NULL;
    char *words[] = {(char *)word, NULL};
    struct call one = *call;

    if (word && core_file_is_meant(word))
        return open_file(word, settings, ret, error);
    one.words = words;
    one.word_count = word != NULL;
    int r = selection_open_store(call, STORE_READ, &store, error);
    if (r == 0)
        r = selection_one(&one, NULL, store, &row, error);
    if (r == 0)
        r = subject_open_crash(call, store, row, settings, ret, error);
    if (r == 0) {
        ret->owns_store = true;
        (void)steal_pointer(&store); /* ret->store is it */
    }
    return r;
}

void subject_close(struct subject *subject)
{
    crash_row_free(subject->row);
    if (subject->owns_store)
        store_free(subject->store);
    crash_record_close(&subject->record);
    metadata_free(subject->core_facts);
    report_free(subject->report);
    *subject = (struct subject)SUBJECT_NONE;
}

int subject_open_module(const struct subject *subject, const struct report_module *module,
                        const char *sysroot)
{
    char kept[LAYOUT_PATH_SIZE];

    if (!subject->store)
        return module_file_open(module, -1, NULL, sysroot, NULL);
    layout_kept_modules(kept, subject->row->owner, subject->row->id);
    return module_file_open(module, store_fd(subject->store, subject->row->source), kept, sysroot,
                            NULL);
}

const struct metadata *subject_facts(const struct subject *subject)
{
    return subject->record.record ? record_metadata(subject->record.record) : subject->core_facts;
}

struct render_input subject_input(const struct subject *subject)
{
    return (struct render_input){
        .id = subject->id[0] ? subject->id : NULL,
        .facts = subject_facts(subject),
        .report = subject->report,
    };
}

static bool is_path(const struct report_module *module, const char *exe)
{
    return strcmp(module->path, exe) == 0;
}

/* The kernel cuts the name to 15 bytes. */
static bool is_named(const struct report_module *module, const char *comm)
{
    return comm[0] && strncmp(render_base_name(module->path), comm, 15) == 0;
}

/* Where nothing tells: programs lie below their libraries. */
static const struct report_module *lowest_module(const struct report *report)
{
    const struct report_module *lowest = NULL;
    for (size_t i = 0; i < report->n_modules; i++)
        if (report->modules[i].path[0] == '/' &&
            (!lowest || report->modules[i].start < lowest->start))
            lowest = &report->modules[i];
    return lowest;
}

const struct report_module *subject_executable(const struct subject *subject)
{
    static const struct {
        const char *key;
        bool (*matches)(const struct report_module *, const char *);
    } ways[] = {{KEY_EXE, is_path}, {KEY_COMM, is_named}};
    const struct metadata *facts = subject_facts(subject);

    for (size_t i = 0; facts && i < ARRAY_SIZE(ways); i++) {
        const char *value = metadata_text(facts, ways[i].key);
        for (size_t k = 0; value && k < subject->report->n_modules; k++)
            if (ways[i].matches(&subject->report->modules[k], value))
                return &subject->report->modules[k];
    }
    return lowest_module(subject->report);
}

int subject_exit_code(const struct subject *subject)
{
    const struct record *record = subject->record.record;
    bool is_cut = record && record_state(record) == RECORD_TRUNCATED;
    return is_cut || !subject->report->complete ? EXIT_PARTIAL : EXIT_DONE;
}
