/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extents.c - which parts of the segments have to be copied, and which are known to be zeros. */
#include "hook/extents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__ || defined __i386__
#include <cpuid.h>
#endif

enum {
    MERGE_GAP = 64 * 1024,
    SPAN_GAP = 1024 * 1024, /* unmapped or undumped memory that one scan may cross */
    RUNS_BATCH = 1024,
};

/* How the bytes of one load are found. */
enum method {
    METHOD_ZEROS,   /* all zeros */
    METHOD_THROUGH, /* read all of it */
    METHOD_SCAN,    /* absent pages are zeros */
    METHOD_PRESENT, /* absent pages are left out */
};

/* Rights of the crashing thread by protection key: the PKRU register in its NT_X86_XSTATE, two bits
 * a key, the lower one forbids access (Intel SDM 1, 13.5 "XSAVE-managed state"). */
static bool find_key_rights(const struct plan *plan, uint32_t *ret)
{
#if defined __x86_64__ || defined __i386__
    enum { PKRU = 9, XSTATE_BV = 512 };
    unsigned size, offset, c, d;
    struct plan_note note;
    uint64_t present;

    if (!__get_cpuid_count(0xd, PKRU, &size, &offset, &c, &d) || size < sizeof *ret ||
        !plan_find_note(plan, "LINUX", NT_X86_XSTATE, &note) || note.size < offset + sizeof *ret)
        return false;
    memcpy(&present, (const char *)note.data + XSTATE_BV, sizeof present);
    if (present & (1u << PKRU))
        memcpy(ret, (const char *)note.data + offset, sizeof *ret);
    else
        *ret = 0; /* the register's initial state: all allowed */
    return true;
#else
    (void)plan;
    (void)ret;
    return false;
#endif
}

/* Whether the crashing thread, which writes the core, may read memory with this key. */
static int is_key_closed(const struct plan *plan, unsigned key, struct error *error)
{
    uint32_t rights;
    if (key > 15 || !find_key_rights(plan, &rights))
        return error_set(error, ENOTSUP, "memory has protection key %u, whose rights are unknown",
                         key);
    return (int)(rights >> (2 * key) & 1);
}

static int choose_method(const struct plan *plan, const struct mappings *mappings,
                         const Elf64_Phdr *load, struct error *error)
{
    static const uint8_t methods[] = {
        [MAPPING_ANONYMOUS] = METHOD_SCAN, [MAPPING_SHARED_MEMORY] = METHOD_THROUGH,
        [MAPPING_FILE] = METHOD_THROUGH,   [MAPPING_REMOTE] = METHOD_PRESENT,
        [MAPPING_KERNEL] = METHOD_THROUGH, [MAPPING_UNREADABLE] = METHOD_ZEROS,
    };
    const struct mapping *mapping = mappings_find(mappings, load->p_vaddr);

    if (load->p_filesz == 0)
        return METHOD_ZEROS;
    if (!mapping || mapping->end - load->p_vaddr < load->p_filesz)
        return error_set(error, ENOTSUP, "the memory at %#llx is not in maps",
                         (unsigned long long)load->p_vaddr);
    if (mapping->protection_key != 0) {
        int closed = is_key_closed(plan, mapping->protection_key, error);
        if (closed != 0)
            return closed < 0 ? closed : METHOD_ZEROS;
    }
    return mapping->has_userfaults ? METHOD_SCAN : methods[mapping->kind];
}

/* Merges neighbours with gaps up to a size that is raised until there are few enough. */
static void compact(struct extents *extents)
{
    while (extents->count > EXTENTS_MAX / 2 && extents->merge_gap < INT64_MAX / 4) {
        size_t kept = 0;
        extents->merge_gap *= 4;
        for (size_t i = 1; i < extents->count; i++) {
            struct extent *last = &extents->items[kept], *next = &extents->items[i];
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): with a count there are items */
            uint64_t gap = next->address - (last->address + last->size);
            if (next->load == last->load && gap <= extents->merge_gap &&
                !extents->leaves_out[next->load]) {
                last->size += gap + next->size;
                last->has_gaps |= gap > 0 || next->has_gaps;
            } else {
                extents->items[++kept] = *next;
            }
        }
        extents->count = kept + 1;
    }
}

static int add_extent(struct extents *extents, uint32_t load, uint64_t start, uint64_t end)
{
    struct extent *last = extents->count > 0 ? &extents->items[extents->count - 1] : NULL;

    if (last && last->load == load && !extents->leaves_out[load] &&
        start - (last->address + last->size) <= extents->merge_gap) {
        last->has_gaps |= start != last->address + last->size;
        last->size = end - last->address;
        return 0;
    }
    if (extents->count == EXTENTS_MAX)
        compact(extents);
    if (extents->count == extents->capacity) {
        size_t capacity = extents->capacity > 0 ? extents->capacity * 2 : 256;
        void *items = reallocarray(extents->items, capacity, sizeof *extents->items);
        if (!items)
            return -ENOMEM;
        extents->items = items;
        extents->capacity = capacity;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): capacity is 0 as long as it is NULL */
    extents->items[extents->count++] = (struct extent){start, end - start, load, false};
    return 0;
}

