/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render.c - what the renderers of a report share: folding, numbers, words. */
#include "cli/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/bytes.h"
#include "store/base/parse.h"
#include "store/base/signals.h"
#include "store/base/text.h"

static const char *const stop_texts[] = {
    [REPORT_STOP_END] = NULL,
    [REPORT_STOP_NO_CFI] = "nothing tells how to go on from here",
    [REPORT_STOP_NO_MEMORY] = "the core lacks the stack's memory from here on",
    [REPORT_STOP_BAD_PC] = "the return address does not point to code",
    [REPORT_STOP_REPEAT] = "the stack leads back to itself",
    [REPORT_STOP_CAP] = "as many frames as are allowed",
    [REPORT_STOP_DEADLINE] = "no time was left to go on",
    [REPORT_STOP_NO_REGISTERS] = "the core lacks this thread's registers",
};

static const char *const trust_texts[] = {
    [REPORT_TRUST_REGISTERS] = "the thread's registers",
    [REPORT_TRUST_CFI] = "call frame information",
    [REPORT_TRUST_SIGNAL] = "the context saved for a signal handler",
    [REPORT_TRUST_CALL_POP] = "the return address pushed by a call to a bad address",
    [REPORT_TRUST_FRAME_POINTER] = "the frame pointer",
    [REPORT_TRUST_SCAN] = "a guess: a return address found on the stack",
};

const char *render_stop_text(enum report_stop stop)
{
    return stop_texts[stop];
}

const char *render_trust_text(enum report_trust trust)
{
    return trust_texts[trust];
}

bool render_has_guess(const struct report *report)
{
    for (size_t i = 0; i < report->n_stacks; i++)
        for (size_t k = 0; k < report->stacks[i].n_frames; k++)
            if (report_frame_is_guess(&report->stacks[i].frames[k]))
                return true;
    return false;
}

const char *render_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

char *render_signal(const struct report *report)
{
    struct bytes name = {0};
    if (report->signal_name)
        return text_printable(report->signal_name, strlen(report->signal_name));
    return bytes_printf(&name, "signal %d", report->signal) < 0 ? NULL : name.data;
}

void render_code(const struct report *report, char ret[static RENDER_CODE_SIZE])
{
    const char *name = signal_code_name(report->signal, report->si_code);
    ret[0] = '\0';
    if (report->has_si_code)
        snprintf(ret, RENDER_CODE_SIZE, "%d%s%s%s", report->si_code, name ? " (" : "",
                 name ? name : "", name ? ")" : "");
}

bool render_wants_thread(const struct render_options *options, const struct report_thread *thread)
{
    uint64_t tid;
    if (!options->thread)
        return true;
    if (parse_u64(options->thread, 10, UINT32_MAX, &tid) == 0 && tid == thread->tid)
        return true;
    return thread->name && strcmp(thread->name, options->thread) == 0;
}

size_t render_frame_count(const struct render_options *options, const struct report_thread *thread)
{
    size_t n = thread->stack->n_frames;
    return options->frames > 0 && options->frames < n ? (size_t)options->frames : n;
}

