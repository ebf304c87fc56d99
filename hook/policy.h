/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - how much of this crash is to be kept, by config, rules and the state of the disk.
 *
 * Whatever is wrong with the config, there is a policy: the defaults. What was wrong is in
 * `warnings`, one line each.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/metadata.h"

enum policy_mode {
    POLICY_FULL,
    POLICY_STACKS,
    POLICY_FACTS,
    POLICY_IGNORE,
};

struct policy {
    enum policy_mode mode;
    char reason[256]; /* why mode is less than full; "" where it is not */
    char rule[64];    /* the [rule] that applied, "" none */
    char store[PATH_MAX];
    uint64_t max_core;    /* bytes */
    uint64_t hold_buffer; /* bytes, for all hooks at once */
    uint64_t deadline_us;
    int level;
    bool level_auto;
    struct bytes environ; /* names that may be kept of the environment, each with a NUL behind it */
    struct bytes warnings;
};

/* The defaults and the config file (NULL: the compiled-in one). */
void policy_load(const char *config, struct policy *ret);

/* Applies the [rule]s and what is free on the disk behind `store_fd` (-1 unknown). */
void policy_decide(struct policy *policy, const struct metadata *facts, int store_fd);

void policy_free(struct policy *policy);
#define AUTO_POLICY CLEANUP(policy_free)
