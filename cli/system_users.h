/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * system_users.h - the system users that Inquest works as: finds and makes them.
 *
 * Made by systemd-sysusers where there is one, else by useradd, else by busybox's adduser, else by
 * a line of our own in passwd, group and shadow. An image (a root other than "") gets the lines.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "store/base/error.h"

/* Reads ROOT/etc/passwd. 0 or -ENOENT. */
int system_user_find(const char *root, const char *name, uid_t *ret_uid, gid_t *ret_gid);

/* Makes the user and a group of the same name unless the user is there. *ret_how: what did it
 * ("systemd-sysusers", …), or NULL where there was nothing to do. */
int system_user_make(const char *root, const char *name, const char *description,
                     const char **ret_how, struct error *error);
