/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rescue.c - a small valid core that is enough for a backtrace. */
#include "hook/rescue.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/core_head.h"
#include "hook/mappings.h"
#include "hook/memory.h"
#include "hook/pagemap.h"
#include "hook/plan.h"
#include "store/base/cleanup.h"

/* Everything is bounded: the victim decides how many threads, modules and pointers there are. */
enum {
    STACKS_TOTAL = 16 * 1024 * 1024,
    STACK_CRASHED = 1024 * 1024, /* of the crashing thread, from its stack pointer on */
    STACK_OTHER = 64 * 1024,
    STACK_LEAST = 8 * 1024,
    STACK_OUTER = 32 * 1024,   /* the other end: where a deep recursion was entered */
    STACK_GUARD = 1024 * 1024, /* how far below its stack an overflowing stack pointer may be */
    RED_ZONE = 128,            /* below the stack pointer, in use all the same (System V x86-64) */
    HANDLER_DEPTH =
        256 * 1024, /* of a signal handler and what it called: looked at for its frame */

    AROUND_BEFORE = 256,
    AROUND_AFTER = 1024,
    AROUND_TOTAL = 4 * 1024 * 1024,

    MODULES_MAX = 4096,
    HEADERS_MAX = 64 * 1024, /* of one ELF file: program headers, notes, dynamic section */
    DYNAMIC_MAX = 64 * 1024,
    VDSO_MAX = 128 * 1024,
    LINK_MAP_NAME_MAX = 4096,

    RESCUE_MAX = 64 * 1024 * 1024, /* of memory, all in all */
};

struct rescue {
    const struct victim *victim;
    const struct plan *plan;
    struct pagemap pagemap;
    struct page_run *ranges; /* wanted, in the order they were thought of; then sorted and merged */
    size_t count, capacity;
    bool is_full; /* no memory for more */
};

static void rescue_clear(struct rescue *rescue)
{
    free(rescue->ranges);
}

/* Wants the pages of [start, end). What it cannot have it does without. */
static void want(struct rescue *rescue, uint64_t start, uint64_t end)
{
    const uint64_t page = rescue->pagemap.page_size;

    start &= ~(page - 1);
    end = (end + page - 1) & ~(page - 1);
    if (start >= end)
        return;
    if (rescue->count > 0) { /* the same page again, mostly */
        struct page_run *last = &rescue->ranges[rescue->count - 1];
        if (start >= last->start && end <= last->end)
            return;
    }
    if (rescue->count == rescue->capacity) {
        size_t capacity = rescue->capacity > 0 ? rescue->capacity * 2 : 256;
        void *ranges = reallocarray(rescue->ranges, capacity, sizeof *rescue->ranges);
        if (!ranges) {
            rescue->is_full = true;
            return;
        }
        rescue->ranges = ranges;
        rescue->capacity = capacity;
    }
    rescue->ranges[rescue->count++] = (struct page_run){start, end};
}

static void want_size(struct rescue *rescue, uint64_t start, uint64_t size)
{
    uint64_t end;
    if (!__builtin_add_overflow(start, size, &end))
        want(rescue, start, end);
}

/* Whether a page that is not in memory may be read: never where that would wait for somebody. */
static bool may_read_absent(const struct mapping *mapping)
{
    return mapping->kind == MAPPING_FILE || mapping->kind == MAPPING_KERNEL;
}

/* The first run of pages in [start, end) that can be read without waiting. False: there is none. */
static bool find_readable(const struct rescue *rescue, uint64_t start, uint64_t end,
                          struct page_run *ret)
{
    while (start < end) {
        const struct mapping *mapping = mappings_above(&rescue->victim->mappings, start);
        if (!mapping || mapping->start >= end)
            return false;
        uint64_t stop = mapping->end < end ? mapping->end : end;
        if (start < mapping->start)
            start = mapping->start;
        if (may_read_absent(mapping)) {
            *ret = (struct page_run){start, stop};
            return true;
        }
        if (mapping->kind != MAPPING_UNREADABLE) {
            uint64_t next;
            if (pagemap_runs(&rescue->pagemap, start, stop, ret, 1, &next) > 0)
                return true;
        }
        start = stop;
    }
    return false;
}

/* Reads victim's memory to look into it. False where not all of it is there. */
static bool peek(const struct rescue *rescue, uint64_t address, void *buffer, size_t size)
{
    const uint64_t page = rescue->pagemap.page_size;
    uint64_t at = address & ~(page - 1), end;

    if (__builtin_add_overflow(address, size, &end))
        return false;
    for (struct page_run run; at < end; at = run.end)
        if (!find_readable(rescue, at, (end + page - 1) & ~(page - 1), &run) || run.start > at)
            return false;
    return memory_read_some(rescue->victim->mem, address, buffer, size) == size;
}

