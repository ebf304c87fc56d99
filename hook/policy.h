/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - how much of this crash is to be kept: config, rules, what is free on the disk.
 *
 * Whatever is wrong with the config, there is a policy: the defaults.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/config.h"
#include "store/metadata.h"

enum policy_mode {
    POLICY_FULL,   /* the core */
    POLICY_STACKS, /* the rescue core, wider */
    POLICY_FACTS,  /* metadata and notes */
    POLICY_COUNT,  /* a number that grows */
    POLICY_IGNORE, /* nothing: the config says so */
};

struct policy {
    struct config *config; /* NULL only without memory */
    const struct config_settings *settings;
    const char *rule; /* the [rule] that applied, or NULL */
    enum policy_mode mode;
    char reason[256];   /* why the mode is less than full; "" where it is not */
    char warnings[512]; /* the first things that were wrong with the config; "" none */
};

/* Reads the config at `file` (NULL: the system's). Only -ENOMEM fails. */
int policy_load(const char *file, struct policy *ret);

/* Applies the [rule]s to what the facts say. */
void policy_apply_rules(struct policy *policy, const struct metadata *facts);

/* Lowers the mode to `mode` if it is higher, for this reason. */
void policy_lower(struct policy *policy, enum policy_mode mode, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Lowers the mode as the free space behind `fd` asks for. Returns how large the record may become:
 * it leaves keep_free, and is not larger than max_use alone, which is set where it is known. */
uint64_t policy_apply_space(struct policy *policy, int fd, uint64_t *ret_max_use);

/* The path of the store. */
const char *policy_store(const struct policy *policy);

void policy_free(struct policy *policy);
