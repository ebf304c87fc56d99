/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * package_index.h - which of dpkg's file lists may name a path: one look instead of a thousand
 * files.
 *
 * STORE/cache/packages, made by the keeper from /var/lib/dpkg/info/ and good for as long as that
 * directory is as it was (dpkg replaces each list that it changes, so the directory's times tell).
 * It only hints: a list that it names is read before it is believed, so that nothing depends on
 * hashes being different. Without it all lists are read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/error.h"

struct package_index {
    struct bytes file;
};

/* The file, the caller's to close, or a negative errno. */
int package_index_open(int storefd);

/* Reads it. `lists` is /var/lib/dpkg/info/. -ESTALE: not of these lists, -EBADMSG. The caller's to
 * free. */
int package_index_read(int fd, int lists, struct package_index *ret);
void package_index_free(struct package_index *index);

/* False for paths below directories that have no programs: those are not in the index. */
bool package_index_knows(const char *path, size_t size);

/* The name of the next list that may name the path of `size` bytes, NULL behind the last. `*at`
 * is 0 at first. */
const char *package_index_next(const struct package_index *index, const char *path, size_t size,
                               size_t *at);

/* Makes it anew where dpkg's lists have changed, and the oldest debug files give way to it; does
 * nothing where it doesn't fit into `limit` bytes of cache. `lists` as above. The caller alone does
 * so. */
int package_index_refresh(int storefd, int lists, uint64_t limit, struct error *error);

#define AUTO_PACKAGE_INDEX CLEANUP(package_index_free)
