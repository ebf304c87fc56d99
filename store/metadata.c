/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metadata.c - the facts of one crash. */
#include "store/metadata.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/base/parse.h"

#define MAGIC "INQM"
enum { VERSION = 1 };

struct header {
    char magic[4];
    uint8_t version, zero;
    uint16_t zeros;
} __attribute__((packed));

struct fact_header {
    uint16_t key_size, zeros;
    uint32_t value_size;
} __attribute__((packed));

struct metadata {
    struct fact *facts;
    size_t count, capacity;
    size_t size; /* what encoding takes */
};

struct metadata *metadata_new(void)
{
    struct metadata *metadata = calloc(1, sizeof *metadata);
    if (metadata)
        metadata->size = sizeof(struct header);
    return metadata;
}

void metadata_free(struct metadata *metadata)
{
    if (!metadata)
        return;
    for (size_t i = 0; i < metadata->count; i++)
        free((char *)metadata->facts[i].key); /* key and value are one allocation */
    free(metadata->facts);
    free(metadata);
}

static bool key_is_valid(const char *key, size_t size)
{
    if (size < 1 || size > METADATA_MAX_KEY)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!(key[i] >= 'a' && key[i] <= 'z') && !(key[i] >= '0' && key[i] <= '9') &&
            key[i] != '_' && key[i] != '.')
            return false;
    return true;
}

static struct fact *find(const struct metadata *metadata, const char *key, size_t key_size)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (strncmp(metadata->facts[i].key, key, key_size) == 0 &&
            metadata->facts[i].key[key_size] == '\0')
            return &metadata->facts[i];
    return NULL;
}

static int make_room(struct metadata *metadata)
{
    if (metadata->count < metadata->capacity)
        return 0;
    size_t capacity = metadata->capacity ? 2 * metadata->capacity : 64;
    struct fact *facts = reallocarray(metadata->facts, capacity, sizeof *facts);
    if (!facts)
        return -ENOMEM;
    metadata->facts = facts;
    metadata->capacity = capacity;
    return 0;
}

static int set(struct metadata *metadata, const char *key, size_t key_size, const void *value,
               size_t size)
{
    if (!key_is_valid(key, key_size))
        return -EINVAL;

    struct fact *old = find(metadata, key, key_size);
    size_t freed = old ? sizeof(struct fact_header) + key_size + old->size : 0;
    size_t rest = metadata->size - freed;
    if (size > METADATA_MAX_SIZE ||
        rest + sizeof(struct fact_header) + key_size + size > METADATA_MAX_SIZE ||
        (!old && metadata->count >= METADATA_MAX_FACTS))
        return -E2BIG;
    if (!old && make_room(metadata) < 0)
        return -ENOMEM;

    char *block = malloc(key_size + 1 + size + 1);
    if (!block)
        return -ENOMEM;
    memcpy(block, key, key_size);
    block[key_size] = '\0';
    if (size > 0)
        memcpy(block + key_size + 1, value, size);
    block[key_size + 1 + size] = '\0';

    if (old)
        free((char *)old->key);
    else
        old = &metadata->facts[metadata->count++];
    *old = (struct fact){.key = block, .value = block + key_size + 1, .size = size};
    metadata->size = rest + sizeof(struct fact_header) + key_size + size;
    return 0;
}

int metadata_set(struct metadata *metadata, const char *key, const void *value, size_t size)
{
    return set(metadata, key, strlen(key), value, size);
}

int metadata_set_text(struct metadata *metadata, const char *key, const char *value)
{
    return metadata_set(metadata, key, value, strlen(value));
}

int metadata_set_i64(struct metadata *metadata, const char *key, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    return metadata_set(metadata, key, text, (size_t)n);
}

int metadata_set_u64(struct metadata *metadata, const char *key, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, value);
    return metadata_set(metadata, key, text, (size_t)n);
}

const struct fact *metadata_get(const struct metadata *metadata, const char *key)
{
    return find(metadata, key, strlen(key));
}

