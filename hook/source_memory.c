/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source_memory.c - the core's bytes from the held process itself: scanned, then copied. */
#include "hook/source_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hook/core_head.h"
#include "hook/extents.h"
#include "hook/mappings.h"
#include "hook/memory.h"
#include "hook/pagemap.h"
#include "hook/plan.h"
#include "hook/sparse.h"
#include "store/base/cleanup.h"
#include "store/keys.h"

#define SPARSE_MIN (1ull << 30) /* bytes never touched from which on the layout is sparse */

enum {
    ZEROS_MIN = 128 * 1024, /* shorter runs of zeros are part of a chunk, for the compressor */
    WITNESS_SIZE = 4096,
    GAP_RUNS = FRAME_CONTENT_MAX / 4096 + 1,
};

/* A run of the content that isn't zeros. */
struct piece {
    uint64_t offset; /* in the content */
    uint64_t size;
    const char *bytes; /* that are here already, or NULL: in the process, at */
    uint64_t address;
    bool has_gaps;
};

struct source_memory {
    struct source source;
    struct victim *victim;
    const struct plan *plan;
    struct pagemap pagemap;
    struct core_head front; /* of layout sparse */
    bool is_sparse;
    struct piece *pieces; /* ascending; what lies between them is zeros */
    size_t piece_count;
    uint64_t size;     /* of the content */
    uint64_t cost;     /* bytes in pieces */
    uint64_t left_out; /* bytes of remote files */

    /* Where next() is. */
    uint64_t position;
    size_t piece;

    /* A page of the crashing thread's stack as it was in the beginning. */
    uint64_t witness_address;
    size_t witness_size;
    char witness[WITNESS_SIZE];
};

static void add_piece(struct source_memory *memory, struct piece piece)
{
    if (piece.size == 0)
        return;
    memory->pieces[memory->piece_count++] = piece;
    memory->cost += piece.size;
}

/* Where each extent lies in the content, given the loads of the layout. */
static void place_extents(struct source_memory *memory, const struct extents *extents,
                          const Elf64_Phdr *loads, size_t count)
{
    size_t load = 0;
    for (size_t i = 0; i < extents->count; i++) {
        const struct extent *extent = &extents->items[i];
        /* Both are in the order of the plan's loads, and no extent crosses a split. */
        while (load < count && extent->address - loads[load].p_vaddr >= loads[load].p_filesz)
            load++;
        if (load == count)
            return;
        add_piece(memory,
                  (struct piece){
                      .offset = loads[load].p_offset + extent->address - loads[load].p_vaddr,
                      .size = extent->size,
                      .address = extent->address,
                      .has_gaps = extent->has_gaps,
                  });
    }
}

static void lay_out(struct source_memory *memory, const struct extents *extents,
                    const Elf64_Phdr *loads, size_t count, const struct bytes *head,
                    const struct bytes *tail, uint64_t tail_offset)
{
    add_piece(memory, (struct piece){.size = head->size, .bytes = head->data});
    place_extents(memory, extents, loads, count);
    add_piece(memory,
              (struct piece){.offset = tail_offset, .size = tail->size, .bytes = tail->data});
}

/* Chooses the layout and sets pieces, size and cost. */
static int choose_layout(struct source_memory *memory, const struct extents *extents,
                         struct error *error)
{
    const struct plan *plan = memory->plan;
    AUTO_FREE Elf64_Phdr *loads = NULL;
    size_t count;

    memory->pieces = calloc(extents->count + 2, sizeof *memory->pieces);
    if (!memory->pieces)
        return error_set(error, ENOMEM, "no memory for %zu extents", extents->count);
    memory->left_out = extents->left_out;
    memory->is_sparse = extents->untouched > SPARSE_MIN || extents->left_out > 0;
    if (!memory->is_sparse) {
        memory->size = plan->core_size;
        lay_out(memory, extents, plan->loads, plan->load_count, &plan->head, &plan->tail,
                plan->tail_offset);
        return 0;
    }

    int r = sparse_split(plan, extents, &loads, &count);
    if (r < 0)
        return error_set(error, -r, "no memory for the program headers");
    r = core_head_write(plan, loads, count, &memory->front, error);
    if (r < 0)
        return r;
    memory->size = memory->front.size;
    lay_out(memory, extents, loads, count, &memory->front.head, &memory->front.tail,
            memory->front.tail_offset);
    return 0;
}