/* Consecutive loads that one scan covers, and what it has found so far. */
struct span {
    size_t first, end; /* loads [first, end) */
    size_t current;    /* the load that the next run may be in */
};

/* Adds the parts of a run of pages that lie in the span's loads. */
static int add_run(const struct plan *plan, struct span *span, const struct page_run *run,
                   struct extents *extents)
{
    while (span->current < span->end) {
        const Elf64_Phdr *load = &plan->loads[span->current];
        uint64_t end = load->p_vaddr + load->p_filesz;
        if (end > run->start && run->end > load->p_vaddr) {
            int r = add_extent(extents, (uint32_t)span->current,
                               run->start > load->p_vaddr ? run->start : load->p_vaddr,
                               run->end < end ? run->end : end);
            if (r < 0)
                return r;
        }
        if (run->end < end)
            return 0; /* the next run may be in the same load */
        span->current++;
    }
    return 0;
}

static int scan_span(const struct plan *plan, const struct pagemap *pagemap, struct span *span,
                     struct extents *extents)
{
    const Elf64_Phdr *last = &plan->loads[span->end - 1];
    uint64_t at = plan->loads[span->first].p_vaddr, end = last->p_vaddr + last->p_filesz;
    struct page_run runs[RUNS_BATCH];

    while (at < end) {
        ssize_t n = pagemap_runs(pagemap, at, end, runs, RUNS_BATCH, &at);
        if (n < 0)
            return (int)n;
        for (ssize_t i = 0; i < n; i++) {
            int r = add_run(plan, span, &runs[i], extents);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static bool is_scanned(uint8_t method)
{
    return method == METHOD_SCAN || method == METHOD_PRESENT;
}

/* The longest run of loads from `first` on that are scanned, and near each other in memory. */
static struct span find_span(const struct plan *plan, const uint8_t *methods, size_t first)
{
    struct span span = {first, first + 1, first};
    for (; span.end < plan->load_count && is_scanned(methods[span.end]); span.end++) {
        const Elf64_Phdr *last = &plan->loads[span.end - 1], *next = &plan->loads[span.end];
        uint64_t end = last->p_vaddr + last->p_filesz;
        if (next->p_vaddr < end || next->p_vaddr - end > SPAN_GAP)
            break;
    }
    return span;
}

static int find_all(const struct plan *plan, const uint8_t *methods, const struct pagemap *pagemap,
                    struct extents *ret)
{
    for (size_t i = 0; i < plan->load_count;) {
        const Elf64_Phdr *load = &plan->loads[i];
        int r = 0;
        if (is_scanned(methods[i])) {
            struct span span = find_span(plan, methods, i);
            r = scan_span(plan, pagemap, &span, ret);
            i = span.end;
        } else {
            if (methods[i] == METHOD_THROUGH)
                r = add_extent(ret, (uint32_t)i, load->p_vaddr, load->p_vaddr + load->p_filesz);
            i++;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static void count_gap(struct extents *extents, bool leaves_out, uint64_t gap)
{
    if (leaves_out)
        extents->left_out += gap;
    else if (gap >= EXTENTS_HOLE_MIN)
        extents->untouched += gap;
}

static void count_bytes(const struct plan *plan, struct extents *extents)
{
    size_t next = 0;
    for (size_t i = 0; i < plan->load_count; i++) {
        uint64_t at = plan->loads[i].p_vaddr, end = at + plan->loads[i].p_filesz;
        for (; next < extents->count && extents->items[next].load == i; next++) {
            count_gap(extents, extents->leaves_out[i], extents->items[next].address - at);
            at = extents->items[next].address + extents->items[next].size;
            extents->size += extents->items[next].size;
        }
        count_gap(extents, extents->leaves_out[i], end - at);
    }
}

int extents_find(const struct plan *plan, const struct mappings *mappings,
                 const struct pagemap *pagemap, struct extents *ret, struct error *error)
{
    AUTO_FREE uint8_t *methods = calloc(plan->load_count + 1, sizeof *methods);

    ret->merge_gap = MERGE_GAP;
    ret->leaves_out = calloc(plan->load_count + 1, sizeof *ret->leaves_out);
    if (!methods || !ret->leaves_out)
        return error_set(error, ENOMEM, "no memory for %zu segments", plan->load_count);
    for (size_t i = 0; i < plan->load_count; i++) {
        int method = choose_method(plan, mappings, &plan->loads[i], error);
        if (method < 0)
            return method;
        methods[i] = (uint8_t)method;
        ret->leaves_out[i] = method == METHOD_PRESENT;
    }
    int r = find_all(plan, methods, pagemap, ret);
    if (r < 0)
        return error_errno(error, -r, "looking for the pages of the process");
    count_bytes(plan, ret);
    return 0;
}

void extents_free(struct extents *extents)
{
    free(extents->items);
    free(extents->leaves_out);
    *extents = (struct extents){0};
}
