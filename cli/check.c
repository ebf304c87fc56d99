/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.c - `inquest check`: compares index, files and checksums, and repairs what can be. */
#include "store/check.h"

#include <errno.h>
#include <inttypes.h>

#include "cli/json.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "store/base/cleanup.h"

struct check_settings {
    bool dry_run;
    bool quick;
};

static const struct option_spec check_options[] = {
    OPTION_FLAG('n', "dry-run", struct check_settings, dry_run, "repair nothing"),
    OPTION_FLAG(0, "quick", struct check_settings, quick,
                "don't read every core to verify its checksums"),
    OPTIONS_END,
};

struct checking {
    const struct call *call;
    struct json_stream json;
};

static void print_finding_json(struct json_stream *json, const struct check_finding *finding)
{
    json_t *object = json_object();

    json_set_text(object, "kind", check_kind_name(finding->kind));
    json_set_text(object, "id", finding->id);
    json_set_text(object, "path", finding->path);
    json_set_text(object, "text", finding->text);
    if (finding->kind == CHECK_FRAME_DAMAGED) {
        json_set_integer(object, "content_offset", (int64_t)finding->content_offset);
        json_set_integer(object, "size", (int64_t)finding->size);
    } else {
        json_set_null(object, "content_offset");
        json_set_null(object, "size");
    }
    json_object_set_new(object, "repaired", json_boolean(finding->repaired));
    json_stream_value(json, object);
}

static void say_finding(void *context, const struct check_finding *finding)
{
    struct checking *checking = context;

    if (checking->call->globals.json != JSON_OFF) {
        print_finding_json(&checking->json, finding);
        return;
    }
    enum style style = finding->repaired ? STYLE_GOOD : STYLE_BAD;
    print_styled(stdout, style, finding->repaired ? "repaired" : "found");
    printf(" %s: ", check_kind_name(finding->kind));
    if (finding->path || finding->id) {
        print_text(stdout, finding->path ?: finding->id);
        fputs(": ", stdout);
    }
    print_text(stdout, finding->text);
    putchar('\n');
}

static void print_result(struct checking *checking, const struct check_result *result)
{
    struct json_stream *json = &checking->json;

    if (checking->call->globals.json == JSON_OFF) {
        if (!checking->call->globals.quiet)
            printf("%" PRIu64 " crashes checked, %" PRIu64 " problems found, %" PRIu64
                   " repaired\n",
                   result->crashes, result->found, result->repaired);
        return;
    }
    json_stream_close(json);
    json_stream_member(json, "crashes", json_integer((json_int_t)result->crashes));
    json_stream_member(json, "found", json_integer((json_int_t)result->found));
    json_stream_member(json, "repaired", json_integer((json_int_t)result->repaired));
    json_stream_member(json, "frames_damaged", json_integer((json_int_t)result->frames_damaged));
    json_stream_close(json);
}

/* Whoever may not write is told what is wrong all the same. */
static int open_for_check(struct call *call, struct store **ret, unsigned *flags,
                          struct error *error)
{
    const struct check_settings *settings = call->settings;
    struct error ignored = {0};

    *flags = settings->quick ? 0 : CHECK_CONTENTS;
    if (!settings->dry_run) {
        int r = selection_open_store(call, STORE_WRITE, ret, &ignored);
        if (r == 0) {
            *flags |= CHECK_REPAIR;
            return 0;
        }
        if (r != -EACCES && r != -EPERM && r != -EROFS) {
            *error = ignored;
            return r;
        }
        command_note(call, "nothing will be repaired: %s", ignored.text);
    }
    return selection_open_store(call, STORE_READ, ret, error);
}

static int run_check(struct call *call, struct error *error)
{
    AUTO_STORE struct store *store = NULL;
    struct checking checking = {.call = call, .json = json_stream_to(stdout, call->globals.json)};
    struct check_result result = {0};
    unsigned flags;

    int r = open_for_check(call, &store, &flags, error);
    if (r < 0)
        return r;
    if (call->globals.json != JSON_OFF) {
        json_stream_open(&checking.json, '{');
        json_stream_key(&checking.json, "findings");
        json_stream_open(&checking.json, '[');
    }
    r = check_run(store, flags, say_finding, &checking, &result, error);
    print_result(&checking, &result);
    if (r < 0)
        return r;
    return result.found > result.repaired ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_check = {
    .name = "check",
    .aliases = {"fsck"},
    .group = COMMAND_SYSTEM,
    .summary = "compare index, files and checksums, and repair",
    .usage = "",
    .description = "The exit code is 0 where nothing is wrong any more, 1 where something is.\n",
    .options = check_options,
    .settings_size = sizeof(struct check_settings),
    .run = run_check,
};