/*
 * Remembers the page that the crashing thread's stack pointer is in. Nobody writes there while the
 * process is held; if it changes, the memory is being torn down (by the OOM reaper, for one, which
 * does not wait for the process to end).
 */
static void remember_witness(struct source_memory *memory)
{
    const struct plan *plan = memory->plan;
    struct page_run run;
    uint64_t next;

    if (plan->thread_count == 0)
        return;
    memory->witness_address = plan->threads[0].stack_pointer & ~(uint64_t)(WITNESS_SIZE - 1);
    if (pagemap_runs(&memory->pagemap, memory->witness_address,
                     memory->witness_address + WITNESS_SIZE, &run, 1, &next) <= 0)
        return; /* the stack pointer is garbage */
    memory->witness_size = memory_read_some(memory->victim->mem, memory->witness_address,
                                            memory->witness, sizeof memory->witness);
}

static int check_witness(const struct source_memory *memory)
{
    char now[WITNESS_SIZE];
    size_t n =
        memory_read_some(memory->victim->mem, memory->witness_address, now, memory->witness_size);
    bool is_same = n == memory->witness_size && memcmp(now, memory->witness, n) == 0;
    return is_same && pagemap_is_alive(memory->pagemap.fd) ? 0 : -ESTALE;
}

static int detail_mappings(struct victim *victim, struct error *error)
{
    int r = victim->mappings.count > 0 ? 0 : -ENODATA;
    if (r == 0 && mappings_need_details(&victim->mappings))
        r = mappings_add_details(&victim->mappings, victim->smaps);
    return r < 0 ? error_errno(error, -r, "reading the process's mappings") : 0;
}

static int prepare(struct source_memory *memory, struct error *error)
{
    AUTO_EXTENTS struct extents extents = {0};

    if (memory->victim->mem < 0 || memory->victim->pagemap < 0)
        return error_set(error, ENOSYS, "the process's memory cannot be opened");
    int r = pagemap_init(&memory->pagemap, memory->victim->pagemap);
    if (r < 0)
        return error_errno(error, -r, "reading the process's page map");
    remember_witness(memory);
    r = detail_mappings(memory->victim, error);
    if (r < 0)
        return r;
    r = extents_find(memory->plan, &memory->victim->mappings, &memory->pagemap, &extents, error);
    if (r < 0)
        return r;
    if (check_witness(memory) < 0) /* a killed process would have shown no pages */
        return error_set(error, ESTALE, "the process is gone");
    return choose_layout(memory, &extents, error);
}

/* The size of the next chunk at `position`, which is in pieces[piece]: up to a long run of zeros.
 */
static uint64_t data_size(const struct source_memory *memory, uint64_t position, size_t piece)
{
    uint64_t most = position + FRAME_CONTENT_MAX, end = position;
    for (; piece < memory->piece_count; piece++) {
        const struct piece *next = &memory->pieces[piece];
        if (next->offset >= most || (next->offset > end && next->offset - end >= ZEROS_MIN))
            break;
        end = next->offset + next->size;
        if (end >= most)
            return FRAME_CONTENT_MAX;
    }
    return end - position;
}

static int source_memory_next(struct source *source, struct chunk *ret)
{
    struct source_memory *memory = (struct source_memory *)source;
    const uint64_t position = memory->position;

    if (position >= memory->size)
        return 0;
    while (memory->piece < memory->piece_count &&
           memory->pieces[memory->piece].offset + memory->pieces[memory->piece].size <= position)
        memory->piece++;

    uint64_t next =
        memory->piece < memory->piece_count ? memory->pieces[memory->piece].offset : memory->size;
    ret->offset = position;
    ret->cookie[0] = memory->piece;
    ret->zeros = next == memory->size || (next > position && next - position >= ZEROS_MIN);
    ret->size = ret->zeros ? next - position : data_size(memory, position, memory->piece);
    memory->position += ret->size;
    return 1;
}

