/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain.h - everything the analyzer does with a core: stacks, names, reason, signature, report.
 */
#pragma once

#include "analyzer/modules.h"

struct explain_options {
    enum effort effort;
    size_t max_frames;    /* kept of one thread */
    uint64_t deadline_us; /* for all of it; what is missing then is said in the report */
};

/* Writes the report to `fd`. 0 or a negative errno: then nothing, or not all of it, was written. */
int explain_core(struct core *core, struct files *files, const struct explain_options *options,
                 int fd);
