/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * checklist.h - what setup, unsetup and doctor have to say: one line a thing, and what to do.
 *
 *     ✓ core_pattern   crashes go to /usr/libexec/inquest-hook
 *     ✗ core_pipe_limit  is 0: a process is gone before its facts are read
 *         → sudo inquest setup
 *
 * Kept until the end, so that text and JSON are renderings of the same.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"

enum verdict {
    VERDICT_GOOD,    /* as it should be, or done */
    VERDICT_BAD,     /* crashes are lost or less than they could be */
    VERDICT_NEITHER, /* doesn't matter here, cannot be known, or nothing to do */
};

struct checklist_item {
    const char *name; /* static */
    enum verdict verdict;
    char text[600];
    char advice[400]; /* "" none */
};

struct checklist {
    struct checklist_item *items;
    size_t count;
};

/* Never fails but by leaving the finding out, without memory. The advice is set by the second. */
void checklist_add(struct checklist *checklist, const char *name, enum verdict verdict,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void checklist_advise(struct checklist *checklist, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool checklist_any_bad(const struct checklist *checklist);
void checklist_free(struct checklist *checklist);

/* Prints those from `from` on. Without colour and UTF-8 the marks are "ok", "NO" and "-". */
void checklist_print(const struct checklist *checklist, size_t from);

/* [{"check", "ok": true|false|null, "text", "advice"}] */
json_t *checklist_json(const struct checklist *checklist);

#define AUTO_CHECKLIST __attribute__((cleanup(checklist_free)))