const char *metadata_text(const struct metadata *metadata, const char *key)
{
    const struct fact *fact = metadata_get(metadata, key);
    return fact ? fact->value : NULL;
}

int metadata_u64(const struct metadata *metadata, const char *key, uint64_t *ret)
{
    const char *text = metadata_text(metadata, key);
    if (!text)
        return -ENOENT;
    return parse_u64(text, 10, UINT64_MAX, ret) < 0 ? -EINVAL : 0;
}

int metadata_i64(const struct metadata *metadata, const char *key, int64_t *ret)
{
    const char *text = metadata_text(metadata, key);
    uint64_t magnitude;

    if (!text)
        return -ENOENT;
    bool negative = *text == '-';
    if (parse_u64(text + negative, 10, INT64_MAX, &magnitude) < 0)
        return -EINVAL;
    *ret = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return 0;
}

size_t metadata_count(const struct metadata *metadata)
{
    return metadata->count;
}

const struct fact *metadata_at(const struct metadata *metadata, size_t index)
{
    return index < metadata->count ? &metadata->facts[index] : NULL;
}

int metadata_merge(struct metadata *into, const struct metadata *from)
{
    for (size_t i = 0; i < from->count; i++) {
        int r = metadata_set(into, from->facts[i].key, from->facts[i].value, from->facts[i].size);
        if (r < 0)
            return r;
    }
    return 0;
}

int metadata_encode(const struct metadata *metadata, struct bytes *ret)
{
    struct header header = {.magic = MAGIC, .version = VERSION};

    int r = bytes_reserve(ret, metadata->size);
    if (r < 0)
        return r;
    bytes_append(ret, &header, sizeof header); /* cannot fail: the room is there */
    for (size_t i = 0; i < metadata->count; i++) {
        const struct fact *fact = &metadata->facts[i];
        size_t key_size = strlen(fact->key);
        struct fact_header head = {.key_size = htole16((uint16_t)key_size),
                                   .value_size = htole32((uint32_t)fact->size)};
        bytes_append(ret, &head, sizeof head);
        bytes_append(ret, fact->key, key_size);
        bytes_append(ret, fact->value, fact->size);
    }
    return 0;
}

/* Takes one encoded fact off the front of *data. */
static int decode_fact(struct metadata *metadata, const char **data, const char *end)
{
    struct fact_header head;

    if ((size_t)(end - *data) < sizeof head)
        return -EBADMSG;
    memcpy(&head, *data, sizeof head);
    size_t key_size = le16toh(head.key_size), value_size = le32toh(head.value_size);
    const char *key = *data + sizeof head;
    if (key_size > (size_t)(end - key) || value_size > (size_t)(end - key) - key_size)
        return -EBADMSG;

    int r = set(metadata, key, key_size, key + key_size, value_size);
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    *data = key + key_size + value_size;
    return 0;
}

int metadata_decode(const void *data, size_t size, struct metadata **ret, struct error *error)
{
    struct header header;
    const char *p = data, *end = p + size;

    if (size < sizeof header || size > METADATA_MAX_SIZE)
        return error_set(error, EBADMSG, "the facts have an impossible size of %zu bytes", size);
    memcpy(&header, p, sizeof header);
    if (memcmp(header.magic, MAGIC, sizeof header.magic) != 0)
        return error_set(error, EBADMSG, "the facts do not begin with " MAGIC);
    if (header.version != VERSION)
        return error_set(error, EPROTONOSUPPORT,
                         "the facts are of version %u, which this version does not know",
                         header.version);

    AUTO_METADATA struct metadata *metadata = metadata_new();
    if (!metadata)
        return error_errno(error, ENOMEM, "cannot hold the facts");
    for (p += sizeof header; p < end;) {
        int r = decode_fact(metadata, &p, end);
        if (r < 0)
            return error_set(error, -r, "the facts are broken at byte %td", p - (const char *)data);
    }
    *ret = steal_pointer(&metadata);
    return 0;
}
