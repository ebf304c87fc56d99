/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_compose.c - the core that a record gives back. */
#include "store/core_compose.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/core_elf.h"
#include "store/core_extent.h"

enum { COMPOSE_ALIGN = 4096 };

/* A core in the making: the content as it is, `tail` behind it, then the program headers. */
struct composition {
    struct core_elf content; /* headers of the core that was cut short */
    struct core_elf rescue;
    uint64_t content_size;
    struct core_segment *kept; /* the rescue core's loads, by address, without overlaps */
    size_t kept_count;
    struct bytes tail;    /* from the rescue core; begins at tail_offset */
    struct bytes headers; /* program headers */
    uint64_t tail_offset, header_count;
};

static uint64_t align_up(uint64_t offset)
{
    return (offset + COMPOSE_ALIGN - 1) & ~(uint64_t)(COMPOSE_ALIGN - 1);
}

static int by_address(const void *a, const void *b)
{
    const struct core_segment *x = a, *y = b;
    return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

/* The loads of the rescue core that have bytes, sorted. */
static int collect_kept(struct composition *c)
{
    uint64_t end = 0;
    size_t n = 0;

    c->kept = calloc(c->rescue.phnum, sizeof *c->kept);
    if (!c->kept)
        return -ENOMEM;
    for (uint64_t i = 0; i < c->rescue.phnum; i++) {
        struct core_segment segment;
        core_elf_segment(&c->rescue, i, &segment);
        if (segment.type == PT_LOAD && segment.filesz > 0 && segment.offset <= c->rescue.size &&
            segment.filesz <= c->rescue.size - segment.offset &&
            segment.filesz <= UINT64_MAX - segment.vaddr)
            c->kept[n++] = segment;
    }
    qsort(c->kept, n, sizeof *c->kept, by_address);
    for (size_t i = 0; i < n; i++) {
        if (c->kept[i].vaddr < end)
            continue;
        end = c->kept[i].vaddr + c->kept[i].filesz;
        c->kept[c->kept_count++] = c->kept[i];
    }
    return 0;
}

static int put_header(struct composition *c, const struct core_segment *segment)
{
    c->header_count++;
    return core_elf_put_segment(&c->content, segment, &c->headers);
}

/* Puts bytes of the rescue core behind the content, and their program header. */
static int put_kept(struct composition *c, struct core_segment segment, uint64_t from)
{
    static const char zeros[COMPOSE_ALIGN];
    uint64_t at = align_up(c->tail.size);

    if (c->tail.size + segment.filesz > 2ull * RECORD_RESCUE_MAX)
        return 0; /* segments that overlap: not a core that a kernel wrote */
    int r = bytes_append(&c->tail, zeros, at - c->tail.size);
    if (r == 0)
        r = bytes_append(&c->tail, c->rescue.data + from, segment.filesz);
    if (r < 0)
        return r;
    segment.offset = c->tail_offset + at;
    return put_header(c, &segment);
}

/* The first of the kept loads that ends behind `address`. */
static size_t first_kept(const struct composition *c, uint64_t address)
{
    size_t low = 0, high = c->kept_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->kept[middle].vaddr + c->kept[middle].filesz <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What the rescue core has of [start, end). */
static int put_kept_range(struct composition *c, const struct core_segment *of, uint64_t start,
                          uint64_t end)
{
    for (size_t i = first_kept(c, start); i < c->kept_count && c->kept[i].vaddr < end; i++) {
        const struct core_segment *kept = &c->kept[i];
        uint64_t from = kept->vaddr > start ? kept->vaddr : start;
        uint64_t kept_end = kept->vaddr + kept->filesz;
        uint64_t to = kept_end < end ? kept_end : end;
        struct core_segment piece = *of;
        piece.vaddr = from;
        piece.filesz = piece.memsz = to - from;
        int r = put_kept(c, piece, kept->offset + (from - kept->vaddr));
        if (r < 0)
            return r;
    }
    return 0;
}

/* The notes of the rescue core, where those of the content are cut off. */
static int put_kept_notes(struct composition *c)
{
    for (uint64_t i = 0; i < c->rescue.phnum; i++) {
        struct core_segment notes;
        core_elf_segment(&c->rescue, i, &notes);
        if (notes.type == PT_NOTE && notes.offset <= c->rescue.size &&
            notes.filesz <= c->rescue.size - notes.offset)
            return put_kept(c, notes, notes.offset);
    }
    return 0;
}

/* One segment of the content: as it is where all of it is there, else what is there of it. */
static int put_segment(struct composition *c, const struct core_segment *segment)
{
    uint64_t there = segment->offset < c->content_size ? c->content_size - segment->offset : 0;

    if (segment->filesz == 0) { /* never touched: zeros, wherever its offset points */
        struct core_segment hole = *segment;
        if (hole.offset > c->content_size)
            hole.offset = c->content_size;
        return put_header(c, &hole);
    }
    if (segment->filesz <= there)
        return put_header(c, segment);
    if (segment->type == PT_NOTE && c->rescue.phnum > 0)
        return put_kept_notes(c);
    int r = 0;
    if (there > 0) {
        struct core_segment cut = *segment;
        cut.filesz = cut.memsz = there;
        r = put_header(c, &cut);
    }
    uint64_t end;
    if (r < 0 || segment->type != PT_LOAD ||
        __builtin_add_overflow(segment->vaddr, segment->filesz, &end))
        return r;
    return put_kept_range(c, segment, segment->vaddr + there, end);
}

static int compose_headers(struct composition *c)
{
    c->tail_offset = align_up(c->content_size);
    for (uint64_t i = 0; i < c->content.phnum; i++) {
        struct core_segment segment;
        core_elf_segment(&c->content, i, &segment);
        int r = put_segment(c, &segment);
        if (r < 0)
            return r;
    }
    return core_elf_put_count(&c->content, c->header_count, &c->headers);
}

/* Passes the content on behind its header, which was written anew. */
struct behind_header {
    record_content_function *function;
    void *context;
    size_t skip;
};

static int pass_behind_header(void *context, const void *data, size_t size)
{
    struct behind_header *pass = context;
    size_t skip = pass->skip < size ? pass->skip : size;

    pass->skip -= skip;
    if (size == skip)
        return 0;
    return pass->function(pass->context, data ? (const char *)data + skip : NULL, size - skip);
}

static int write_composition(struct record *record, const struct composition *c,
                             record_content_function *function, void *context, struct error *error)
{
    char header[sizeof(Elf64_Ehdr)];
    struct behind_header pass = {function, context, c->content.ehsize};
    uint64_t tail_end = c->tail_offset + c->tail.size, phoff = align_up(tail_end);

    core_elf_put_header(&c->content, phoff, c->header_count, header);
    int r = function(context, header, c->content.ehsize);
    if (r == 0)
        r = record_each_content(record, pass_behind_header, &pass, error);
    if (r == 0 && c->tail_offset > c->content_size)
        r = function(context, NULL, c->tail_offset - c->content_size);
    if (r == 0 && c->tail.size > 0)
        r = function(context, c->tail.data, c->tail.size);
    if (r == 0 && phoff > tail_end)
        r = function(context, NULL, phoff - tail_end);
    if (r == 0)
        r = function(context, c->headers.data, c->headers.size);
    return r;
}

static int compose(struct record *record, const struct bytes *prefix, const struct bytes *rescue,
                   record_content_function *function, void *context, struct error *error)
{
    struct composition c = {.content_size = record_content_size(record)};
    int r;

    if (core_elf_open(prefix->data, prefix->size, &c.content) < 0 ||
        !core_elf_has_segments(&c.content)) {
        /* Cut within its headers: the rescue core tells more, and without one the bytes are it. */
        if (rescue->size > 0)
            return function(context, rescue->data, rescue->size);
        return record_each_content(record, function, context, error);
    }
    if (rescue->size == 0 || core_elf_open(rescue->data, rescue->size, &c.rescue) < 0 ||
        !core_elf_has_segments(&c.rescue))
        c.rescue = (struct core_elf){0};
    r = c.rescue.phnum > 0 ? collect_kept(&c) : 0;
    if (r == 0)
        r = compose_headers(&c);
    if (r < 0)
        error_errno(error, -r, "cannot compose the core");
    else
        r = write_composition(record, &c, function, context, error);
    free(c.kept);
    bytes_free(&c.tail);
    bytes_free(&c.headers);
    return r;
}

static int read_prefix(struct record *record, struct bytes *ret, struct error *error)
{
    uint64_t content = record_content_size(record);
    size_t size = content < CORE_EXTENT_PREFIX ? (size_t)content : CORE_EXTENT_PREFIX;

    int r = bytes_reserve(ret, size);
    if (r < 0)
        return error_errno(error, -r, "cannot compose the core");
    ssize_t n = record_read(record, ret->data, size, 0);
    if (n < 0)
        return error_errno(error, (int)-n, "cannot read the core");
    ret->size = (size_t)n;
    return 0;
}

int core_compose(struct record *record, record_content_function *function, void *context,
                 bool *ret_whole, struct error *error)
{
    AUTO_BYTES struct bytes rescue = {0}, prefix = {0};
    uint64_t content = record_content_size(record), extent = 0;
    bool full = record_state(record) == RECORD_FULL;

    if (ret_whole)
        *ret_whole = full;
    if (full)
        return record_each_content(record, function, context, error);

    struct error why = {0};
    int r = record_rescue(record, &rescue, &why);
    if (r < 0 && r != -ENODATA && content == 0)
        return error_set(error, -r, "%s", why.text);
    if (content == 0 && rescue.size == 0)
        return error_set(error, ENODATA, "nothing of the process's memory was kept (%s)",
                         record_state_name(record_state(record)));
    if (content == 0)
        return function(context, rescue.data, rescue.size);

    r = read_prefix(record, &prefix, error);
    if (r < 0)
        return r;
    if (core_extent(prefix.data, prefix.size, &extent) == 0 && extent <= content)
        return record_each_content(record, function, context, error); /* all the same it is there */
    return compose(record, &prefix, &rescue, function, context, error);
}