/* An address in the victim's memory, which may be narrower than ours. */
static bool peek_word(const struct rescue *rescue, uint64_t address, uint64_t *ret)
{
    uint32_t narrow;
    if (plan_is_64(rescue->plan))
        return peek(rescue, address, ret, sizeof *ret);
    if (!peek(rescue, address, &narrow, sizeof narrow))
        return false;
    *ret = narrow;
    return true;
}

static unsigned word_size(const struct rescue *rescue)
{
    return plan_is_64(rescue->plan) ? 8 : 4;
}

/* Stacks. */

/* The mapping that a stack pointer belongs to: the one above where it has run into a guard. */
static const struct mapping *stack_mapping(const struct rescue *rescue, uint64_t stack_pointer)
{
    const struct mappings *mappings = &rescue->victim->mappings;
    const struct mapping *mapping = mappings_above(mappings, stack_pointer);

    if (mapping && !mapping->is_readable && mapping + 1 < mappings->items + mappings->count)
        mapping++;
    if (!mapping || mapping->kind == MAPPING_UNREADABLE ||
        (mapping->start > stack_pointer && mapping->start - stack_pointer > STACK_GUARD))
        return NULL;
    return mapping;
}

static void want_stack(struct rescue *rescue, uint64_t stack_pointer, uint64_t inner,
                       uint64_t outer)
{
    const struct mapping *mapping = stack_mapping(rescue, stack_pointer);
    if (!mapping)
        return;

    uint64_t start = stack_pointer < RED_ZONE ? 0 : stack_pointer - RED_ZONE;
    if (start < mapping->start)
        start = mapping->start;
    if (mapping->end - start <= inner + outer) {
        want(rescue, start, mapping->end);
        return;
    }
    want(rescue, start, start + inner);
    want(rescue, mapping->end - outer, mapping->end);
}

/*
 * A signal handler on an alternate stack: its stack is another than that of the code it
 * interrupted, whose stack pointer is in the signal frame. In front of the registers stands what
 * sigaltstack(2) was told (uc_stack: start, flags, size), by which the frame is known: its start
 * and size enclose the handler's own stack pointer.
 */
static const struct {
    uint16_t machine;
    unsigned stack_pointer; /* bytes from uc_stack */
} signal_frames[] = {
    {EM_X86_64, 144}, {EM_386, 40}, {EM_AARCH64, 416}, {EM_RISCV, 176}, {EM_ARM, 76},
};

static uint64_t word_at(const struct rescue *rescue, const uint8_t *bytes)
{
    uint64_t wide;
    uint32_t narrow;
    if (plan_is_64(rescue->plan)) {
        memcpy(&wide, bytes, sizeof wide);
        return wide;
    }
    memcpy(&narrow, bytes, sizeof narrow);
    return narrow;
}

/* Is this the uc_stack of the stack that `stack_pointer` is on? */
static bool is_alternate(const struct rescue *rescue, const uint8_t *bytes, uint64_t address,
                         uint64_t stack_pointer)
{
    enum { LEAST = 2048 };                /* MINSIGSTKSZ */
    const uint32_t autodisarm = 1u << 31; /* the one flag that an enabled stack may have */
    const unsigned word = word_size(rescue);
    uint64_t start = word_at(rescue, bytes), size = word_at(rescue, bytes + 2 * word);
    uint32_t flags;

    memcpy(&flags, bytes + word, sizeof flags);
    return start <= stack_pointer && stack_pointer - start < size && address - start < size &&
           size >= LEAST && size < UINT32_MAX && (flags == 0 || flags == autodisarm);
}

/* Looks for it in [start, end), page by page, for not each may be there. */
static bool find_alternate(const struct rescue *rescue, uint64_t start, uint64_t end,
                           uint64_t stack_pointer, uint64_t *ret)
{
    const unsigned word = word_size(rescue);
    uint8_t block[4096 + 16]; /* a page, and from the one before what three words may reach into */

    for (uint64_t at = start, from = start; at < end; at = at - at % 4096 + 4096) {
        uint64_t stop = at - at % 4096 + 4096;
        size_t size = (size_t)((stop < end ? stop : end) - from);
        if (!peek(rescue, from, block, size)) {
            from = stop;
            continue;
        }
        for (size_t i = 0; i + 3 * word <= size; i += word)
            if (is_alternate(rescue, block + i, from + i, stack_pointer)) {
                *ret = from + i;
                return true;
            }
        from = stop - 2 * word;
    }
    return false;
}

