/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scopes.h - names of functions with their namespaces and classes, where DWARF leaves the mangled
 * name out: inlined functions of files that were compiled with optimisation, lambdas.
 *
 * An entry's parents are found by walking its unit, so what a walk finds is kept by unit, names by
 * entry, and after some time in all no more are looked for.
 */
#pragma once

#include "analyzer/entries.h"

struct scopes;

struct scopes *scopes_new(void); /* NULL without memory */
void scopes_free(struct scopes *scopes);

/* Walks a unit for its functions, which serves later names too. */
void scopes_walk(struct scopes *scopes, Dwarf_Die *unit, entries_function function, void *context);

/* "ns::Class::name" of a function's entry; its bare name in C, and where the scopes are unknown.
 * NULL where it has no name. Stays until scopes_free(). */
const char *scopes_name(struct scopes *scopes, Dwarf_Die *die);
