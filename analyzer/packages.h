/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packages.h - which package each module comes from: its own note says it, else the package
 * manager's database does.
 *
 * Note: https://uapi-group.org/specifications/specs/package_metadata_for_executable_files/
 */
#pragma once

#include "analyzer/modules.h"

/*
 * module->package, "name version", of modules that are `used` and of the executable. Asking the
 * database takes some 10 ms, most of them another process's: so the question is prepared first, may
 * be asked in any thread while files are read in others, and its answers are taken in the end.
 */
struct package_search {
    struct modules *modules;
    struct module **asked; /* those without a note */
    const char **paths;
    char **owners;
    size_t count;
};

int packages_prepare(struct modules *modules, struct package_search *ret);
void packages_ask(void *search); /* a struct package_search */
void packages_finish(struct package_search *search);