uint64_t render_frame_number(const struct report_thread *thread, size_t index)
{
    return index < thread->omitted_at ? index : index + thread->omitted;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Reads the same, and was found the same way. */
static bool is_same_frame(const struct report_frame *a, const struct report_frame *b)
{
    return a->pc == b->pc && a->inlined == b->inlined && a->trust == b->trust &&
           a->line == b->line && a->column == b->column && is_same_text(a->function, b->function) &&
           is_same_text(a->file, b->file);
}

size_t render_repeats(const struct render_options *options, const struct report_thread *thread,
                      size_t index, size_t n, size_t *ret_period)
{
    enum { LONGEST_PERIOD = 8, FEWEST_HIDDEN = 6 };
    const struct report_frame *frames = thread->stack->frames;

    if (thread->omitted > 0 && index < thread->omitted_at && thread->omitted_at < n)
        n = thread->omitted_at;
    for (size_t period = 1; period <= LONGEST_PERIOD && !options->all; period++) {
        size_t end = index + period;
        while (end < n && is_same_frame(&frames[end], &frames[end - period]))
            end++;
        size_t hidden = end > index + period ? (end - index) / period * period - period : 0;
        if (hidden >= FEWEST_HIDDEN) {
            *ret_period = period;
            return hidden;
        }
    }
    return 0;
}

char *render_repeats_text(const struct report_thread *thread, size_t index, size_t hidden,
                          size_t period)
{
    uint64_t last = render_frame_number(thread, index + hidden - 1);
    struct bytes text = {0};
    int r;

    if (period == 1)
        r = bytes_printf(&text, "the same frame %zu times more, up to #%" PRIu64, hidden, last);
    else
        r = bytes_printf(&text, "the same %zu frames %zu times more, up to #%" PRIu64, period,
                         hidden / period, last);
    if (r < 0)
        bytes_free(&text);
    return text.data;
}

const char *render_group_name(const struct render_group *group)
{
    const char *name = group->first->name;
    for (size_t i = 1; name && i < group->n_threads; i++)
        if (!group->threads[i]->name || strcmp(name, group->threads[i]->name) != 0)
            return NULL;
    return name;
}

static bool is_same_stack(const struct report_thread *a, const struct report_thread *b)
{
    return a->stack == b->stack && a->stop == b->stop && a->omitted == b->omitted &&
           a->omitted_at == b->omitted_at;
}

/* Where threads are put into groups. */
struct folding {
    struct render_group *groups;
    size_t n;
    size_t *of_stack; /* by stack: 1 + the group that shows it, 0 while there is none */
};

static struct render_group *find_group(struct folding *folding, const struct report *report,
                                       const struct report_thread *thread, bool alone)
{
    size_t *slot = &folding->of_stack[thread->stack - report->stacks];
    if (!alone && *slot > 0 && is_same_stack(folding->groups[*slot - 1].first, thread))
        return &folding->groups[*slot - 1];

    struct render_group *group = &folding->groups[folding->n++];
    group->first = thread;
    if (!alone)
        *slot = folding->n;
    return group;
}

static int add_to_group(struct render_group *group, const struct report_thread *thread)
{
    /* A power of two is full: the array doubles there. */
    if ((group->n_threads & (group->n_threads - 1)) == 0) {
        size_t n = group->n_threads ? group->n_threads * 2 : 1;
        const struct report_thread **more = reallocarray(group->threads, n, sizeof(*more));
        if (!more)
            return -ENOMEM;
        group->threads = more;
    }
    group->threads[group->n_threads++] = thread;
    return 0;
}

/* Adds the threads that crashed, or those that didn't. */
static int fold_threads(struct folding *folding, const struct report *report,
                        const struct render_options *options, bool crashing)
{
    const struct report_thread *crashed = report_crashing_thread(report);
    for (size_t i = 0; i < report->n_threads; i++) {
        const struct report_thread *thread = &report->threads[i];
        if ((thread == crashed) != crashing || !render_wants_thread(options, thread))
            continue;
        struct render_group *group = find_group(folding, report, thread, crashing || options->all);
        if (add_to_group(group, thread) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int by_tid(const void *a, const void *b)
{
    const struct report_thread *const *x = a, *const *y = b;
    return ((*x)->tid > (*y)->tid) - ((*x)->tid < (*y)->tid);
}

int render_groups(const struct report *report, const struct render_options *options,
                  struct render_group **ret, size_t *ret_n)
{
    AUTO_FREE size_t *of_stack = calloc(report->n_stacks + 1, sizeof(*of_stack));
    struct folding folding = {
        .groups = calloc(report->n_threads + 1, sizeof(*folding.groups)),
        .of_stack = of_stack,
    };
    if (!of_stack || !folding.groups || fold_threads(&folding, report, options, true) < 0 ||
        fold_threads(&folding, report, options, false) < 0) {
        render_groups_free(folding.groups, folding.n);
        return -ENOMEM;
    }
    for (size_t i = 0; i < folding.n; i++)
        qsort(folding.groups[i].threads, folding.groups[i].n_threads,
              sizeof(*folding.groups[i].threads), by_tid);
    *ret = folding.groups;
    *ret_n = folding.n;
    return 0;
}

void render_groups_free(struct render_group *groups, size_t n)
{
    for (size_t i = 0; groups && i < n; i++)
        free(groups[i].threads);
    free(groups);
}
