/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prune.c - `inquest prune`: applies the budgets now, or says what they would cost. */
#include <inttypes.h>

#include "cli/crash.h"
#include "cli/json.h"
#include "cli/pager.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"
#include "store/config.h"
#include "store/retention.h"

struct prune_settings {
    bool dry_run;
};

static const struct option_spec prune_options[] = {
    OPTION_FLAG('n', "dry-run", struct prune_settings, dry_run,
                "say what would go, and why; touch nothing"),
    OPTIONS_END,
};

static const char *const action_names[] = {
    [RETENTION_PRUNE] = "prune", [RETENTION_REMOVE] = "remove", [RETENTION_MODULE] = "module",
    [RETENTION_CACHE] = "cache", [RETENTION_SKIP] = "skip",
};

struct pruning {
    const struct call *call;
    struct json_stream json;
};

static void print_decision_json(struct json_stream *json, const struct retention_decision *decision)
{
    json_t *object = json_object();

    json_set_text(object, "action", action_names[decision->action]);
    json_set_text(object, "id", decision->row ? decision->row->id : NULL);
    json_set_text(object, "path", decision->path);
    json_set_text(object, "why", decision->why);
    json_set_integer(object, "bytes", (int64_t)decision->bytes);
    json_stream_value(json, object);
}

static void print_decision_text(const struct call *call, const struct retention_decision *decision)
{
    static const char *const said[][2] = {
        [RETENTION_PRUNE] = {"dropped the core of", "would drop the core of"},
        [RETENTION_REMOVE] = {"deleted", "would delete"},
        [RETENTION_MODULE] = {"deleted module", "would delete module"},
        [RETENTION_CACHE] = {"emptied", "would empty"},
        [RETENTION_SKIP] = {"could not change", "cannot look into"},
    };
    const struct prune_settings *settings = call->settings;
    char size[16];

    printf("%s ", said[decision->action][settings->dry_run]);
    print_text(stdout, decision->row ? decision->row->id : decision->path);
    if (decision->row && crash_program(decision->row)) {
        fputs(" (", stdout);
        print_text(stdout, crash_program(decision->row));
        putchar(')');
    }
    printf(", %s: ", human_size(size, decision->bytes));
    print_text(stdout, decision->why);
    putchar('\n');
}

static void say_decision(void *context, const struct retention_decision *decision)
{
    struct pruning *pruning = context;

    if (pruning->call->globals.json != JSON_OFF)
        print_decision_json(&pruning->json, decision);
    else if (!pruning->call->globals.quiet)
        print_decision_text(pruning->call, decision);
}

static int find_budgets(const struct store *store, struct config **ret_config, struct budgets *ret,
                        struct error *error)
{
    int r = config_load(NULL, NULL, NULL, ret_config);
    if (r < 0)
        return error_errno(error, -r, "cannot read the configuration");
    return retention_budgets(*ret_config, store_writable_fd(store), ret, error);
}

static void print_result(struct pruning *pruning, const struct retention_result *result)
{
    const struct prune_settings *settings = pruning->call->settings;
    char freed[16], used[16];

    if (pruning->call->globals.json != JSON_OFF) {
        struct json_stream *json = &pruning->json;
        json_stream_close(json);
        json_stream_member(json, "dry_run", json_boolean(settings->dry_run));
        json_stream_member(json, "pruned", json_integer((json_int_t)result->pruned));
        json_stream_member(json, "removed", json_integer((json_int_t)result->removed));
        json_stream_member(json, "modules", json_integer((json_int_t)result->modules));
        json_stream_member(json, "skipped", json_integer((json_int_t)result->skipped));
        json_stream_member(json, "freed", json_integer((json_int_t)result->freed));
        json_stream_member(json, "used", json_integer((json_int_t)result->used));
        json_stream_member(json, "over", json_boolean(result->over));
        json_stream_close(json);
    } else if (!pruning->call->globals.quiet) {
        printf("%" PRIu64 " cores %sdropped, %" PRIu64 " crashes and %" PRIu64
               " modules deleted: %s freed, %s in use\n",
               result->pruned, settings->dry_run ? "to be " : "", result->removed, result->modules,
               human_size(freed, result->freed), human_size(used, result->used));
    }
    if (result->over)
        command_warn("still over the budget: what is left is pinned, being written%s",
                     result->skipped ? " or could not be changed" : "");
}

static int run_prune(struct call *call, struct error *error)
{
    const struct prune_settings *settings = call->settings;
    AUTO_STORE struct store *store = NULL;
    struct pruning pruning = {.call = call, .json = json_stream_to(stdout, call->globals.json)};
    struct retention_result result = {0};
    AUTO_CONFIG struct config *config = NULL; /* the budgets refer to it */
    struct budgets budgets = {0};

    int r = selection_open_store(call, STORE_WRITE, &store, error);
    if (r == 0)
        r = find_budgets(store, &config, &budgets, error);
    if (r < 0)
        return r;
    if (call->globals.json != JSON_OFF) {
        json_stream_open(&pruning.json, '{');
        json_stream_key(&pruning.json, "decisions");
        json_stream_open(&pruning.json, '[');
    }
    r = retention_run(store, &budgets, settings->dry_run, say_decision, &pruning, &result, error);
    print_result(&pruning, &result);
    return r < 0 ? r : EXIT_DONE;
}

const struct command command_prune = {
    .name = "prune",
    .aliases = {"vacuum"},
    .group = COMMAND_KEEP,
    .summary = "apply the budgets for age and size now",
    .usage = "",
    .description = "Cores go before facts and reports, repeats before firsts, and pinned crashes\n"
                   "never. inquest.conf(5) tells the budgets.\n",
    .options = prune_options,
    .settings_size = sizeof(struct prune_settings),
    .run = run_prune,
};
