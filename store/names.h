/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - the index's tables that give a text a number: texts, signatures, stacks.
 *
 * What was looked up is remembered, so that a list of a million rows asks for each text once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/database.h"

struct names_kind {
    const char *find, *insert, *get; /* SQL: by value, a new one, by number */
    const char *binding;             /* how the value is bound (database.h) */
};
extern const struct names_kind names_of_texts, names_of_signatures, names_of_stacks;

struct names;

struct names *names_new(struct database *database, const struct names_kind *kind);
void names_free(struct names *names);

/* The number of `text`, given to it where it has none. NULL has INT64_MIN. */
int names_add(struct names *names, const char *text, int64_t *ret, struct error *error);

/* Likewise without giving: -ENOENT. */
int names_find(struct names *names, const char *text, int64_t *ret, struct error *error);

/* The text of a number; NULL for INT64_MIN and for numbers that nothing has. Valid until
 * names_trim() or names_forget(). */
const char *names_get(struct names *names, int64_t seq);

void names_trim(struct names *names);   /* bounds the memory: forgets, if there is much */
void names_forget(struct names *names); /* numbers may mean something else from now on */
