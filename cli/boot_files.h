/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boot_files.h - what makes the kernel's settings come back at the next boot.
 *
 * SYSCONFDIR/sysctl.d/60-inquest.conf sets them; where that is not /etc, a link there leads to it.
 * Where systemd runs it leaves core_pattern to inquest.service, which waits for the filesystem that
 * the store lies on.
 */
#pragma once

#include <stdbool.h>

#include "cli/checklist.h"
#include "cli/kernel_settings.h"

#define BOOT_SYSCTL_FILE SYSCONFDIR "/sysctl.d/60-inquest.conf"
#define BOOT_SYSCTL_LINK "/etc/sysctl.d/60-inquest.conf"
#define BOOT_UNIT_FILE   "/etc/systemd/system/inquest.service"
#define BOOT_UNIT_LINK   "/etc/systemd/system/sysinit.target.wants/inquest.service"

/* `store` and `config` (NULL: the system's) are what the unit waits for and hands on. */
int boot_files_write(const char *root, const struct kernel_memory *memory, const char *store,
                     const char *config, struct checklist *checklist, struct error *error);
int boot_files_remove(const char *root, struct checklist *checklist, struct error *error);

/* Whether they are there and say `pattern`; where a file that is read later says otherwise, its
 * path is in `ret_rival` ("" none). */
bool boot_files_hold(const char *root, const char *pattern, char *ret_rival, size_t size);
