/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - how much of this crash is to be kept. */
#include "hook/policy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "store/base/cleanup.h"
#include "store/keys.h"
#include "store/layout.h"

enum { ROOM_LEAST = 4 * 1024 * 1024 }; /* for a record of stacks where the disk is at its floor */

static const char *const mode_names[] = {
    [POLICY_FULL] = "full",     [POLICY_STACKS] = "stacks", [POLICY_FACTS] = "facts",
    [POLICY_COUNT] = "counted", [POLICY_IGNORE] = "ignore",
};

static const enum policy_mode config_modes[] = {
    [CONFIG_MODE_FULL] = POLICY_FULL,
    [CONFIG_MODE_STACKS] = POLICY_STACKS,
    [CONFIG_MODE_FACTS] = POLICY_FACTS,
    [CONFIG_MODE_IGNORE] = POLICY_IGNORE,
};

static void warn(void *data, const char *file, unsigned line, const char *message)
{
    struct policy *policy = data;
    size_t n = strlen(policy->warnings);

    snprintf(policy->warnings + n, sizeof policy->warnings - n, "%s%s:%u: %s", n > 0 ? "; " : "",
             file, line, message);
}

int policy_load(const char *file, struct policy *ret)
{
    *ret = (struct policy){0};
    int r = config_load(file, warn, ret, &ret->config);
    if (r < 0)
        return r;
    ret->settings = config_settings(ret->config);
    return 0;
}

void policy_free(struct policy *policy)
{
    config_free(policy->config);
    policy->config = NULL;
}

void policy_lower(struct policy *policy, enum policy_mode mode, const char *format, ...)
{
    va_list arguments;

    if (mode <= policy->mode)
        return;
    policy->mode = mode;
    va_start(arguments, format);
    vsnprintf(policy->reason, sizeof policy->reason, format, arguments);
    va_end(arguments);
}

void policy_apply_rules(struct policy *policy, const struct metadata *facts)
{
    uint64_t uid = 65534, signal = 0;

    (void)metadata_u64(facts, KEY_UID, &uid); /* always there: the hook has set them */
    (void)metadata_u64(facts, KEY_SIGNAL, &signal);
    const char *user_unit = metadata_text(facts, KEY_USER_UNIT);
    struct config_subject subject = {
        .exe = metadata_text(facts, KEY_EXE),
        .comm = metadata_text(facts, KEY_COMM),
        .user = metadata_text(facts, KEY_USER),
        .uid = (uid_t)uid,
        .unit = user_unit ? user_unit : metadata_text(facts, KEY_UNIT),
        .container = metadata_text(facts, KEY_CONTAINER),
        .signal = (int)signal,
    };
    config_for(policy->config, &subject, &policy->settings, &policy->rule);

    unsigned mode = policy->settings->capture.mode;
    if (mode < ARRAY_SIZE(config_modes))
        policy_lower(policy, config_modes[mode], "the config asks for %s",
                     mode_names[config_modes[mode]]);
}

uint64_t policy_apply_space(struct policy *policy, int fd, uint64_t *ret_max_use)
{
    struct statvfs fs;

    if (fstatvfs(fd, &fs) < 0)
        return UINT64_MAX;
    uint64_t size = (uint64_t)fs.f_blocks * fs.f_frsize, free = (uint64_t)fs.f_bavail * fs.f_frsize;
    uint64_t keep = config_budget_of(policy->settings->store.keep_free, size);
    uint64_t most = config_budget_of(policy->settings->store.max_use, size);
    /* Below the floor only what is small is written; below a quarter of it, less still. */
    if (free < keep / 4)
        policy_lower(policy, POLICY_FACTS, "the disk is almost full");
    else if (free < keep)
        policy_lower(policy, POLICY_STACKS, "the disk has less free space than keep_free");
    *ret_max_use = most;
    uint64_t room = free > keep ? free - keep : ROOM_LEAST;
    return room < most ? room : most;
}

const char *policy_store(const struct policy *policy)
{
    return layout_store_path(NULL, policy->settings->store.path);
}
