/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - the facts of a record as a person reads them, and as JSON: one table of what each key
 * of store/keys.h means.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "store/metadata.h"

enum fact_kind {
    FACT_TEXT,
    FACT_NUMBER,
    FACT_ADDRESS, /* a number, shown as "0x…" */
    FACT_WORDS,   /* NUL-separated: shown with blanks between */
    FACT_LINES,   /* NUL-separated: a line each */
    FACT_FILE,    /* a whole file of /proc */
    FACT_SIZE,
    FACT_SPAN, /* microseconds */
    FACT_TIME,
};

struct fact_kind_of {
    const char *key;
    enum fact_kind kind;
    const char *label; /* in `inquest info`; NULL: shown another way, or with --all only */
};

/* In the order in which `inquest info` shows them; ends with a NULL key. */
extern const struct fact_kind_of fact_kinds[];

/*
 * Every known fact under its key, null where it is absent, then what else the record says. Numbers
 * are integers, addresses "0x…"; what is separated by NULs has blanks or line feeds instead, with
 * the bytes in KEY_b64.
 */
json_t *facts_json(const struct metadata *facts);

/* Prints a value printably; long ones over several lines, indented by `indent`. */
void fact_print(FILE *out, const struct fact_kind_of *kind, const struct fact *fact,
                unsigned indent);
