/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks.h - what `inquest doctor` looks at, one function a question, and the proof by a crash. */
#pragma once

#include <stdbool.h>

#include "cli/checklist.h"
#include "cli/kernel_settings.h"
#include "store/config.h"

/* The patient. */
struct diagnosis {
    char pattern[KERNEL_VALUE_SIZE]; /* core_pattern as it is */
    bool ours;                       /* a hook of ours stands there: */
    char hook[KERNEL_VALUE_SIZE];
    char hook_config[KERNEL_VALUE_SIZE]; /* its -C, "" none */
    struct config *config;               /* what that hook reads */
    const char *store;                   /* where it writes */
    struct checklist checklist;
};

typedef void diagnosis_check(struct diagnosis *diagnosis);

/* NULL behind the last. */
extern diagnosis_check *const checks_of_kernel[];
extern diagnosis_check *const checks_of_store[];

/* Crashes a process of its own and follows it from the fault to `inquest dump` and `inquest bt`. */
void check_by_crash(struct diagnosis *diagnosis);
