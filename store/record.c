/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.c - reads one record. */
#include "store/record.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "store/base/io.h"
#include "store/frame.h"
#include "store/keys.h"

enum {
    CACHE_SLOTS = 64,               /* decompressed frames kept: 16 MiB */
    WALK_WINDOW = 320 * 1024,       /* more than any content frame takes in the file */
    STORED_FRAME_MAX = WALK_WINDOW, /* a content frame that takes more is not ours */
};

/* A decompressed content frame; `last_use` 0 where the slot is empty. */
struct slot {
    const struct seek_entry *entry;
    uint64_t last_use;
    char *content;
};

struct record {
    int fd;
    uint64_t file_size;
    struct seek_table frames;
    struct metadata *metadata;
    enum record_state state;
    bool finished;
    bool had_name; /* when it was opened */
    ZSTD_DCtx *context;
    char *stored; /* STORED_FRAME_MAX bytes: the frame being decompressed */
    struct slot slots[CACHE_SLOTS];
    uint64_t uses;
    unsigned char *zeros; /* a bit an entry: known to hold zeros alone */
};

static const char *const state_names[] = {
    [RECORD_CAPTURING] = "capturing", [RECORD_FULL] = "full",
    [RECORD_STACKS] = "stacks",       [RECORD_FACTS] = "facts",
    [RECORD_COUNTED] = "counted",     [RECORD_TRUNCATED] = "truncated",
    [RECORD_PRUNED] = "pruned",       [RECORD_MISSING] = "missing",
};

const char *record_state_name(enum record_state state)
{
    return state_names[state];
}

int record_state_from_name(const char *name, enum record_state *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
        if (strcmp(name, state_names[i]) == 0) {
            *ret = (enum record_state)i;
            return 0;
        }
    return -EINVAL;
}

/* Retention and rm give the blocks of what they took back under those who have it open. */
static bool was_removed(const struct record *record)
{
    return record->had_name && io_has_no_name(record->fd);
}

static int tell_removed(struct error *error)
{
    return error_set(error, ESTALE, "the core was removed or pruned while it was read");
}

/* Reads a skippable frame's payload, of at most `limit` bytes. -ENODATA where it is another kind.
 */
static int read_payload(const struct record *record, const struct seek_entry *entry,
                        const char *magic, size_t limit, struct bytes *ret)
{
    char head[FRAME_SKIPPABLE_HEADER + RECORD_MAGIC_SIZE];
    uint32_t skippable;

    if (entry->content_size > 0 || entry->stored_size < sizeof head)
        return -ENODATA;
    ssize_t n = io_pread(record->fd, head, sizeof head, entry->file_offset);
    if (n < 0)
        return (int)n;
    if ((size_t)n < sizeof head)
        return was_removed(record) ? -ESTALE : -ENODATA;
    memcpy(&skippable, head, sizeof skippable);
    if (le32toh(skippable) != FRAME_MAGIC_SKIPPABLE ||
        memcmp(head + FRAME_SKIPPABLE_HEADER, magic, RECORD_MAGIC_SIZE) != 0)
        return -ENODATA;

    size_t size = entry->stored_size - FRAME_SKIPPABLE_HEADER;
    if (size > limit)
        return -EBADMSG;
    int r = bytes_reserve(ret, size);
    if (r < 0)
        return r;
    n = io_pread(record->fd, ret->data, size, entry->file_offset + FRAME_SKIPPABLE_HEADER);
    if (n < 0)
        return (int)n;
    ret->size = (size_t)n;
    return ret->size == size ? 0 : was_removed(record) ? -ESTALE : -EBADMSG;
}

/* Merges the facts in a metadata frame into `into`. -ENODATA where it is no such frame. */
static int merge_facts(const struct record *record, const struct seek_entry *entry,
                       struct metadata *into, struct error *error)
{
    AUTO_BYTES struct bytes payload = {0};
    AUTO_METADATA struct metadata *facts = NULL;

    int r = read_payload(record, entry, "INQM", METADATA_MAX_SIZE, &payload);
    if (r == -ENODATA)
        return r;
    if (r < 0)
        return error_errno(error, -r, "cannot read the facts");
    r = metadata_decode(payload.data, payload.size, &facts, error);
    if (r == 0 && metadata_merge(into, facts) < 0)
        r = error_errno(error, ENOMEM, "cannot hold the facts");
    return r;
}

