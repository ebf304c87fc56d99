/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.c - `inquest doctor`: would a crash be collected here, and why not. */
#include <errno.h>
#include <string.h>

#include "cli/checks.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "store/config_keys.h"
#include "store/layout.h"

struct doctor_settings {
    bool crash;
};

static const struct option_spec doctor_options[] = {
    OPTION_FLAG(0, "crash", struct doctor_settings, crash,
                "prove it: crash a process and follow it to its dump"),
    OPTIONS_END,
};

static void note_warning(void *data, const char *file, unsigned line, const char *message)
{
    struct diagnosis *d = data;
    if (line > 0)
        checklist_add(&d->checklist, "config", VERDICT_BAD, "%s:%u: %s", file, line, message);
    else
        checklist_add(&d->checklist, "config", VERDICT_BAD, "%s %s", file, message);
    checklist_advise(&d->checklist, "the default holds; see inquest.conf(5)");
}

static void run_checks(struct diagnosis *d, diagnosis_check *const checks[])
{
    for (; *checks; checks++)
        (*checks)(d);
}

/* Reads what the hook in core_pattern reads. */
static int find_patient(struct diagnosis *d, const char *store_option)
{
    if (kernel_setting_read("", KERNEL_PATTERN, d->pattern) < 0)
        d->pattern[0] = '\0';
    d->ours = kernel_pattern_parse(d->pattern, d->hook, d->hook_config);
    int r = config_load(*d->hook_config ? d->hook_config : NULL, note_warning, d, &d->config);
    if (r < 0)
        return r;
    const char *configured = config_settings(d->config)->store.path;
    d->store = layout_store_path(store_option, configured);
    if (strcmp(d->store, configured ?: LAYOUT_STORE) != 0) {
        checklist_add(&d->checklist, "store", VERDICT_NEITHER,
                      "this looks at %s; crashes of this machine go to %s", d->store,
                      configured ?: LAYOUT_STORE);
    }
    return 0;
}

/* A list's value is what all its lines gave. */
static const char *value_text(const struct diagnosis *d, size_t i, char *buffer, size_t size)
{
    const struct config_key *key = &config_keys[i];
    struct config_origin origin = config_origin(d->config, i);

    if (key->offset == offsetof(struct config_settings, store.path) && !*origin.text)
        return LAYOUT_STORE;
    if (key->type != CONFIG_TYPE_LIST)
        return origin.text;
    const char *settings = (const char *)config_settings(d->config);
    config_list words = *(const config_list *)(const void *)(settings + key->offset);
    size_t used = (size_t)snprintf(buffer, size, "%s", words[0] ?: "off");
    for (size_t k = 1; words[0] && words[k] && used < size; k++)
        used += (size_t)snprintf(buffer + used, size - used, " %s", words[k]);
    return buffer;
}

static void print_config(const struct diagnosis *d)
{
    const char *section = "", *file, *name;
    char list[1024];
    unsigned line;

    puts("\nConfiguration in force:");
    for (size_t i = 0; i < config_key_count; i++) {
        struct config_origin origin = config_origin(d->config, i);
        if (strcmp(section, config_keys[i].section) != 0)
            printf("  [%s]\n", section = config_keys[i].section);
        printf("    %s = ", config_keys[i].name);
        const char *text = value_text(d, i, list, sizeof list);
        print_text(stdout, *text ? text : "(none)");
        if (origin.file) {
            printf("%s  # ", style_on(STYLE_DIM));
            print_text(stdout, origin.file);
            printf(":%u%s", origin.line, style_off(STYLE_DIM));
        }
        putchar('\n');
    }
    for (size_t i = 0; (name = config_rule_at(d->config, i, &file, &line)); i++) {
        fputs("  [rule ", stdout);
        print_text(stdout, name);
        printf("]%s  # ", style_on(STYLE_DIM));
        print_text(stdout, file);
        printf(":%u%s\n", line, style_off(STYLE_DIM));
    }
    puts("  A value with no file and line behind it is the default.");
}

static json_t *config_as_json(const struct diagnosis *d)
{
    json_t *array = json_array();
    char list[1024];

    for (size_t i = 0; i < config_key_count; i++) {
        struct config_origin origin = config_origin(d->config, i);
        json_t *item = json_object();
        json_set_text(item, "section", config_keys[i].section);
        json_set_text(item, "key", config_keys[i].name);
        json_set_text(item, "value", value_text(d, i, list, sizeof list));
        json_set_text(item, "default", config_keys[i].default_text);
        json_set_text(item, "file", origin.file);
        if (origin.file)
            json_set_integer(item, "line", origin.line);
        else
            json_set_null(item, "line");
        json_array_append_new(array, item);
    }
    return array;
}

static json_t *rules_as_json(const struct diagnosis *d)
{
    json_t *array = json_array();
    const char *name, *file;
    unsigned line;

    for (size_t i = 0; (name = config_rule_at(d->config, i, &file, &line)); i++) {
        json_t *item = json_object();
        json_set_text(item, "rule", name);
        json_set_text(item, "file", file);
        json_set_integer(item, "line", line);
        json_array_append_new(array, item);
    }
    return array;
}

static void print_json(const struct call *call, const struct diagnosis *d)
{
    json_t *object = json_object();
    json_object_set_new(object, "collects", json_boolean(!checklist_any_bad(&d->checklist)));
    json_set_text(object, "core_pattern", d->pattern);
    json_set_text(object, "store", d->store);
    json_object_set_new(object, "checks", checklist_json(&d->checklist));
    json_object_set_new(object, "config", config_as_json(d));
    json_object_set_new(object, "rules", rules_as_json(d));
    struct json_stream json = json_stream_to(stdout, call->globals.json);
    json_stream_value(&json, object);
}

static void print_verdict(const struct diagnosis *d)
{
    bool bad = checklist_any_bad(&d->checklist);
    putchar('\n');
    print_styled(stdout, bad ? STYLE_BAD : STYLE_GOOD,
                 !d->ours ? "Crashes are not collected here."
                 : bad    ? "Crashes go to Inquest, but not all is well."
                          : "Crashes are collected here.");
    putchar('\n');
}

static int run_doctor(struct call *call, struct error *error)
{
    const struct doctor_settings *settings = call->settings;
    struct diagnosis d = {0};

    int r = find_patient(&d, call->globals.store);
    if (r < 0)
        return error_errno(error, -r, "cannot read the configuration");
    run_checks(&d, checks_of_kernel);
    run_checks(&d, checks_of_store);
    if (settings->crash)
        check_by_crash(&d);
    if (call->globals.json != JSON_OFF) {
        print_json(call, &d);
    } else {
        checklist_print(&d.checklist, 0);
        if (!call->globals.quiet)
            print_config(&d);
        print_verdict(&d);
    }
    r = checklist_any_bad(&d.checklist) ? EXIT_FAILED : EXIT_DONE;
    checklist_free(&d.checklist);
    config_free(d.config);
    return r;
}

const struct command command_doctor = {
    .name = "doctor",
    .group = COMMAND_SYSTEM,
    .summary = "say why crashes would or would not be collected here",
    .usage = "",
    .description =
        "One line a check: ✓ as it should be, ✗ crashes are lost or less than they could\n"
        "be, – neither. Then the configuration in force, and from where. Exits with 1\n"
        "where any check fails.\n",
    .options = doctor_options,
    .settings_size = sizeof(struct doctor_settings),
    .run = run_doctor,
};