/* Where the crashing thread's handler was called from another stack: wants that one, too. */
static void want_interrupted(struct rescue *rescue, uint64_t stack_pointer)
{
    const struct mapping *mapping = stack_mapping(rescue, stack_pointer);
    uint64_t context, interrupted;

    stack_pointer &= ~(uint64_t)(word_size(rescue) - 1);
    if (!mapping || mapping->start > stack_pointer)
        return;
    uint64_t end = mapping->end;
    if (end - stack_pointer > HANDLER_DEPTH)
        end = stack_pointer + HANDLER_DEPTH;
    if (!find_alternate(rescue, stack_pointer, end, stack_pointer, &context))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(signal_frames); i++)
        if (signal_frames[i].machine == rescue->plan->header.e_machine &&
            peek_word(rescue, context + signal_frames[i].stack_pointer, &interrupted))
            want_stack(rescue, interrupted, STACK_CRASHED, STACK_OUTER);
}

static void want_stacks(struct rescue *rescue)
{
    const struct plan *plan = rescue->plan;
    uint64_t share = STACKS_TOTAL / (plan->thread_count + 1);

    share = share > STACK_OTHER ? STACK_OTHER : share < STACK_LEAST ? STACK_LEAST : share;
    for (size_t i = 0; i < plan->thread_count; i++)
        want_stack(rescue, plan->threads[i].stack_pointer, i == 0 ? STACK_CRASHED : share,
                   i == 0 ? STACK_OUTER : share / 2);
    if (plan->thread_count > 0)
        want_interrupted(rescue, plan->threads[0].stack_pointer);
}

/* Registers. */

static void want_around(struct rescue *rescue, const struct plan_thread *thread)
{
    for (unsigned i = 0; i < thread->register_count; i++) {
        uint64_t value = thread->registers[i];
        if (value > AROUND_BEFORE && mappings_find(&rescue->victim->mappings, value))
            want_size(rescue, value - AROUND_BEFORE, AROUND_BEFORE + AROUND_AFTER);
    }
}

/* The crashing thread's pointers always; the others' while there is room. */
static void want_pointers(struct rescue *rescue, enum rescue_depth depth)
{
    const struct plan *plan = rescue->plan;
    const size_t first = rescue->count;

    for (size_t i = 0; i < plan->thread_count; i++) {
        if (i > 0 && depth < RESCUE_AROUND)
            break;
        if ((rescue->count - first) * rescue->pagemap.page_size > AROUND_TOTAL)
            break;
        want_around(rescue, &plan->threads[i]);
    }
}

/* Modules. */

/* Program header `index` of an ELF image in memory whose ELF header is `header`. */
static bool peek_program_header(const struct rescue *rescue, uint64_t table, unsigned index,
                                Elf64_Phdr *ret)
{
    Elf32_Phdr narrow;

    if (plan_is_64(rescue->plan))
        return peek(rescue, table + index * sizeof *ret, ret, sizeof *ret);
    if (!peek(rescue, table + index * sizeof narrow, &narrow, sizeof narrow))
        return false;
    *ret = (Elf64_Phdr){
        .p_type = narrow.p_type,
        .p_offset = narrow.p_offset,
        .p_vaddr = narrow.p_vaddr,
        .p_filesz = narrow.p_filesz,
        .p_memsz = narrow.p_memsz,
    };
    return true;
}

/* Where the program headers of the ELF image at `start` are. False where there is no such image. */
static bool peek_elf_header(const struct rescue *rescue, uint64_t start, uint64_t *ret_offset,
                            unsigned *ret_count)
{
    union {
        Elf64_Ehdr wide;
        Elf32_Ehdr narrow;
    } header;
    bool is_64 = plan_is_64(rescue->plan);

    if (!peek(rescue, start, &header, sizeof header) ||
        memcmp(&header, rescue->plan->header.e_ident, EI_DATA + 1) != 0)
        return false;
    *ret_offset = is_64 ? header.wide.e_phoff : header.narrow.e_phoff;
    *ret_count = is_64 ? header.wide.e_phnum : header.narrow.e_phnum;
    return *ret_offset <= HEADERS_MAX && *ret_count <= HEADERS_MAX / sizeof(Elf32_Phdr);
}

