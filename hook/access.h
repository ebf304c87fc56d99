/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access.h - who may read this crash besides root.
 *
 * dumpable 1 is not innocence: root that did setresuid(1000) and PR_SET_DUMPABLE 1 looks like an
 * ordinary process, and only its auxiliary vector, fixed at exec, tells. So a user gets a crash of
 * his only if the process was his from exec to crash: dumpable 1, AT_SECURE 0, AT_UID = AT_EUID =
 * %u, AT_GID = AT_EGID = %g (mapped through the uid and gid maps), no capabilities in the initial
 * user namespace, and a program that he may read, for the core has its bytes. What cannot be told
 * is treated as not his.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"

struct access_file {
    uint32_t uid, gid;       /* global */
    uint32_t mode;           /* as st_mode */
    const struct bytes *acl; /* its system.posix_acl_access, as getxattr(2) gives it; NULL none */
};

struct access_question {
    uint32_t uid, gid; /* %u %g */
    uint32_t dumpable; /* %d */
    bool is_64bit;     /* width of the auxiliary vector's words */
    const struct bytes *auxv;
    const struct bytes *status; /* of the crashing thread */
    const struct bytes *uid_map, *gid_map;
    const struct access_file *exe; /* the executable; NULL unknown */
    bool own_user_namespace;       /* not the initial one */
    int64_t namespace_owner;       /* global uid of who made it; -1 unknown */
};

struct access_answer {
    bool is_private; /* root alone: not even group inquest */
    int64_t uid;     /* who gets an ACL; -1 nobody (root needs none) */
    const char *why; /* why it is private; NULL where it is not */
};

struct access_answer access_judge(const struct access_question *question);