/* The size in the file of the frame at `offset` and of its content, 0 where no whole one is. */
static uint32_t measure_frame(const struct record *record, uint64_t offset, char *window,
                              uint32_t *ret_content_size)
{
    uint32_t head[2];

    ssize_t n = io_pread(record->fd, window, WALK_WINDOW, offset);
    if (n < (ssize_t)sizeof head)
        return 0;
    memcpy(head, window, sizeof head);
    if ((le32toh(head[0]) & 0xfffffff0u) == FRAME_MAGIC_SKIPPABLE) {
        uint64_t size = FRAME_SKIPPABLE_HEADER + (uint64_t)le32toh(head[1]);
        *ret_content_size = 0;
        return le32toh(head[0]) == FRAME_MAGIC_SEEK_TABLE || size > record->file_size - offset ||
                       size > UINT32_MAX
                   ? 0
                   : (uint32_t)size;
    }
    size_t size = ZSTD_findFrameCompressedSize(window, (size_t)n);
    unsigned long long content = ZSTD_getFrameContentSize(window, (size_t)n);
    if (ZSTD_isError(size) || content > FRAME_ZEROS_MAX)
        return 0;
    *ret_content_size = (uint32_t)content;
    return (uint32_t)size;
}

/* Finds the frames of a file without a seek table, up to the last whole one. */
static int walk_frames(struct record *record)
{
    AUTO_FREE char *window = malloc(WALK_WINDOW);
    uint32_t stored_size, content_size = 0;

    if (!window)
        return -ENOMEM;
    while (
        (stored_size = measure_frame(record, record->frames.stored_size, window, &content_size))) {
        int r = seek_table_add(&record->frames, stored_size, content_size);
        if (r < 0)
            return r;
    }
    return 0;
}

static int find_frames(struct record *record, struct error *error)
{
    struct stat st;

    if (fstat(record->fd, &st) < 0)
        return error_errno(error, errno, "cannot stat the record");
    if (!S_ISREG(st.st_mode))
        return error_set(error, EBADMSG, "not a regular file");
    record->file_size = (uint64_t)st.st_size;
    record->had_name = st.st_nlink > 0;

    int r = seek_table_read(record->fd, record->file_size, &record->frames, error);
    record->finished = r == 0;
    if (r == -ENODATA || r == -EBADMSG) {
        r = walk_frames(record);
        if (r < 0)
            error_errno(error, -r, "cannot walk the frames");
    }
    return r;
}

/* The state that the facts tell; a record that was never finished is one being captured. */
static enum record_state told_state(const struct record *record)
{
    const char *name = metadata_text(record->metadata, KEY_STATE);
    enum record_state state;

    if (!record->finished || !name || record_state_from_name(name, &state) < 0)
        return RECORD_CAPTURING;
    return state;
}

static int load_facts(struct record *record, struct error *error)
{
    const struct seek_table *frames = &record->frames;

    record->metadata = metadata_new();
    if (!record->metadata)
        return error_errno(error, ENOMEM, "cannot hold the facts");
    if (frames->count == 0)
        return error_set(error, EBADMSG, "not a crash record");
    int r = merge_facts(record, &frames->entries[0], record->metadata, error);
    if (r == -ENODATA)
        return error_set(error, EBADMSG, "not a crash record: it does not begin with facts");
    if (r == 0 && frames->count > 1) {
        r = merge_facts(record, &frames->entries[frames->count - 1], record->metadata, error);
        if (r == -ENODATA) { /* killed between the content and the outcome */
            record->finished = false;
            r = 0;
        }
    }
    record->state = told_state(record);
    return r;
}

int record_open(int fd, struct record **ret, struct error *error)
{
    AUTO_RECORD struct record *record = calloc(1, sizeof *record);
    if (!record)
        return error_errno(error, ENOMEM, "cannot open the record");
    record->fd = fd;
    int r = find_frames(record, error);
    if (r == 0)
        r = load_facts(record, error);
    if (r < 0)
        return r;

    record->context = ZSTD_createDCtx();
    record->stored = malloc(STORED_FRAME_MAX);
    record->zeros = calloc(record->frames.count / 8 + 1, 1);
    if (!record->context || !record->stored || !record->zeros)
        return error_errno(error, ENOMEM, "cannot open the record");
    *ret = steal_pointer(&record);
    return 0;
}

