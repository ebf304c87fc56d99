/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change.c - what rm, pin and unpin share. */
#include "cli/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/crash.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "store/adopt.h"
#include "store/base/cleanup.h"

/* The crashes a change is about, by id and source: what is changed must not move under the query.
 */
struct chosen {
    struct crash_row **rows;
    size_t count;
};

static void chosen_free(struct chosen *chosen)
{
    for (size_t i = 0; i < chosen->count; i++)
        crash_row_free(chosen->rows[i]);
    free(chosen->rows);
}
#define AUTO_CHOSEN CLEANUP(chosen_free)

static int choose(void *context, struct store *store, const struct crash_row *row,
                  struct error *error)
{
    struct chosen *chosen = context;
    struct crash_row **rows = reallocarray(chosen->rows, chosen->count + 1, sizeof *rows);

    (void)store;
    if (!rows)
        return error_set(error, ENOMEM, "out of memory");
    chosen->rows = rows;
    rows[chosen->count] = crash_row_copy(row);
    if (!rows[chosen->count])
        return error_set(error, ENOMEM, "out of memory");
    chosen->count++;
    return 0;
}

/* Whether each word is the whole id of a crash: then several were meant. */
static bool words_are_ids(const struct call *call)
{
    for (size_t i = 0; i < call->word_count; i++)
        if (!layout_id_is_valid(call->words[i]))
            return false;
    return call->word_count > 0;
}

static int check_several(const struct call *call, const struct chosen *chosen, struct error *error)
{
    const struct change_settings *settings = call->settings;

    if (chosen->count <= 1 || settings->all || words_are_ids(call) ||
        selection_limit(&settings->selection, 0) > 0)
        return 0;
    return error_set(error, E2BIG, "%zu crashes match; --all means all of them, -1 the latest",
                     chosen->count);
}

static void show_question(const struct change *change, const struct chosen *chosen)
{
    enum { SHOWN = 10 };

    for (size_t i = 0; i < chosen->count && i < SHOWN; i++) {
        const struct crash_row *row = chosen->rows[i];
        char age[32];
        fprintf(stderr, "  %s  ", row->id);
        print_text(stderr, crash_program(row) ?: "-");
        fprintf(stderr, ", %s\n", human_age(age, row->time_us));
    }
    if (chosen->count > SHOWN)
        fprintf(stderr, "  … and %zu more\n", chosen->count - SHOWN);
    fprintf(stderr, "%s %s%zu crash%s? [y/N] ", change->question, chosen->count > 1 ? "these " : "",
            chosen->count, chosen->count > 1 ? "es" : "");
}

/* Asks whoever sits at the terminal; nobody there means yes. */
static bool may_go_on(const struct call *call, const struct change *change,
                      const struct chosen *chosen)
{
    const struct change_settings *settings = call->settings;
    char answer[16];

    if (!change->asks || settings->yes || !isatty(STDIN_FILENO))
        return true;
    show_question(change, chosen);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static json_t *change_json(const struct change *change, const struct crash_row *row, bool done,
                           const char *why)
{
    json_t *object = json_object();

    json_set_text(object, "id", row->id);
    json_object_set_new(object, change->key, json_boolean(done));
    json_set_text(object, "why", why);
    return object;
}

/* The library's messages name the crash where they can. */
static void warn_of(const struct crash_row *row, const char *why)
{
    if (strstr(why, row->id))
        command_warn("%s", why);
    else
        command_warn("%s: %s", row->id, why);
}

static int apply_all(struct call *call, const struct change *change, struct store *store,
                     const struct chosen *chosen)
{
    struct json_stream json = json_stream_to(stdout, call->globals.json);
    bool as_json = call->globals.json != JSON_OFF, failed = false;

    if (as_json)
        json_stream_open(&json, '[');
    for (size_t i = 0; i < chosen->count; i++) {
        const struct crash_row *row = chosen->rows[i];
        struct error error = {0};
        const char *why = NULL;
        int r = change->apply(call->settings, store, row, &why, &error);
        bool done = r == CHANGE_DONE;
        if (r < 0)
            why = error.text[0] ? error.text : strerror(-r);
        failed = failed || !done;
        if (as_json)
            json_stream_value(&json, change_json(change, row, done, why));
        if (!done)
            warn_of(row, why ?: "left alone");
        else if (!as_json && !call->globals.quiet)
            printf("%s %s\n", change->done, row->id);
    }
    if (as_json)
        json_stream_close(&json);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

bool change_adopt(struct store *store)
{
    struct adopt_result result = {0};
    struct error error;
    (void)adopt_all(store, NULL, &result, &error); /* what fails here is the keeper's to tell */
    return !result.busy;
}

/* Written to its end, and not where it is going to stay: somebody else was at it. */
static bool is_any_unadopted(const struct store *store, const struct chosen *chosen)
{
    for (size_t i = 0; i < chosen->count; i++)
        if (store_source_is_unadopted(store, chosen->rows[i]->source) &&
            chosen->rows[i]->core != RECORD_CAPTURING)
            return true;
    return false;
}

static int choose_all(struct call *call, struct store *store, struct chosen *chosen,
                      struct error *error)
{
    const struct change_settings *settings = call->settings;

    for (unsigned looks = 1;; looks++) {
        (void)change_adopt(store);
        int r = selection_each(call, &settings->selection, store, 0, choose, chosen, error);
        if (r < 0 || looks == CHANGE_LOOKS_MAX || !is_any_unadopted(store, chosen))
            return r;
        chosen_free(chosen);
        *chosen = (struct chosen){0};
        (void)usleep(CHANGE_MOMENT_US);
    }
}

int change_run(struct call *call, const struct change *change, struct error *error)
{
    const struct change_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    AUTO_CHOSEN struct chosen chosen = {0};

    if (call->word_count == 0 && !selection_narrows(&settings->selection) &&
        selection_limit(&settings->selection, 0) == 0)
        return command_usage_error(call, "%s needs to be told which: %s", call->command->name,
                                   call->command->usage);
    int r = selection_open_store(call, STORE_WRITE, &store, error);
    if (r == 0)
        r = choose_all(call, store, &chosen, error);
    if (r < 0)
        return selection_end(call, r, error);
    r = check_several(call, &chosen, error);
    if (r < 0)
        return r;
    if (!may_go_on(call, change, &chosen)) {
        command_note(call, "nothing done");
        return EXIT_FAILED;
    }
    return apply_all(call, change, store, &chosen);
}
