/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unsetup.c - `inquest unsetup`: gives the kernel's settings back as setup found them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/boot_files.h"
#include "cli/checklist.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/kernel_settings.h"
#include "cli/system_files.h"

struct unsetup_settings {
    const char *root;
};

static const struct option_spec unsetup_options[] = {
    OPTION_TEXT(0, "root", "DIR", struct unsetup_settings, root,
                "work on the system below DIR, not the one that runs"),
    OPTIONS_END,
};

/* Refuses where core_pattern is neither as setup left it nor as it was before. */
static int check_owner(const char *root, const struct kernel_memory *memory, struct error *error)
{
    const struct kernel_remembered *pattern = &memory->settings[KERNEL_PATTERN];
    char now[KERNEL_VALUE_SIZE];

    int r = kernel_setting_read(root, KERNEL_PATTERN, now);
    if (r == -ENOENT && *root) /* an image */
        return 0;
    if (r < 0)
        return error_errno(error, -r, "cannot read core_pattern");
    if (strcmp(now, pattern->set) == 0 || strcmp(now, pattern->before) == 0)
        return 0;
    return error_set(error, EBUSY,
                     "core_pattern is no longer what `inquest setup` set: it belongs to %s (%s). "
                     "Nothing was changed",
                     kernel_pattern_owner(now), now);
}

/* A setting that is not as setup left it is somebody else's by now. */
static int restore(const char *root, const struct kernel_memory *memory,
                   struct checklist *checklist, struct error *error)
{
    for (unsigned i = KERNEL_SETTING_COUNT; i-- > 0;) {
        const struct kernel_remembered *remembered = &memory->settings[i];
        const char *name = kernel_settings[i].name;
        char now[KERNEL_VALUE_SIZE];

        if (!remembered->known || kernel_setting_read(root, i, now) < 0)
            continue;
        if (strcmp(now, remembered->before) == 0) {
            checklist_add(checklist, name, VERDICT_NEITHER, "is %s", now);
            continue;
        }
        if (strcmp(now, remembered->set) != 0) {
            checklist_add(checklist, name, VERDICT_NEITHER,
                          "is %s, which setup did not set: left alone", now);
            continue;
        }
        int r = kernel_setting_write(root, i, remembered->before, error);
        if (r < 0)
            return r;
        checklist_add(checklist, name, VERDICT_GOOD, "is %s again",
                      *remembered->before ? remembered->before : "empty");
    }
    return 0;
}

static int take_down(const char *root, struct checklist *checklist, struct error *error)
{
    struct kernel_memory memory;

    int r = kernel_memory_read(root, &memory, error);
    if (r == 0)
        r = check_owner(root, &memory, error);
    if (r == 0)
        r = boot_files_remove(root, checklist, error);
    if (r == 0)
        r = restore(root, &memory, checklist, error);
    if (r == 0)
        r = system_remove(root, "/run/inquest-hook", error);
    /* Last: as long as anything is left to give back, it is known what. */
    return r < 0 ? r : system_remove(root, KERNEL_MEMORY_FILE, error);
}

static int run_unsetup(struct call *call, struct error *error)
{
    const struct unsetup_settings *settings = call->settings;
    AUTO_CHECKLIST struct checklist checklist = {0};
    const char *root = settings->root && strcmp(settings->root, "/") != 0 ? settings->root : "";

    if (!*root && geteuid() != 0)
        return error_set(error, EPERM, "unsetup changes the system: run `sudo inquest unsetup`");
    int r = take_down(root, &checklist, error);
    if (call->globals.json != JSON_OFF) {
        json_t *object = json_object();
        json_object_set_new(object, "done", json_boolean(r == 0));
        json_object_set_new(object, "steps", checklist_json(&checklist));
        struct json_stream json = json_stream_to(stdout, call->globals.json);
        json_stream_value(&json, object);
    } else if (!call->globals.quiet) {
        checklist_print(&checklist, 0);
        if (r == 0)
            puts("Crashes are no longer collected. The store and its users are still there.");
    }
    return r < 0 ? r : EXIT_DONE;
}

const struct command command_unsetup = {
    .name = "unsetup",
    .group = COMMAND_SYSTEM,
    .summary = "give core_pattern back as setup found it",
    .usage = "",
    .description = "Restores exactly what `inquest setup` found. Refuses when another handler has\n"
                   "taken over since. Leaves the store, its crashes and the users.\n",
    .options = unsetup_options,
    .settings_size = sizeof(struct unsetup_settings),
    .run = run_unsetup,
};
