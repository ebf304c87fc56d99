/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle_reader.h - what `inquest import` takes out of a bundle (bundle.h).
 *
 * A bundle from elsewhere is a hostile archive: its names are compared and never used. Only the
 * bytes of regular members are taken, each into a temporary file without a name: one record, one
 * report, and what is an ELF file by its content. Counts and sizes are bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/error.h"

/* True where a file's first bytes, decompressed, are a tar archive's. */
bool bundle_is_meant(const void *prefix, size_t size);

/* Is given a member, which is closed afterwards. A negative errno ends the reading. */
typedef int bundle_function(void *context, int fd, struct error *error);

struct bundle_handler {
    bundle_function *record; /* the first ID.core.zst; what stands before it is passed over */
    bundle_function *report; /* the first ID.report.json */
    bundle_function *module; /* each executable and library */
    void *context;
    uint64_t max_core; /* of the record's bytes, besides what else it has */
};

/*
 * Reads the archive in `fd`, compressed with zstd, to its end. -EBADMSG where there is no record or
 * the archive is damaged: behind the record, too.
 */
int bundle_read(int fd, const struct bundle_handler *handler, struct error *error);
