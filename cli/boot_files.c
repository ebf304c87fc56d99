/* SPDX-License-Identifier: GPL-2.0-or-later */
/* boot_files.c - what makes the kernel's settings come back at the next boot. */
#include "cli/boot_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/machine.h"
#include "cli/system_files.h"

static const char sysctl_name[] = "60-inquest.conf";

static int write_sysctl(const char *root, const struct kernel_memory *memory, bool with_pattern,
                        struct checklist *checklist, struct error *error)
{
    AUTO_BYTES struct bytes text = {0};
    bool changed;

    int r =
        bytes_append_text(&text, "# Written by `inquest setup`, removed by `inquest unsetup`.\n");
    for (unsigned i = 0; i < KERNEL_SETTING_COUNT && r == 0; i++)
        if (memory->settings[i].known && (with_pattern || i != KERNEL_PATTERN))
            r = bytes_printf(&text, "%s=%s\n", kernel_settings[i].name, memory->settings[i].set);
    if (r == 0 && !with_pattern)
        r = bytes_append_text(&text, "# kernel.core_pattern is set by inquest.service.\n");
    if (r < 0)
        return error_errno(error, -r, "%s", BOOT_SYSCTL_FILE);
    r = system_write(root, BOOT_SYSCTL_FILE, text.data, 0644, &changed, error);
    if (r < 0)
        return r;
    checklist_add(checklist, "boot", changed ? VERDICT_GOOD : VERDICT_NEITHER, "%s%s %s", root,
                  BOOT_SYSCTL_FILE, changed ? "written" : "says so already");
    if (strcmp(BOOT_SYSCTL_FILE, BOOT_SYSCTL_LINK) == 0)
        return 0;
    r = system_link(root, BOOT_SYSCTL_LINK, BOOT_SYSCTL_FILE, error);
    if (r == -EEXIST) {
        checklist_add(checklist, "boot", VERDICT_BAD, "%s%s is another Inquest's: left alone", root,
                      BOOT_SYSCTL_LINK);
        checklist_advise(checklist, "run the other one's `inquest unsetup` first");
        return 0;
    }
    if (r < 0)
        return r;
    return 0;
}

static int write_unit(const char *root, const char *store, const char *config,
                      struct checklist *checklist, struct error *error)
{
    AUTO_BYTES struct bytes text = {0};
    char program[PATH_MAX];
    bool changed;

    int r = program_path("inquest", program);
    if (r == 0)
        r = bytes_printf(&text,
                         "# Written by `inquest setup`, removed by `inquest unsetup`.\n"
                         "[Unit]\n"
                         "Description=Collect crashes with Inquest\n"
                         "Documentation=man:inquest(1)\n"
                         "DefaultDependencies=no\n"
                         "RequiresMountsFor=%s\n"
                         "After=systemd-sysctl.service\n"
                         "Conflicts=shutdown.target\n"
                         "Before=sysinit.target shutdown.target\n"
                         "ConditionPathIsReadWrite=/proc/sys/kernel/core_pattern\n"
                         "\n"
                         "[Service]\n"
                         "Type=oneshot\n"
                         "RemainAfterExit=yes\n"
                         "ExecStart=\"%s\" setup --boot%s%s\n"
                         "NoNewPrivileges=yes\n"
                         "PrivateNetwork=yes\n"
                         "\n"
                         "[Install]\n"
                         "WantedBy=sysinit.target\n",
                         store, program, config ? " --config=" : "", config ?: "");
    if (r < 0)
        return error_errno(error, -r, "%s", BOOT_UNIT_FILE);
    r = system_write(root, BOOT_UNIT_FILE, text.data, 0644, &changed, error);
    if (r == 0)
        r = system_link(root, BOOT_UNIT_LINK, "../inquest.service", error);
    if (r < 0)
        return r;
    checklist_add(checklist, "unit", changed ? VERDICT_GOOD : VERDICT_NEITHER, "%s%s %s", root,
                  BOOT_UNIT_FILE, changed ? "written and enabled" : "says so already");
    return 0;
}

