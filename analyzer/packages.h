/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packages.h - which package each module comes from: its own note says it, else the package
 * manager's database does.
 *
 * Note: https://uapi-group.org/specifications/specs/package_metadata_for_executable_files/
 */
#pragma once

#include "analyzer/modules.h"

/* Fills in module->package, "name version", of modules that are `used` and of the executable. */
void packages_find(struct modules *modules);
