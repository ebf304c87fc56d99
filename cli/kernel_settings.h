/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel_settings.h - what the kernel is told about crashes (sysctls), what it was told before, and
 * the line in core_pattern.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/base/error.h"
#include "store/programs.h"

enum {
    KERNEL_VALUE_SIZE = 256,
    KERNEL_PATTERN_SIZE = PROGRAM_CORE_PATTERN_MAX + 1,
};

/* The settings, in the order in which they are applied, and given back from the last to the first.
 * core_pattern comes when what the hook relies on is in place; suid_dumpable behind it, because the
 * kernel takes 2 with a pattern that is neither pipe nor path for unsafe, and says so. */
enum kernel_setting_index {
    KERNEL_PIPE_LIMIT,
    KERNEL_SORT_VMA,
    KERNEL_PATTERN,
    KERNEL_SUID_DUMPABLE,
    KERNEL_SETTING_COUNT,
};

struct kernel_setting {
    const char *name;   /* as sysctl(8) has it */
    const char *path;   /* its file */
    const char *wanted; /* NULL: the pattern, which depends on where the hook lies */
};
extern const struct kernel_setting kernel_settings[KERNEL_SETTING_COUNT];

/* The present value. 0, -ENOENT where this kernel doesn't have it, or another negative errno. */
int kernel_setting_read(const char *root, enum kernel_setting_index index,
                        char ret[static KERNEL_VALUE_SIZE]);

/* Sets it and reads it back: -EIO where the kernel took something else. */
int kernel_setting_write(const char *root, enum kernel_setting_index index, const char *value,
                         struct error *error);

/*
 * The line that puts `hook` into core_pattern, with `-C config` where that is not NULL. -EINVAL
 * with the error where it cannot be said there: the kernel splits at blanks, expands '%', and cuts
 * what is longer than PROGRAM_CORE_PATTERN_MAX bytes.
 */
int kernel_pattern_format(const char *hook, const char *config,
                          char ret[static KERNEL_PATTERN_SIZE], struct error *error);

/* What is in a core_pattern: true where it is a hook of ours, and then its program's path and the
 * file behind -C ("" none). */
bool kernel_pattern_parse(const char *pattern, char ret_hook[static KERNEL_VALUE_SIZE],
                          char ret_config[static KERNEL_VALUE_SIZE]);

/* Who else would get the crashes, in words: "systemd-coredump", "a file named core", "nobody". */
const char *kernel_pattern_owner(const char *pattern);

/*
 * What setup found and what it set: kept in SYSCONFDIR/inquest/setup.state, for unsetup. An empty
 * `before` is a setting that was not there.
 */
struct kernel_memory {
    struct kernel_remembered {
        bool known;
        char before[KERNEL_VALUE_SIZE];
        char set[KERNEL_VALUE_SIZE];
    } settings[KERNEL_SETTING_COUNT];
};
#define KERNEL_MEMORY_FILE SYSCONFDIR "/inquest/setup.state"

/* -ENOENT where setup never ran. */
int kernel_memory_read(const char *root, struct kernel_memory *ret, struct error *error);
int kernel_memory_write(const char *root, const struct kernel_memory *memory, struct error *error);
