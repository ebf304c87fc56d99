/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module_store.h - the ELF files that hooks kept because they would be gone later: modules/ and
 * crashes/<uid>/modules/.
 *
 * A hook that needs a file which is there already sets its time anew. So one that is older than
 * every core that is left is needed by none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/error.h"
#include "store/index.h"

/* Called for each file that goes; `path` is below the store. */
typedef void module_store_function(void *context, const char *path, uint64_t bytes);

/* Removes what no core needs, or only says so with `dry_run`. */
int module_store_expire(struct index *index, int storefd, bool dry_run,
                        module_store_function *function, void *context, struct error *error);