void record_free(struct record *record)
{
    if (!record)
        return;
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        free(record->slots[i].content);
    ZSTD_freeDCtx(record->context);
    metadata_free(record->metadata);
    seek_table_free(&record->frames);
    free(record->stored);
    free(record->zeros);
    free(record);
}

const struct metadata *record_metadata(const struct record *record)
{
    return record->metadata;
}

enum record_state record_state(const struct record *record)
{
    return record->state;
}

bool record_is_finished(const struct record *record)
{
    return record->finished;
}

const struct seek_table *record_frames(const struct record *record)
{
    return &record->frames;
}

uint64_t record_content_size(const struct record *record)
{
    return record->frames.content_size;
}

uint64_t record_file_size(const struct record *record)
{
    return record->file_size;
}

/* Decompresses an entry's frame into `content`, which has room for its content. */
static int decompress(struct record *record, const struct seek_entry *entry, char *content)
{
    if (entry->stored_size > STORED_FRAME_MAX)
        return -EBADMSG;
    ssize_t n = io_pread(record->fd, record->stored, entry->stored_size, entry->file_offset);
    if (n < 0)
        return (int)n;
    size_t size = ZSTD_decompressDCtx(record->context, content, entry->content_size, record->stored,
                                      (size_t)n);
    if (!ZSTD_isError(size) && size == entry->content_size)
        return 0;
    return was_removed(record) ? -ESTALE : -EBADMSG;
}

static bool is_known_zero(const struct record *record, const struct seek_entry *entry)
{
    size_t i = (size_t)(entry - record->frames.entries);
    return record->zeros[i / 8] & 1u << i % 8;
}

static void remember_zero(struct record *record, const struct seek_entry *entry)
{
    size_t i = (size_t)(entry - record->frames.entries);
    record->zeros[i / 8] |= (unsigned char)(1u << i % 8);
}

/* The slot that holds the entry, or the one used longest ago. */
static struct slot *choose_slot(struct record *record, const struct seek_entry *entry)
{
    struct slot *oldest = &record->slots[0];

    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        if (record->slots[i].last_use > 0 && record->slots[i].entry == entry)
            return &record->slots[i];
        if (record->slots[i].last_use < oldest->last_use)
            oldest = &record->slots[i];
    }
    return oldest;
}

/* The content of an ordinary entry, in the cache. */
static int cached_content(struct record *record, const struct seek_entry *entry, const char **ret)
{
    struct slot *slot = choose_slot(record, entry);

    if (slot->last_use == 0 || slot->entry != entry) {
        slot->last_use = 0;
        if (!slot->content)
            slot->content = malloc(FRAME_CONTENT_MAX);
        if (!slot->content)
            return -ENOMEM;
        int r = decompress(record, entry, slot->content);
        if (r < 0)
            return r;
        slot->entry = entry;
    }
    slot->last_use = ++record->uses;
    *ret = slot->content;
    return 0;
}

/* Copies `size` bytes at `skip` of an entry too large for the cache: as a rule zeros alone. */
static int read_large(struct record *record, const struct seek_entry *entry, char *buffer,
                      size_t size, size_t skip)
{
    if (entry->content_size > FRAME_ZEROS_MAX)
        return -EBADMSG;
    AUTO_FREE char *content = malloc(entry->content_size);
    if (!content)
        return -ENOMEM;
    int r = decompress(record, entry, content);
    if (r < 0)
        return r;
    if (frame_is_zero(content, entry->content_size))
        remember_zero(record, entry);
    memcpy(buffer, content + skip, size);
    return 0;
}

static int read_entry(struct record *record, const struct seek_entry *entry, char *buffer,
                      size_t size, size_t skip)
{
    const char *content = NULL;

    if (is_known_zero(record, entry)) {
        memset(buffer, 0, size);
        return 0;
    }
    if (entry->content_size > FRAME_CONTENT_MAX)
        return read_large(record, entry, buffer, size, skip);
    int r = cached_content(record, entry, &content);
    if (r == 0)
        memcpy(buffer, content + skip, size);
    return r;
}