/* Wants headers, dynamic section and notes of the ELF image at `start`. */
static void want_module(struct rescue *rescue, uint64_t start)
{
    uint64_t offset, bias = start;
    unsigned count;
    Elf64_Phdr segment;

    if (!peek_elf_header(rescue, start, &offset, &count))
        return;
    want_size(rescue, start, offset + count * sizeof segment);
    for (unsigned i = 0; i < count; i++) {
        if (!peek_program_header(rescue, start + offset, i, &segment))
            return;
        if (segment.p_type == PT_LOAD && segment.p_offset == 0)
            bias = start - segment.p_vaddr;
        else if (segment.p_type == PT_DYNAMIC && segment.p_memsz <= DYNAMIC_MAX)
            want_size(rescue, bias + segment.p_vaddr, segment.p_memsz);
        else if (segment.p_type == PT_NOTE && segment.p_memsz <= HEADERS_MAX)
            want_size(rescue, bias + segment.p_vaddr, segment.p_memsz);
    }
}

static void want_modules(struct rescue *rescue)
{
    unsigned seen = 0;
    for (size_t i = 0; i < rescue->victim->mappings.count && seen < MODULES_MAX; i++) {
        const struct mapping *mapping = &rescue->victim->mappings.items[i];
        bool is_file = mapping->kind == MAPPING_FILE || mapping->kind == MAPPING_REMOTE;
        if (is_file && mapping->file_offset == 0) {
            want_module(rescue, mapping->start);
            seen++;
        } else if (mapping->kind == MAPPING_KERNEL && mapping->end - mapping->start <= VDSO_MAX) {
            want(rescue, mapping->start, mapping->end);
        }
    }
}

/* The dynamic linker's list of modules (link.h: struct r_debug, struct link_map). */

/* The value of a tag in the dynamic section at `address`. */
static bool find_dynamic(const struct rescue *rescue, uint64_t address, uint64_t size, uint64_t tag,
                         uint64_t *ret)
{
    const unsigned word = word_size(rescue);
    for (uint64_t at = address; at + 2 * word <= address + size; at += 2 * word) {
        uint64_t found;
        if (!peek_word(rescue, at, &found) || found == DT_NULL)
            return false;
        if (found == tag)
            return peek_word(rescue, at + word, ret);
    }
    return false;
}

/* The executable's DT_DEBUG, by way of its program headers. */
static bool find_r_debug(const struct rescue *rescue, uint64_t *ret)
{
    uint64_t table, count, bias = 0;
    Elf64_Phdr segment;

    if (!plan_auxv(rescue->plan, AT_PHDR, &table) || !plan_auxv(rescue->plan, AT_PHNUM, &count))
        return false;
    for (unsigned i = 0; i < count && i < HEADERS_MAX / sizeof segment; i++) {
        if (!peek_program_header(rescue, table, i, &segment))
            return false;
        if (segment.p_type == PT_PHDR)
            bias = table - segment.p_vaddr;
        else if (segment.p_type == PT_DYNAMIC && segment.p_memsz <= DYNAMIC_MAX)
            return find_dynamic(rescue, bias + segment.p_vaddr, segment.p_memsz, DT_DEBUG, ret);
    }
    return false;
}

static void want_text(struct rescue *rescue, uint64_t address)
{
    const uint64_t page = rescue->pagemap.page_size;
    char text[256];

    for (uint64_t at = address; at - address < LINK_MAP_NAME_MAX;) {
        uint64_t left = page - at % page;
        size_t size = left < sizeof text ? (size_t)left : sizeof text;
        if (!peek(rescue, at, text, size))
            return;
        want_size(rescue, at, size);
        if (memchr(text, '\0', size))
            return;
        at += size;
    }
}

static void want_link_maps(struct rescue *rescue)
{
    const unsigned word = word_size(rescue);
    uint64_t r_debug, map, name;

    if (!find_r_debug(rescue, &r_debug) || !peek_word(rescue, r_debug + word, &map))
        return;
    want_size(rescue, r_debug, 6 * word);
    for (unsigned i = 0; map != 0 && i < MODULES_MAX; i++) {
        want_size(rescue, map, 5 * word); /* l_addr, l_name, l_ld, l_next, l_prev */
        if (peek_word(rescue, map + word, &name) && name != 0)
            want_text(rescue, name);
        if (!peek_word(rescue, map + 3 * word, &map))
            return;
    }
}

/* The core. */

static int compare_runs(const void *a, const void *b)
{
    const struct page_run *left = a, *right = b;
    return left->start < right->start ? -1 : left->start > right->start;
}

