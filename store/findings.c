/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.c - what of a report goes into the index. */
#include "store/findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names of the crashing thread's frames, from the top, without those that have none. */
static int list_functions(const struct report *report, const char ***ret, size_t *ret_n)
{
    const struct report_thread *thread = report_crashing_thread(report);
    size_t frames = thread ? thread->stack->n_frames : 0, n = 0;
    const char **functions = calloc(frames + 1, sizeof *functions);
    if (!functions)
        return -ENOMEM;
    for (size_t i = 0; i < frames; i++) {
        const struct report_frame *frame = &thread->stack->frames[i];
        const char *name = frame->function ?: frame->symbol;
        if (name)
            functions[n++] = name;
    }
    *ret = functions;
    *ret_n = n;
    return 0;
}

int findings_put(struct index *index, int64_t seq, const struct report *report, int64_t size,
                 unsigned keep, struct error *error)
{
    AUTO_FREE const char **functions = NULL;
    struct index_report row = {
        .analysis = CRASH_ANALYZED,
        .report_size = size,
        .signature = report->signature,
        .function = report->function,
        .package = report->package,
        .signature_frames = report->signature_frames.at,
        .n_signature_frames = report->signature_frames.n,
        .is_wordless = report->signature_is_wordless,
    };
    if (list_functions(report, &functions, &row.n_functions) < 0)
        return error_errno(error, ENOMEM, "index");
    row.functions = functions;

    /* A signature without an exact stack still groups: by a stack of its own name. */
    char stack_id[CRASH_STACK_ID_SIZE];
    if (report->stack_id && strlen(report->stack_id) < sizeof stack_id)
        row.stack_id = report->stack_id;
    else if (report->signature) {
        snprintf(stack_id, sizeof stack_id, "%s", report->signature);
        row.stack_id = stack_id;
    }
    return index_set_report(index, seq, &row, keep, error);
}
