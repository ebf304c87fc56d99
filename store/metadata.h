/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metadata.h - the facts of one crash: keys with raw bytes as values.
 *
 * Encoded form (version 1; little-endian; see inquest-record(5)):
 *
 *   "INQM" u8 version, u8 0, u16 0, then per fact: u16 key size, u16 0, u32 value size, key, value
 *
 * A key is 1 to 64 bytes of [a-z0-9_.]. Numbers are stored as decimal text, files of /proc as the
 * bytes that were read. Decoding is for hostile bytes: sizes are checked against what is there,
 * at most METADATA_MAX_FACTS facts and METADATA_MAX_SIZE bytes. A key that comes twice has its
 * last value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"
#include "store/base/error.h"

enum {
    METADATA_MAX_FACTS = 1024,
    METADATA_MAX_KEY = 64,
    METADATA_MAX_SIZE = 64 * 1024 * 1024,
};

struct fact {
    const char *key;
    const char *value; /* `size` bytes and a NUL behind them */
    size_t size;
};

struct metadata;

struct metadata *metadata_new(void); /* NULL without memory */
void metadata_free(struct metadata *metadata);

/* Set or replace a fact; the bytes are copied. -EINVAL for a bad key, -E2BIG at the bounds,
 * -ENOMEM.
 */
int metadata_set(struct metadata *metadata, const char *key, const void *value, size_t size);
int metadata_set_text(struct metadata *metadata, const char *key, const char *value);
int metadata_set_i64(struct metadata *metadata, const char *key, int64_t value);
int metadata_set_u64(struct metadata *metadata, const char *key, uint64_t value);

/* The fact, or NULL. Valid until the metadata changes. */
const struct fact *metadata_get(const struct metadata *metadata, const char *key);

/* The value as a C string, cut at its first NUL, or NULL where the fact is absent. */
const char *metadata_text(const struct metadata *metadata, const char *key);

/* The value as a number. -ENOENT where it is absent, -EINVAL where it is none. */
int metadata_u64(const struct metadata *metadata, const char *key, uint64_t *ret);
int metadata_i64(const struct metadata *metadata, const char *key, int64_t *ret);

/* All facts in the order they were first set. */
size_t metadata_count(const struct metadata *metadata);
const struct fact *metadata_at(const struct metadata *metadata, size_t index);

/* Sets every fact of `from` in `into`. */
int metadata_merge(struct metadata *into, const struct metadata *from);

int metadata_encode(const struct metadata *metadata, struct bytes *ret); /* appends */
int metadata_decode(const void *data, size_t size, struct metadata **ret, struct error *error);

CLEANUP_FUNCTION(struct metadata, metadata_free)
#define AUTO_METADATA CLEANUP(metadata_free_cleanup)
