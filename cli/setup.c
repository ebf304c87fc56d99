/* SPDX-License-Identifier: GPL-2.0-or-later */
/* setup.c - `inquest setup`: has this machine's crashes collected, now and after each boot. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/boot_files.h"
#include "cli/checklist.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/kernel_settings.h"
#include "cli/machine.h"
#include "cli/system_files.h"
#include "cli/system_users.h"
#include "store/config.h"
#include "store/layout.h"

#define HOOK_LINK "/run/inquest-hook"

struct setup_settings {
    const char *root;
    const char *config;
    bool boot;
};

static const struct option_spec setup_options[] = {
    OPTION_TEXT('C', "config", "FILE", struct setup_settings, config,
                "have the hook read FILE instead of " CONFIG_FILE),
    OPTION_TEXT(0, "root", "DIR", struct setup_settings, root,
                "prepare the system below DIR, not the one that runs"),
    OPTION_FLAG(0, "boot", struct setup_settings, boot,
                "only set the kernel again, as at boot; remember and write nothing"),
    OPTIONS_END,
};

/* What is being set up. */
struct setup {
    const char *root;   /* "": the running system */
    const char *config; /* -C for the hook, or NULL */
    const char *store;
    char pattern[KERNEL_PATTERN_SIZE];
    struct checklist checklist;
};

static void warn_of_config(void *data, const char *file, unsigned line, const char *message)
{
    struct setup *setup = data;
    checklist_add(&setup->checklist, "config", VERDICT_NEITHER, "%s:%u: %s", file, line, message);
    checklist_advise(&setup->checklist, "the default holds; see inquest.conf(5)");
}

static int make_users(struct setup *setup, struct error *error)
{
    static const struct {
        const char *name, *description;
    } users[] = {{INQUEST_USER, "Inquest, the store of crashes"},
                 {ANALYZER_USER, "Inquest, the analyzer of crashes"}};

    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        const char *how;
        int r = system_user_make(setup->root, users[i].name, users[i].description, &how, error);
        if (r < 0)
            return r;
        if (how)
            checklist_add(&setup->checklist, "user", VERDICT_GOOD, "%s made with %s", users[i].name,
                          how);
        else
            checklist_add(&setup->checklist, "user", VERDICT_NEITHER, "%s is there", users[i].name);
    }
    return 0;
}

/*
 * Gives what is beneath a directory to its new owner: a store that was root's while there was no
 * user. Links are not followed, and files with a second name elsewhere are left alone.
 */
