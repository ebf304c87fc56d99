/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache_files.h - STORE/cache/: copies in a form that is quicker to use than what they are made of.
 *
 * Only the keeper that holds the lock of analyses writes there. Nothing is lost with these files,
 * and nothing in them is a secret: they are made of what is installed on this system. But which of
 * them are there tells what has crashed, so that users may not list them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Bytes that the cache may have where the store may have `max_use`; 0: none. */
uint64_t cache_limit(uint64_t max_use);

/* Opens cache/NAME for reading: a descriptor, the caller's to close, or a negative errno. */
int cache_open(int storefd, const char *name);

/* Removes what somebody was putting there when he died. */
void cache_tidy(int storefd);

/* Puts a file of these parts into cache/NAME, whole or not at all. Makes the directory. */
int cache_write(int storefd, const char *name, const struct iovec *parts, size_t count);

/* What all of it takes on the disk. */
uint64_t cache_bytes(int storefd);

/* Deletes the oldest files of this suffix until all of cache/ and a file of `coming` bytes are
 * within `limit`. 0, or -ENOSPC where that isn't enough. */
#define CACHE_DEBUG_SUFFIX ".debug"
int cache_make_room(int storefd, uint64_t coming, uint64_t limit);

/* Deletes all of it where it has more than `limit` bytes, or with `dry_run` only tells: *ret_bytes
 * are freed, on failure too. What is being written stays. 0, or the negative errno of the first
 * file that could not be deleted; the others are. */
int cache_expire(int storefd, uint64_t limit, bool dry_run, uint64_t *ret_bytes);