static void sort_and_merge(struct rescue *rescue)
{
    size_t kept = 0;

    qsort(rescue->ranges, rescue->count, sizeof *rescue->ranges, compare_runs);
    for (size_t i = 0; i < rescue->count; i++) {
        struct page_run *range = &rescue->ranges[i];
        if (kept > 0 && range->start <= rescue->ranges[kept - 1].end) {
            if (range->end > rescue->ranges[kept - 1].end)
                rescue->ranges[kept - 1].end = range->end;
        } else {
            rescue->ranges[kept++] = *range;
        }
    }
    rescue->count = kept;
}

struct loads {
    Elf64_Phdr *items;
    size_t count, capacity;
    uint64_t size;
};

static int add_load(const struct rescue *rescue, const struct page_run *run, struct loads *loads)
{
    if (loads->count == loads->capacity) {
        size_t capacity = loads->capacity > 0 ? loads->capacity * 2 : 256;
        void *items = reallocarray(loads->items, capacity, sizeof *loads->items);
        if (!items)
            return -ENOMEM;
        loads->items = items;
        loads->capacity = capacity;
    }
    const struct mapping *mapping = mappings_find(&rescue->victim->mappings, run->start);
    loads->items[loads->count++] = (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | (mapping && mapping->is_executable ? PF_X : PF_W),
        .p_vaddr = run->start,
        .p_filesz = run->end - run->start,
        .p_memsz = run->end - run->start,
        .p_align = rescue->pagemap.page_size,
    };
    loads->size += run->end - run->start;
    return 0;
}

/* Turns what is wanted into segments of what can be read. */
static int find_loads(const struct rescue *rescue, struct loads *loads)
{
    for (size_t i = 0; i < rescue->count; i++) {
        struct page_run run;
        uint64_t at = rescue->ranges[i].start, end = rescue->ranges[i].end;
        for (; at < end && find_readable(rescue, at, end, &run); at = run.end) {
            if (loads->size + (run.end - run.start) > RESCUE_MAX)
                return 0;
            int r = add_load(rescue, &run, loads);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Appends the whole core to `ret`, whose first byte it starts at. */
static int write_core(const struct rescue *rescue, struct loads *loads, struct bytes *ret,
                      struct error *error)
{
    AUTO_CORE_HEAD struct core_head front = {0};
    const size_t base = ret->size;

    int r = core_head_write(rescue->plan, loads->items, loads->count, &front, error);
    if (r < 0)
        return r;
    r = bytes_reserve(ret, (size_t)front.size);
    if (r < 0)
        return error_set(error, ENOMEM, "no memory for a rescue core of %llu bytes",
                         (unsigned long long)front.size);
    memset(ret->data + base, 0, (size_t)front.size + 1);
    memcpy(ret->data + base, front.head.data, front.head.size);
    if (front.tail.size > 0)
        memcpy(ret->data + base + front.tail_offset, front.tail.data, front.tail.size);
    for (size_t i = 0; i < loads->count; i++) {
        const Elf64_Phdr *load = &loads->items[i];
        r = memory_read(rescue->victim->mem, load->p_vaddr, ret->data + base + load->p_offset,
                        (size_t)load->p_filesz);
        if (r < 0)
            return error_set(error, -r, "the process is gone");
    }
    ret->size = base + (size_t)front.size;
    return 0;
}

static int take_memory(struct rescue *rescue, enum rescue_depth depth, struct loads *loads)
{
    const struct victim *victim = rescue->victim;
    int r = victim->mappings.count > 0 ? pagemap_init(&rescue->pagemap, victim->pagemap) : -ENODATA;
    if (r < 0)
        return r;
    want_stacks(rescue); /* in the order of what matters, should memory run out */
    want_pointers(rescue, depth);
    want_link_maps(rescue);
    want_modules(rescue);
    sort_and_merge(rescue);
    return find_loads(rescue, loads);
}

int rescue_build(const struct victim *victim, const struct plan *plan, enum rescue_depth depth,
                 struct bytes *ret, struct error *error)
{
    CLEANUP(rescue_clear) struct rescue rescue = {.victim = victim, .plan = plan};
    struct loads loads = {0};
    int r = 0;

    if (depth > RESCUE_NOTES && (victim->mem < 0 || victim->pagemap < 0))
        return error_set(error, ENOSYS, "the process's memory cannot be opened");
    if (depth > RESCUE_NOTES)
        r = take_memory(&rescue, depth, &loads);
    if (r >= 0)
        r = write_core(&rescue, &loads, ret, error);
    else
        error_errno(error, -r, "looking for the stacks of the process");
    free(loads.items);
    if (r >= 0 && depth > RESCUE_NOTES && !pagemap_is_alive(victim->pagemap))
        return error_set(error, ESTALE, "the process is gone");
    return r;
}
