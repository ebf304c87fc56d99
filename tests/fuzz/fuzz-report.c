/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-report.c - any bytes as a report: what parses holds what its header promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum; /* keeps the reads */

static void look_at(const char *text)
{
    sum += text ? strlen(text) : 0;
}

static void look_at_stack(const struct report *report, const struct report_stack *stack)
{
    for (size_t i = 0; i < stack->n_frames; i++) {
        const struct report_frame *frame = &stack->frames[i];
        look_at(frame->function);
        look_at(frame->symbol);
        look_at(frame->file);
        look_at(report_trust_name(frame->trust));
        if (frame->module && (frame->module < report->modules ||
                              frame->module >= report->modules + report->n_modules))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_REPORT struct report *report = NULL;
    struct error error = {0};

    if (report_parse(data, size, &report, &error) < 0) {
        if (report || !error.text[0])
            abort();
        return 0;
    }
    look_at(report->reason);
    if (!report->reason || (report->signature && strlen(report->signature) != 16))
        abort();
    for (size_t i = 0; i < report->n_threads; i++) {
        const struct report_thread *thread = &report->threads[i];
        if (thread->stack < report->stacks || thread->stack >= report->stacks + report->n_stacks ||
            thread->omitted_at > thread->stack->n_frames)
            abort();
        look_at(thread->name);
        look_at(report_stop_name(thread->stop));
        for (size_t k = 0; k < thread->n_registers; k++)
            look_at(thread->registers[k].name);
    }
    for (size_t i = 0; i < report->n_stacks; i++)
        look_at_stack(report, &report->stacks[i]);
    for (size_t i = 0; i < report->n_modules; i++)
        look_at(report->modules[i].path);
    return 0;
}
