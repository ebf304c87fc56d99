/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter.h - a filter as queries use it: compiled to SQL for one index.
 *
 * A condition is a list of terms of which one must hold. The numbers of texts, signatures and
 * stacks are looked up when a filter is compiled, so terms compare numbers and hold nothing that
 * came from outside but ids of a checked form.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/index.h"
#include "store/query.h"

enum { FILTER_LEADS_MAX = 64 }; /* terms of one condition that a query is led by */

/* A filter for one index. */
struct compiled {
    struct bytes where;     /* "… AND …", all conditions but the leading one; never empty */
    struct bytes *lead;     /* the leading one's terms: the union of what they find is the result */
    size_t n_leads;         /* 0: there is none, the time leads */
    const char *lead_index; /* see compiled_index() */
    bool never;             /* nothing can match */
};

/* The index that a leading term is looked up in. */
const char *compiled_index(const struct compiled *compiled, size_t lead);

/* `lead`: choose a condition to lead by; without, all of them are in `where`. */
int filter_compile(const struct filter *filter, struct index *index, bool lead,
                   struct compiled *ret, struct error *error);
void compiled_free(struct compiled *compiled);
#define AUTO_COMPILED CLEANUP(compiled_free)

bool filter_is_empty(const struct filter *filter);

/* What kind of CRASH a match was taken for. */
enum crash_kind {
    CRASH_KIND_NONE,
    CRASH_KIND_ID,
    CRASH_KIND_PID,
    CRASH_KIND_SIGNATURE,
    CRASH_KIND_PROGRAM,
    CRASH_KIND_ID_PREFIX,
};
int filter_add_crash(struct filter *filter, struct store *store, const char *crash,
                     enum crash_kind *ret, struct error *error);

/* For groups: the same (NULL: everything), and of this signature, too. NULL without memory. */
struct filter *filter_copy_with_signature(const struct filter *filter, const char *signature);