/* systemd learns of changed units, and of the daily run of the keeper where that is installed. A
 * machine without it works all the same, so that nothing here is an error. */
static void tell_systemd(const char *root, bool enable)
{
    if (*root || !machine_has_systemd(root))
        return;
    (void)system_run((const char *[]){"systemctl", "daemon-reload", NULL});
    (void)system_run((const char *[]){"systemctl", enable ? "enable" : "disable", "--now",
                                      "inquest-keeper.timer", NULL});
}

int boot_files_write(const char *root, const struct kernel_memory *memory, const char *store,
                     const char *config, struct checklist *checklist, struct error *error)
{
    bool systemd = machine_has_systemd(root);
    int r = write_sysctl(root, memory, !systemd, checklist, error);
    if (r < 0 || !systemd)
        return r;
    r = write_unit(root, store, config, checklist, error);
    if (r == 0)
        tell_systemd(root, true);
    return r;
}

static bool links_to_ours(const char *root)
{
    char path[PATH_MAX], target[PATH_MAX];

    if (system_path(path, root, BOOT_SYSCTL_LINK) < 0)
        return false;
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    return strcmp(target, BOOT_SYSCTL_FILE) == 0;
}

int boot_files_remove(const char *root, struct checklist *checklist, struct error *error)
{
    static const char *const paths[] = {BOOT_UNIT_LINK, BOOT_UNIT_FILE, BOOT_SYSCTL_FILE};

    if (strcmp(BOOT_SYSCTL_FILE, BOOT_SYSCTL_LINK) != 0 && links_to_ours(root)) {
        int r = system_remove(root, BOOT_SYSCTL_LINK, error);
        if (r < 0)
            return r;
    }

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        if (!system_exists(root, paths[i]))
            continue;
        int r = system_remove(root, paths[i], error);
        if (r < 0)
            return r;
        checklist_add(checklist, "boot", VERDICT_GOOD, "%s%s removed", root, paths[i]);
    }
    tell_systemd(root, false);
    return 0;
}

/* The last core_pattern that a file of sysctls sets, "" where it sets none. */
static void pattern_in(const char *root, const char *path, char ret[static KERNEL_VALUE_SIZE])
{
    AUTO_BYTES struct bytes text = {0};

    *ret = '\0';
    if (system_read(root, path, &text) < 0)
        return;
    for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));) {
        line += strspn(line, " \t-");
        size_t n = strlen("kernel.core_pattern");
        if (strncmp(line, "kernel.core_pattern", n) != 0 &&
            strncmp(line, "kernel/core_pattern", n) != 0)
            continue;
        line += n + strspn(line + n, " \t");
        if (*line == '=')
            snprintf(ret, KERNEL_VALUE_SIZE, "%s", line + 1 + strspn(line + 1, " \t"));
    }
}

/* Looks in one directory for a file behind ours in the order of names that sets core_pattern. */
static void find_rival(const char *root, const char *directory, char *ret, size_t size)
{
    char full[PATH_MAX], path[PATH_MAX], pattern[KERNEL_VALUE_SIZE];

    if (system_path(full, root, directory) < 0)
        return;
    AUTO_DIR DIR *dir = opendir(full);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".conf") != 0 || strcmp(entry->d_name, sysctl_name) <= 0)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= PATH_MAX)
            continue;
        pattern_in(root, path, pattern);
        if (*pattern)
            snprintf(ret, size, "%s", path);
    }
}

bool boot_files_hold(const char *root, const char *pattern, char *ret_rival, size_t size)
{
    static const char *const directories[] = {"/etc/sysctl.d", "/run/sysctl.d",
                                              "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d",
                                              "/lib/sysctl.d"};
    char said[KERNEL_VALUE_SIZE];

    *ret_rival = '\0';
    if (system_exists(root, BOOT_UNIT_LINK)) /* runs behind all of sysctl.d */
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(directories) && !*ret_rival; i++)
        find_rival(root, directories[i], ret_rival, size);
    pattern_in(root, BOOT_SYSCTL_LINK, said); /* where sysctl looks */
    return strcmp(said, pattern) == 0 && !*ret_rival;
}
