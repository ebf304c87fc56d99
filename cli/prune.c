/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prune.c - `inquest prune`: applies the budgets now, or says what they would cost. */
#include <inttypes.h>

#include "cli/change.h"
#include "cli/crash.h"
#include "cli/json.h"
#include "cli/pager.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "store/base/bytes.h"
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

/* ---- why, in words and in numbers ---- */

static const char *const budget_names[] = {
    [RETENTION_NO_BUDGET] = NULL,          [RETENTION_CORE_AGE] = "core_age",
    [RETENTION_REPORT_AGE] = "report_age", [RETENTION_MAX_USE] = "max_use",
    [RETENTION_KEEP_FREE] = "keep_free",
};

static bool is_age(const struct retention_reason *reason)
{
    return reason->budget == RETENTION_CORE_AGE || reason->budget == RETENTION_REPORT_AGE;
}

/* Whose share it counts for: the ids of a user namespace count for who made it. */
static void name_user(const struct crash_row *row, struct bytes *ret)
{
    const char *name = row->account == row->uid ? row->text[CRASH_USER] : NULL;
    (void)(name                           ? bytes_append_text(ret, name)
           : row->account == CRASH_ABSENT ? bytes_append_text(ret, "nobody known")
                                          : bytes_printf(ret, "user %" PRId64, row->account));
}

static void say_turn(const struct retention_decision *decision, struct bytes *ret)
{
    const struct retention_reason *reason = &decision->reason;
    const struct crash_row *row = decision->row;
    char used[16], share[16];

    if (row->repeat)
        (void)bytes_printf(ret, ": a repeat of %s, of ",
                           *row->signature ? row->signature : crash_program(row) ?: "?");
    else
        (void)bytes_append_text(ret, ": the oldest of ");
    name_user(row, ret);
    (void)bytes_printf(ret, ", who has %s", human_size(used, reason->user_bytes));
    if (reason->share)
        (void)bytes_printf(ret, " and a share of %s", human_size(share, reason->share));
}

/* The end of a sentence. A short text, at worst. */
static void say_why(const struct retention_decision *decision, struct bytes *ret)
{
    const struct retention_reason *reason = &decision->reason;
    const char *budget = budget_names[reason->budget];
    char limit[32], size[16];

    if (decision->trouble) {
        (void)bytes_append_text(ret, decision->trouble);
        return;
    }
    if (!budget) {
        (void)bytes_append_text(ret, "no core is left that may need it");
        return;
    }
    if (is_age(reason) && decision->row) {
        (void)bytes_printf(ret, "older than %s (%s)", budget, human_span(limit, reason->limit));
        if (reason->by_rule)
            (void)bytes_printf(ret, " of [rule %s]", decision->row->text[CRASH_RULE] ?: "?");
        return;
    }
    (void)bytes_printf(ret, "%s %s (%s)", reason->budget == RETENTION_KEEP_FREE ? "under" : "over",
                       budget, human_size(limit, reason->limit));
    if (reason->has_user && decision->row)
        say_turn(decision, ret);
    else if (reason->budget == RETENTION_MAX_USE)
        (void)bytes_printf(ret, ": more than the %s that are left for %s",
                           human_size(size, reason->allowed),
                           decision->row ? "all crashes" : "the cache");
}

static void set_reason_json(json_t *object, const struct retention_decision *decision)
{
    const struct retention_reason *reason = &decision->reason;
    const struct crash_row *row = decision->row;

    json_set_text(object, "budget", budget_names[reason->budget]);
    if (reason->budget)
        json_set_integer(object, is_age(reason) ? "limit_us" : "limit", (int64_t)reason->limit);
    if (reason->by_rule && row)
        json_set_text(object, "rule", row->text[CRASH_RULE]);
    if (reason->allowed)
        json_set_integer(object, "allowed", (int64_t)reason->allowed);
    if (!reason->has_user || !row)
        return;
    AUTO_BYTES struct bytes user = {0};
    name_user(row, &user);
    json_set_text(object, "user", user.data);
    json_set_integer(object, "user_bytes", (int64_t)reason->user_bytes);
    if (reason->share)
        json_set_integer(object, "share", (int64_t)reason->share);
    json_object_set_new(object, "repeat", json_boolean(row->repeat));
    json_set_text(object, "signature", *row->signature ? row->signature : NULL);
    json_set_text(object, "program", crash_program(row));
}

/* ---- each decision ---- */

static void print_decision_json(struct json_stream *json, const struct retention_decision *decision)
{
    json_t *object = json_object();
    AUTO_BYTES struct bytes why = {0};

    json_set_text(object, "action", action_names[decision->action]);
    json_set_text(object, "id", decision->row ? decision->row->id : NULL);
    json_set_text(object, "path", decision->path);
    say_why(decision, &why);
    json_set_text(object, "why", why.data);
    set_reason_json(object, decision);
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
    AUTO_BYTES struct bytes why = {0};
    char size[16];

    say_why(decision, &why);
    printf("%s ", said[decision->action][settings->dry_run]);
    print_text(stdout, decision->row ? decision->row->id : decision->path);
    if (decision->row && crash_program(decision->row)) {
        fputs(" (", stdout);
        print_text(stdout, crash_program(decision->row));
        putchar(')');
    }
    if (!decision->trouble)
        printf(", %s", human_size(size, decision->bytes));
    fputs(": ", stdout);
    print_text(stdout, why.data ?: "");
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
        const char *would = settings->dry_run ? "would be " : "";
        printf("%" PRIu64 " cores %sdropped, %" PRIu64 " crashes and %" PRIu64
               " modules %sdeleted: %s %sfreed, %s %sin use\n",
               result->pruned, would, result->removed, result->modules, would,
               human_size(freed, result->freed), would, human_size(used, result->used), would);
    }
    if (result->over)
        command_warn("still over the budget: what is left is pinned or being written%s",
                     result->skipped ? ", or could not be changed" : "");
}

/* Of a run that failed there are decisions, but no sums. */
static void close_unfinished(struct json_stream *json)
{
    json_stream_close(json);
    json_stream_close(json);
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
    if (!settings->dry_run) /* it would wait for a dead keeper's, and others for it */
        (void)change_adopt(store);
    if (call->globals.json != JSON_OFF) {
        json_stream_open(&pruning.json, '{');
        json_stream_key(&pruning.json, "decisions");
        json_stream_open(&pruning.json, '[');
    }
    r = retention_run(store, &budgets, settings->dry_run, say_decision, &pruning, &result, error);
    if (r == 0)
        print_result(&pruning, &result);
    else if (call->globals.json != JSON_OFF)
        close_unfinished(&pruning.json);
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