/* Reads what is present of an extent with gaps; a gap is zeros if the process lived behind it. */
static int read_present(const struct source_memory *memory, uint64_t address, char *buffer,
                        size_t size)
{
    struct page_run runs[GAP_RUNS];
    uint64_t start = address & ~(uint64_t)(memory->pagemap.page_size - 1), next;

    memset(buffer, 0, size);
    for (uint64_t end = address + size; start < end; start = next) {
        ssize_t n = pagemap_runs(&memory->pagemap, start, end, runs, GAP_RUNS, &next);
        if (n < 0)
            return (int)n;
        for (ssize_t i = 0; i < n; i++) {
            uint64_t from = runs[i].start > address ? runs[i].start : address;
            uint64_t to = runs[i].end < end ? runs[i].end : end;
            int r = memory_read(memory->victim->mem, from, buffer + (from - address), to - from);
            if (r < 0)
                return r;
        }
    }
    return pagemap_is_alive(memory->pagemap.fd) ? 0 : -ESTALE;
}

static int fill_from_piece(const struct source_memory *memory, const struct piece *piece,
                           uint64_t skip, char *buffer, size_t size)
{
    if (piece->bytes) {
        memcpy(buffer, piece->bytes + skip, size);
        return 0;
    }
    if (piece->has_gaps)
        return read_present(memory, piece->address + skip, buffer, size);
    return memory_read(memory->victim->mem, piece->address + skip, buffer, size);
}

static int source_memory_fill(struct source *source, struct chunk *chunk)
{
    const struct source_memory *memory = (const struct source_memory *)source;
    const uint64_t end = chunk->offset + chunk->size;
    char *buffer = (char *)chunk->data;
    uint64_t at = chunk->offset;

    for (size_t i = chunk->cookie[0]; at < end; i++) {
        const struct piece *piece = &memory->pieces[i];
        uint64_t start = i < memory->piece_count && piece->offset < end ? piece->offset : end;
        if (start > at) {
            memset(buffer + (at - chunk->offset), 0, start - at);
            at = start;
        }
        if (at == end)
            break;
        uint64_t stop = piece->offset + piece->size < end ? piece->offset + piece->size : end;
        int r = fill_from_piece(memory, piece, at - piece->offset, buffer + (at - chunk->offset),
                                stop - at);
        if (r < 0)
            return r;
        at = stop;
    }
    return 0;
}

static int source_memory_settle(struct source *source)
{
    return check_witness((const struct source_memory *)source);
}

static uint64_t source_memory_size(const struct source *source)
{
    return ((const struct source_memory *)source)->size;
}

static uint64_t source_memory_cost(const struct source *source)
{
    return ((const struct source_memory *)source)->cost;
}

static int source_memory_outcome(const struct source *source, struct metadata *ret)
{
    const struct source_memory *memory = (const struct source_memory *)source;

    int r = metadata_set_text(ret, KEY_LAYOUT, memory->is_sparse ? "sparse" : "kernel");
    if (r >= 0)
        r = metadata_set_u64(ret, KEY_CORE_SIZE, memory->plan->core_size);
    if (r >= 0 && memory->left_out > 0)
        r = metadata_set_u64(ret, KEY_LEFT_OUT, memory->left_out);
    if (r >= 0 && memory->left_out > 0)
        r = metadata_set_text(ret, KEY_REASON,
                              "pages of files on filesystems that may not answer were left out");
    return r;
}

static void source_memory_free(struct source *source)
{
    struct source_memory *memory = (struct source_memory *)source;
    core_head_free(&memory->front);
    free(memory->pieces);
    free(memory);
}

int source_memory_new(struct victim *victim, const struct plan *plan, struct source **ret,
                      struct error *error)
{
    static const struct source_methods methods = {
        .name = "memory",
        .parallel = true,
        .next = source_memory_next,
        .fill = source_memory_fill,
        .settle = source_memory_settle,
        .size = source_memory_size,
        .cost = source_memory_cost,
        .outcome = source_memory_outcome,
        .free = source_memory_free,
    };

    struct source_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return error_set(error, ENOMEM, "no memory");
    memory->source.methods = &methods;
    memory->victim = victim;
    memory->plan = plan;
    int r = prepare(memory, error);
    if (r < 0) {
        source_memory_free(&memory->source);
        return r;
    }
    *ret = &memory->source;
    return 0;
}
