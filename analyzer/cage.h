/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage.h - takes away everything the analyzer doesn't need before it reads a hostile byte.
 *
 * Afterwards it is an unprivileged user, cannot gain privileges, open or create a file, reach
 * another process or the network, and has bounded memory and time. It keeps the descriptors it was
 * given and may make threads and anonymous memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/base/error.h"

struct cage {
    bool drop_user; /* to uid and gid, without groups and capabilities */
    uid_t uid;
    gid_t gid;
    uint64_t memory;      /* bytes of private writable memory */
    unsigned cpu_seconds; /* of all threads together */
};

int cage_enter(const struct cage *cage, struct error *error);
