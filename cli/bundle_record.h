/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle_record.h - the record out of a bundle (bundle.h), for `inquest import`.
 *
 * A bundle from elsewhere is a hostile archive: its names are compared and never used, only the
 * bytes of one regular member are taken, into a temporary file without a name, and nothing else is
 * unpacked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/base/error.h"

/* True where a file's first bytes, decompressed, are a tar archive's. */
bool bundle_is_meant(const void *prefix, size_t size);

/*
 * The first member ID/ID.core.zst of the archive in `fd`, compressed with zstd, as a temporary
 * file. Returns its descriptor, or a negative errno: -EBADMSG where there is none or the archive is
 * damaged.
 */
int bundle_record(int fd, struct error *error);