static int hand_over(int dirfd, uid_t uid, gid_t gid, unsigned depth)
{
    enum { DEEPEST = 4 }; /* STORE/crashes/UID/modules/FILE */
    struct stat st;

    AUTO_DIR DIR *dir = fdopendir(dirfd);
    if (!dir)
        return -errno;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        AUTO_FD int fd = openat(dirfd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
            continue; /* gone: a hook works here, too */
        if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
            continue;
        if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
            return -errno;
        int inner = S_ISDIR(st.st_mode) && depth < DEEPEST
                        ? openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                        : -1;
        int r = inner >= 0 ? hand_over(inner, uid, gid, depth + 1) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int give_store(struct setup *setup, const char *path, uid_t uid, gid_t gid,
                      struct error *error)
{
    struct stat st;

    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return error_errno(error, code, "cannot open %s", path);
    }
    if (st.st_uid == uid) {
        close(fd);
        return 0;
    }
    int r = fchown(fd, uid, gid) < 0 ? -errno : 0;
    if (r == 0 && fchmod(fd, LAYOUT_STORE_MODE) < 0)
        r = -errno;
    if (r < 0)
        close(fd);
    else
        r = hand_over(fd, uid, gid, 0); /* closes it */
    if (r < 0)
        return error_errno(error, -r, "cannot give %s to %s", path, INQUEST_USER);
    checklist_add(&setup->checklist, "store", VERDICT_GOOD, "%s given to %s", path, INQUEST_USER);
    return 0;
}

static int make_store(struct setup *setup, struct error *error)
{
    char path[PATH_MAX];
    uid_t uid;
    gid_t gid;

    int r = system_user_find(setup->root, INQUEST_USER, &uid, &gid);
    if (r == 0)
        r = system_path(path, setup->root, setup->store);
    if (r < 0)
        return error_errno(error, -r, "cannot find user %s", INQUEST_USER);
    bool there = system_exists(setup->root, setup->store);
    r = system_make_parents(setup->root, setup->store);
    if (r < 0)
        return error_errno(error, -r, "cannot make the directories above %s", path);
    r = layout_create(path, uid, gid, error);
    if (r < 0)
        return r;
    checklist_add(&setup->checklist, "store", there ? VERDICT_NEITHER : VERDICT_GOOD, "%s %s", path,
                  there ? "is there" : "made");
    return give_store(setup, path, uid, gid, error);
}

/* The line for core_pattern. Where the hook's path doesn't fit, a link in /run stands for it. */
static int find_pattern(struct setup *setup, struct error *error)
{
    char hook[PATH_MAX];

    int r = program_path(PROGRAM_HOOK, hook);
    if (r < 0)
        return error_errno(error, -r, "%s", PROGRAM_HOOK);
    if (access(hook, X_OK) < 0)
        return error_errno(error, errno, "cannot run %s", hook);
    if (kernel_pattern_format(hook, setup->config, setup->pattern, error) == 0)
        return 0;
    r = kernel_pattern_format(HOOK_LINK, setup->config, setup->pattern, error);
    if (r == 0)
        r = system_link(setup->root, HOOK_LINK, hook, error);
    if (r < 0)
        return r;
    checklist_add(&setup->checklist, "link", VERDICT_GOOD, "%s stands for %s, which is too long",
                  HOOK_LINK, hook);
    if (!machine_has_systemd(setup->root))
        checklist_advise(&setup->checklist,
                         "/run is empty after a boot: run `inquest setup` then, or "
                         "install with a shorter --libexecdir");
    return 0;
}

static const char *wanted_value(const struct setup *setup, unsigned index)
{
    return kernel_settings[index].wanted ?: setup->pattern;
}

/* True where what is there now is setup's own doing, and not to be remembered. */
static bool is_own(const struct kernel_remembered *remembered, unsigned index, const char *now)
{
    char hook[KERNEL_VALUE_SIZE], config[KERNEL_VALUE_SIZE];

    if (index == KERNEL_PATTERN && kernel_pattern_parse(now, hook, config))
        return true;
    return remembered->known && strcmp(now, remembered->set) == 0;
}

/*
 * Remembers what is there before anything is changed. What an earlier setup has remembered stays,
 * unless somebody else has changed the setting since.
 */
static int remember(struct setup *setup, struct kernel_memory *memory, struct error *error)
{
    static const char *const kernel_defaults[KERNEL_SETTING_COUNT] = {"0", "0", "core", "0"};

    if (kernel_memory_read(setup->root, memory, NULL) < 0)
        *memory = (struct kernel_memory){0};
    for (unsigned i = 0; i < KERNEL_SETTING_COUNT; i++) {
        struct kernel_remembered *remembered = &memory->settings[i];
        char now[KERNEL_VALUE_SIZE];

        int r = kernel_setting_read(setup->root, i, now);
        if (r == -ENOENT && i == KERNEL_SORT_VMA) {
            remembered->known = false; /* a kernel without it */
            continue;
        }
        if (r < 0) /* an image, which has no kernel yet */
            snprintf(now, sizeof now, "%s", kernel_defaults[i]);
        bool own = is_own(remembered, i, now);
        if (!own || !remembered->known)
            memcpy(remembered->before, own ? kernel_defaults[i] : now,
                   own ? strlen(kernel_defaults[i]) + 1 : sizeof now);
        remembered->known = true;
        snprintf(remembered->set, sizeof remembered->set, "%s", wanted_value(setup, i));
    }
    return kernel_memory_write(setup->root, memory, error);
}

static int apply(struct setup *setup, struct error *error)
{
    char now[KERNEL_VALUE_SIZE];

    for (unsigned i = 0; i < KERNEL_SETTING_COUNT; i++) {
        const char *name = kernel_settings[i].name, *wanted = wanted_value(setup, i);
        int r = kernel_setting_read(setup->root, i, now);
        if (r == -ENOENT && (i == KERNEL_SORT_VMA || *setup->root)) {
            checklist_add(&setup->checklist, name, VERDICT_NEITHER, "is not there");
            continue;
        }
        if (r < 0)
            return error_errno(error, -r, "cannot read %s", name);
        if (strcmp(now, wanted) == 0) {
            checklist_add(&setup->checklist, name, VERDICT_NEITHER, "is %s", wanted);
            continue;
        }
        r = kernel_setting_write(setup->root, i, wanted, error);
        if (r < 0) {
            if (r == -EROFS || r == -EACCES || r == -EPERM)
                error_prefix(error,
                             "this system may not change its kernel's settings (a container?)");
            return r;
        }
        checklist_add(&setup->checklist, name, VERDICT_GOOD, "is %s; was %s", wanted,
                      *now ? now : "empty");
    }
    return 0;
}

static int set_up(struct setup *setup, bool boot, struct error *error)
{
    struct kernel_memory memory;
    char inner[64];

    if (!*setup->root && machine_is_inner(inner, sizeof inner))
        return error_set(
            error, ENOTSUP,
            "this is %s: its kernel starts handlers outside of it. Run `inquest setup` "
            "on the host, which then collects the crashes in here, too",
            inner);
    int r = find_pattern(setup, error);
    if (r < 0 || boot)
        return r < 0 ? r : apply(setup, error);
    r = make_users(setup, error);
    if (r == 0)
        r = make_store(setup, error);
    if (r == 0)
        r = remember(setup, &memory, error);
    if (r == 0)
        r = boot_files_write(setup->root, &memory, setup->store, setup->config, &setup->checklist,
                             error);
    return r < 0 ? r : apply(setup, error);
}

static void show(const struct call *call, const struct setup *setup, bool done)
{
    if (call->globals.json == JSON_OFF) {
        if (!call->globals.quiet)
            checklist_print(&setup->checklist, 0);
        if (done && !call->globals.quiet) {
            /* Only the hook and its keeper are told of another configuration. */
            const char *option = setup->config ? " --store " : "";
            printf("Crashes are collected. `inquest doctor --crash` proves it; `inquest%s%s` lists "
                   "them.\n",
                   option, setup->config ? setup->store : "");
        }
        return;
    }
    json_t *object = json_object();
    json_object_set_new(object, "done", json_boolean(done));
    json_set_text(object, "core_pattern", *setup->pattern ? setup->pattern : NULL);
    json_set_text(object, "store", setup->store);
    json_object_set_new(object, "steps", checklist_json(&setup->checklist));
    struct json_stream json = json_stream_to(stdout, call->globals.json);
    json_stream_value(&json, object);
}

static int run_setup(struct call *call, struct error *error)
{
    const struct setup_settings *settings = call->settings;
    AUTO_CONFIG struct config *config = NULL;
    struct setup setup = {.root = settings->root ?: "", .config = settings->config};

    if (strcmp(setup.root, "/") == 0)
        setup.root = "";
    if (setup.config && *setup.config != '/')
        return command_usage_error(call, "--config needs an absolute path");
    if (!*setup.root && geteuid() != 0)
        return error_set(error, EPERM, "setup changes the system: run `sudo inquest setup`");
    int r = config_load(setup.config, warn_of_config, &setup, &config);
    if (r < 0)
        return r;
    setup.store = config_settings(config)->store.path ?: LAYOUT_STORE;
    if (call->globals.store && strcmp(call->globals.store, setup.store) != 0)
        return command_usage_error(call,
                                   "the hook goes by the configuration: set path = %s in "
                                   "[store] of inquest.conf",
                                   call->globals.store);
    if (setup.config) {
        checklist_add(&setup.checklist, "config", VERDICT_NEITHER,
                      "the hook and its keeper read %s", setup.config);
        checklist_advise(&setup.checklist,
                         "inquest itself reads " CONFIG_FILE ": give it --store %s", setup.store);
    }
    umask(022);
    r = set_up(&setup, settings->boot, error);
    show(call, &setup, r == 0);
    checklist_free(&setup.checklist);
    return r < 0 ? r : EXIT_DONE;
}

const struct command command_setup = {
    .name = "setup",
    .group = COMMAND_SYSTEM,
    .summary = "have this machine's crashes collected, now and after each boot",
    .usage = "",
    .description =
        "Makes the users and the store, puts the hook into core_pattern, and remembers what was\n"
        "there for `inquest unsetup`. Safe to run again.\n",
    .options = setup_options,
    .settings_size = sizeof(struct setup_settings),
    .run = run_setup,
};
