/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel_settings.c - what the kernel is told about crashes, and what it was told before. */
#include "cli/kernel_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/system_files.h"
#include "store/base/io.h"

const struct kernel_setting kernel_settings[KERNEL_SETTING_COUNT] = {
    /* So many processes may be held by hooks at a time; above it the kernel skips a crash with
     * nothing but a line in dmesg. 0 would not hold them at all: /proc/PID is gone then. */
    [KERNEL_PIPE_LIMIT] = {"kernel.core_pipe_limit", "/proc/sys/kernel/core_pipe_limit", "1024"},
    /* Programs with more rights than their user are dumped too, for root's eyes. */
    [KERNEL_SUID_DUMPABLE] = {"fs.suid_dumpable", "/proc/sys/fs/suid_dumpable", "2"},
    /* Small mappings first: what is cut short has its stacks. */
    [KERNEL_SORT_VMA] = {"kernel.core_sort_vma", "/proc/sys/kernel/core_sort_vma", "1"},
    [KERNEL_PATTERN] = {"kernel.core_pattern", "/proc/sys/kernel/core_pattern", NULL},
};

int kernel_setting_read(const char *root, enum kernel_setting_index index,
                        char ret[static KERNEL_VALUE_SIZE])
{
    return system_read_line(root, kernel_settings[index].path, ret, KERNEL_VALUE_SIZE);
}

int kernel_setting_write(const char *root, enum kernel_setting_index index, const char *value,
                         struct error *error)
{
    const struct kernel_setting *setting = &kernel_settings[index];
    char path[PATH_MAX], now[KERNEL_VALUE_SIZE];

    int r = system_path(path, root, setting->path);
    if (r < 0)
        return error_errno(error, -r, "%s", setting->name);
    AUTO_FD int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    r = fd < 0 ? -errno : io_write(fd, *value ? value : "\n", *value ? strlen(value) : 1);
    if (r == 0)
        r = kernel_setting_read(root, index, now);
    if (r == 0 && strcmp(now, value) != 0)
        r = -EIO;
    return r < 0 ? error_errno(error, -r, "cannot set %s", setting->name) : 0;
}

int kernel_pattern_format(const char *hook, const char *config,
                          char ret[static KERNEL_PATTERN_SIZE], struct error *error)
{
    char line[2 * PATH_MAX + 256];

    if (strpbrk(hook, " \t\n%") || (config && strpbrk(config, " \t\n%")))
        return error_set(error, EINVAL,
                         "core_pattern cannot hold a path with blanks or percent signs");
    int n = snprintf(line, sizeof line, "|%s%s%s %s", hook, config ? " -C " : "", config ?: "",
                     PROGRAM_HOOK_SPECIFIERS);
    if (n > PROGRAM_CORE_PATTERN_MAX)
        return error_set(error, EINVAL, "the line for core_pattern has %d bytes, %d are possible",
                         n, PROGRAM_CORE_PATTERN_MAX);
    memcpy(ret, line, (size_t)n + 1);
    return 0;
}

bool kernel_pattern_parse(const char *pattern, char ret_hook[static KERNEL_VALUE_SIZE],
                          char ret_config[static KERNEL_VALUE_SIZE])
{
    char words[3][KERNEL_VALUE_SIZE] = {"", "", ""};

    if (*pattern != '|' || strlen(pattern) >= KERNEL_VALUE_SIZE)
        return false;
    sscanf(pattern + 1, "%255s %255s %255s", words[0], words[1], words[2]);
    const char *slash = strrchr(words[0], '/');
    if (!slash || strcmp(slash + 1, PROGRAM_HOOK) != 0)
        return false;
    memcpy(ret_hook, words[0], KERNEL_VALUE_SIZE);
    if (strcmp(words[1], "-C") != 0)
        words[2][0] = '\0';
    memcpy(ret_config, words[2], KERNEL_VALUE_SIZE);
    return true;
}

const char *kernel_pattern_owner(const char *pattern)
{
    static const struct {
        const char *part, *owner;
    } owners[] = {
        {PROGRAM_HOOK, "Inquest"},
        {"systemd-coredump", "systemd-coredump"},
        {"apport", "Apport"},
        {"abrt-hook-ccpp", "ABRT"},
        {"abrt", "ABRT"},
        {"minicoredumper", "minicoredumper"},
        {"drkonqi", "KDE's drkonqi"},
        {"wsl-capture-crash", "WSL"},
        {"core-dump-handler", "core-dump-handler"},
        {"breakpad", "Breakpad"},
        {"crash_reporter", "crash_reporter"},
    };

    if (*pattern != '|')
        return !*pattern         ? "nobody: core_pattern is empty"
               : *pattern == '@' ? "another program, by a socket"
                                 : "no program: the kernel writes a file";
    for (size_t i = 0; i < ARRAY_SIZE(owners); i++)
        if (strstr(pattern, owners[i].part))
            return owners[i].owner;
    return "another program";
}

/* "before NAME = VALUE" or "set NAME = VALUE"; others are remarks. */
static void take_line(const char *line, struct kernel_memory *memory)
{
    for (unsigned i = 0; i < KERNEL_SETTING_COUNT; i++) {
        struct kernel_remembered *remembered = &memory->settings[i];
        char head[KERNEL_VALUE_SIZE];

        int n = snprintf(head, sizeof head, "before %s = ", kernel_settings[i].name);
        if (strncmp(line, head, (size_t)n) == 0) {
            snprintf(remembered->before, sizeof remembered->before, "%s", line + n);
            remembered->known = true;
        }
        n = snprintf(head, sizeof head, "set %s = ", kernel_settings[i].name);
        if (strncmp(line, head, (size_t)n) == 0)
            snprintf(remembered->set, sizeof remembered->set, "%s", line + n);
    }
}

int kernel_memory_read(const char *root, struct kernel_memory *ret, struct error *error)
{
    AUTO_BYTES struct bytes text = {0};
    struct kernel_memory memory = {0};

    int r = system_read(root, KERNEL_MEMORY_FILE, &text);
    if (r == -ENOENT)
        return error_set(error, ENOENT, "%s%s is not there: setup never ran here, or was undone",
                         root, KERNEL_MEMORY_FILE);
    if (r < 0)
        return error_errno(error, -r, "cannot read %s%s", root, KERNEL_MEMORY_FILE);
    for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
        take_line(line, &memory);
    if (!memory.settings[KERNEL_PATTERN].known)
        return error_set(error, EBADMSG, "%s%s does not say what core_pattern was", root,
                         KERNEL_MEMORY_FILE);
    *ret = memory;
    return 0;
}

int kernel_memory_write(const char *root, const struct kernel_memory *memory, struct error *error)
{
    AUTO_BYTES struct bytes text = {0};
    bool changed;

    int r = bytes_append_text(&text, "# What was there before `inquest setup`, and what it set. "
                                     "`inquest unsetup` goes by this.\n");
    for (unsigned i = 0; i < KERNEL_SETTING_COUNT && r == 0; i++) {
        const struct kernel_remembered *remembered = &memory->settings[i];
        if (remembered->known)
            r = bytes_printf(&text, "before %s = %s\nset %s = %s\n", kernel_settings[i].name,
                             remembered->before, kernel_settings[i].name, remembered->set);
    }
    if (r < 0)
        return error_errno(error, -r, "%s", KERNEL_MEMORY_FILE);
    return system_write(root, KERNEL_MEMORY_FILE, text.data, 0644, &changed, error);
}