ssize_t record_read(struct record *record, void *buffer, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        const struct seek_entry *entry = seek_table_find(&record->frames, offset + done);
        if (!entry)
            break;
        size_t skip = (size_t)(offset + done - entry->content_offset);
        size_t piece = entry->content_size - skip;
        if (piece > size - done)
            piece = size - done;
        int r = read_entry(record, entry, (char *)buffer + done, piece, skip);
        if (r < 0)
            return done > 0 ? (ssize_t)done : r;
        done += piece;
    }
    return (ssize_t)done;
}

int record_each_content(struct record *record, record_content_function *function, void *context,
                        struct error *error)
{
    AUTO_FREE char *content = NULL;
    size_t capacity = 0;

    for (size_t i = 0; i < record->frames.count; i++) {
        const struct seek_entry *entry = &record->frames.entries[i];
        if (entry->content_size == 0)
            continue;
        if (entry->content_size > FRAME_ZEROS_MAX)
            return error_set(error, EBADMSG, "the frame at byte %" PRIu64 " is too large",
                             entry->file_offset);
        if (entry->content_size > capacity) {
            free(content);
            capacity = entry->content_size;
            content = malloc(capacity);
            if (!content)
                return error_errno(error, ENOMEM, "cannot decompress the core");
        }
        int r = decompress(record, entry, content);
        if (r == -ESTALE)
            return tell_removed(error);
        if (r < 0)
            return error_set(error, -r, "the frame at byte %" PRIu64 " of the file is corrupt",
                             entry->file_offset);
        bool zero = frame_is_zero(content, entry->content_size);
        r = function(context, zero ? NULL : content, entry->content_size);
        if (r < 0)
            return r;
    }
    return 0;
}

static const struct seek_entry *rescue_entry(const struct record *record)
{
    return record->frames.count > 1 ? &record->frames.entries[1] : NULL;
}

int record_rescue(struct record *record, struct bytes *ret, struct error *error)
{
    const struct seek_entry *entry = rescue_entry(record);
    AUTO_BYTES struct bytes payload = {0};
    uint64_t size = 0;

    int r = entry ? read_payload(record, entry, RECORD_RESCUE_MAGIC,
                                 RECORD_RESCUE_HEADER + frame_bound(RECORD_RESCUE_MAX), &payload)
                  : -ENODATA;
    if (r == -ENODATA)
        return error_set(error, ENODATA, "the record has no rescue core");
    if (r == -ESTALE)
        return tell_removed(error);
    if (r == 0 && payload.size > RECORD_RESCUE_HEADER)
        memcpy(&size, payload.data + 8, sizeof size);
    size = le64toh(size);
    if (r < 0 || size == 0 || size > RECORD_RESCUE_MAX)
        return error_set(error, EBADMSG, "the rescue core's frame is broken");
    r = bytes_reserve(ret, size);
    if (r < 0)
        return error_errno(error, -r, "cannot hold the rescue core");
    size_t n = ZSTD_decompressDCtx(record->context, ret->data + ret->size, size,
                                   payload.data + RECORD_RESCUE_HEADER,
                                   payload.size - RECORD_RESCUE_HEADER);
    if (ZSTD_isError(n) || n != size)
        return error_set(error, EBADMSG, "the rescue core is corrupt");
    ret->size += n;
    return 0;
}

int record_verify(struct record *record, record_bad_frame_function *function, void *context,
                  struct error *error)
{
    AUTO_FREE char *content = malloc(FRAME_ZEROS_MAX);
    if (!content)
        return error_errno(error, ENOMEM, "cannot verify the record");

    for (size_t i = 0; i < record->frames.count; i++) {
        const struct seek_entry *entry = &record->frames.entries[i];
        if (entry->content_size == 0)
            continue;
        int r =
            entry->content_size > FRAME_ZEROS_MAX ? -EBADMSG : decompress(record, entry, content);
        if (r == -EBADMSG)
            function(context, entry->content_offset, entry->content_size);
        else if (r < 0)
            return error_errno(error, -r, "cannot read the frame at byte %" PRIu64,
                               entry->file_offset);
    }
    return 0;
}
