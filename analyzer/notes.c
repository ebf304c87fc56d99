/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notes.c - the notes of a core: threads, mapped files, auxiliary vector, siginfo. */
#include "analyzer/notes.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#ifndef NT_ARM_PAC_MASK
#define NT_ARM_PAC_MASK 0x406
#endif

enum {
    MAX_DESCRIPTION = 64 * 1024 * 1024, /* NT_FILE of some 70,000 mappings has 10 MiB */
    MAX_STATUS = 4096,
    MAX_VECTOR = 64 * 1024,
};

struct note {
    uint32_t type;
    uint64_t description; /* offset in the image */
    uint32_t size;
};

/* Walks over one note segment; each is read by its own function into the core. */
struct reader {
    struct core *core;
    struct image *image;
    size_t max_threads;
    bool had_threads; /* from another image: not to be added to */
    size_t capacity;  /* threads allocated */
    uint64_t left_out;
};

static uint8_t *load(struct reader *reader, const struct note *note, size_t limit)
{
    if (note->size > limit)
        return NULL;
    uint8_t *data = malloc((size_t)note->size + 1);
    if (!data || !image_read(reader->image, note->description, data, note->size)) {
        free(data);
        return NULL;
    }
    data[note->size] = '\0';
    return data;
}

static struct core_thread *add_thread(struct reader *reader)
{
    struct core *core = reader->core;
    if (core->thread_count >= reader->max_threads) {
        reader->left_out++;
        return NULL;
    }
    if (core->thread_count == reader->capacity) {
        size_t capacity = reader->capacity ? 2 * reader->capacity : 64;
        struct core_thread *grown = realloc(core->threads, capacity * sizeof(*grown));
        if (!grown)
            return NULL;
        core->threads = grown;
        reader->capacity = capacity;
    }
    struct core_thread *thread = &core->threads[core->thread_count];
    *thread = (struct core_thread){0};
    return thread;
}

static void read_status(struct reader *reader, const struct note *note)
{
    struct core *core = reader->core;
    /* struct elf_prstatus: elf_siginfo, pr_cursig, two words, pr_pid and so on, four times, pr_reg
     */
    enum { CURRENT_SIGNAL = 12, PID_32 = 24, PID_64 = 32, REGISTERS_32 = 72, REGISTERS_64 = 112 };
    size_t registers = core->is_64_bit ? REGISTERS_64 : REGISTERS_32;
    if (reader->had_threads)
        return;
    AUTO_FREE uint8_t *data = load(reader, note, MAX_STATUS);
    if (!data || note->size < registers)
        return;
    struct core_thread *thread = add_thread(reader);
    if (!thread)
        return;
    thread->signal = (int16_t)core_number(core, data + CURRENT_SIGNAL, 2);
    thread->tid = (uint32_t)core_number(core, data + (core->is_64_bit ? PID_64 : PID_32), 4);
    thread->general_size = note->size - registers;
    if (thread->general_size > REGISTERS_SIZE_MAX)
        thread->general_size = REGISTERS_SIZE_MAX;
    thread->general = malloc(thread->general_size + 1);
    if (!thread->general)
        return;
    memcpy(thread->general, data + registers, thread->general_size);
    core->thread_count++;
}

/* struct elf_prpsinfo ends in pr_fname[16], pr_psargs[80]; four pids stand before them. */
static void read_process(struct reader *reader, const struct note *note)
{
    enum { NAME = 16, ARGUMENTS = 80, PIDS = 16 };
    struct core *core = reader->core;
    AUTO_FREE uint8_t *data = load(reader, note, MAX_STATUS);
    if (!data || note->size < NAME + ARGUMENTS + PIDS || core->command[0])
        return;
    size_t name = note->size - NAME - ARGUMENTS;
    memcpy(core->command, data + name, NAME);
    core->pid = (uint32_t)core_number(core, data + name - PIDS, 4);
}

static void read_siginfo(struct reader *reader, const struct note *note)
{
    struct core *core = reader->core;
    AUTO_FREE uint8_t *data = load(reader, note, MAX_STATUS);
    size_t fields = core->is_64_bit ? 16 : 12; /* the union is aligned as a pointer */
    if (!data || note->size < fields + 8 || core->siginfo.present)
        return;
    core->siginfo = (struct core_siginfo){
        .present = true,
        .signal = (int32_t)core_number(core, data, 4),
        .error = (int32_t)core_number(core, data + 4, 4),
        .code = (int32_t)core_number(core, data + 8, 4),
        .address = core_number(core, data + fields, core->is_64_bit ? 8 : 4),
        .sender_pid = (uint32_t)core_number(core, data + fields, 4),
        .sender_uid = (uint32_t)core_number(core, data + fields + 4, 4),
    };
}

static void read_auxiliary(struct reader *reader, const struct note *note)
{
    struct core *core = reader->core;
    size_t word = core->is_64_bit ? 8 : 4;
    AUTO_FREE uint8_t *data = load(reader, note, MAX_VECTOR);
    const struct {
        uint64_t type;
        uint64_t *value;
    } wanted[] = {
        {AT_ENTRY, &core->at_entry},      {AT_PHDR, &core->at_phdr},
        {AT_PHNUM, &core->at_phnum},      {AT_BASE, &core->at_base},
        {AT_PAGESZ, &core->at_page_size}, {AT_SYSINFO_EHDR, &core->at_vdso},
    };
    for (size_t at = 0; data && at + 2 * word <= note->size; at += 2 * word) {
        uint64_t type = core_number(core, data + at, word);
        if (type == AT_NULL)
            break;
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
            if (wanted[i].type == type)
                *wanted[i].value = core_number(core, data + at + word, word);
    }
}

static int compare_mappings(const void *a, const void *b)
{
    const struct core_mapping *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* count, page size, then per file start, end, offset in pages; then the names, each with its NUL.
 * The names stay where they are: mappings[0].path is the first, its block is freed with them. */
static void read_files(struct reader *reader, const struct note *note)
{
    struct core *core = reader->core;
    size_t word = core->is_64_bit ? 8 : 4;
    if (core->mappings)
        return;
    AUTO_FREE uint8_t *data = load(reader, note, MAX_DESCRIPTION);
    if (!data || note->size < 2 * word) {
        core_problem(core, "the list of mapped files cannot be read");
        return;
    }
    uint64_t count = core_number(core, data, word);
    uint64_t page = core_number(core, data + word, word);
    if (count > (note->size - 2 * word) / (3 * word + 1)) {
        core_problem(core, "the list of mapped files contradicts itself");
        return;
    }
    const char *name = (const char *)data + 2 * word + count * 3 * word;
    const char *end = (const char *)data + note->size;
    core->mappings = calloc(count + 1, sizeof(*core->mappings));
    if (!core->mappings)
        return;
    for (uint64_t i = 0; i < count && name < end; i++) {
        const uint8_t *entry = data + 2 * word + i * 3 * word;
        core->mappings[core->mapping_count++] = (struct core_mapping){
            .start = core_number(core, entry, word),
            .end = core_number(core, entry + word, word),
            .offset = core_number(core, entry + 2 * word, word) * page,
            .path = name,
        };
        name += strlen(name) + 1;
    }
    core->names = (char *)steal_pointer(&data);
    qsort(core->mappings, core->mapping_count, sizeof(*core->mappings), compare_mappings);
}

static void read_pac_mask(struct reader *reader, const struct note *note)
{
    AUTO_FREE uint8_t *data = load(reader, note, 16);
    if (data && note->size == 16)
        reader->core->code_mask = core_number(reader->core, data + 8, 8);
}

static const struct {
    const char *owner; /* the note's name */
    uint32_t type;
    void (*read)(struct reader *reader, const struct note *note);
} kinds[] = {
    {"CORE", NT_PRSTATUS, read_status}, {"CORE", NT_PRPSINFO, read_process},
    {"CORE", NT_SIGINFO, read_siginfo}, {"CORE", NT_AUXV, read_auxiliary},
    {"CORE", NT_FILE, read_files},      {"LINUX", NT_ARM_PAC_MASK, read_pac_mask},
};

static uint64_t aligned(uint64_t size)
{
    return (size + 3) & ~3ull;
}

bool notes_read(struct core *core, struct image *image, uint64_t offset, uint64_t size,
                size_t max_threads)
{
    struct reader reader = {
        .core = core,
        .image = image,
        .max_threads = max_threads,
        .had_threads = core->thread_count > 0,
        .capacity = core->thread_count,
    };
    uint64_t end = size > UINT64_MAX - offset ? UINT64_MAX : offset + size;
    bool whole = end <= image_size(image);
    while (end - offset >= 12) {
        uint8_t header[12];
        char owner[8] = "";
        if (!image_read(image, offset, header, sizeof(header))) {
            whole = false;
            break;
        }
        uint64_t name_size = core_number(core, header, 4);
        struct note note = {
            .type = (uint32_t)core_number(core, header + 8, 4),
            .description = offset + 12 + aligned(name_size),
            .size = (uint32_t)core_number(core, header + 4, 4),
        };
        uint64_t next = note.description + aligned(note.size);
        if (name_size <= sizeof(owner) && name_size > 0)
            (void)image_read_some(image, offset + 12, owner, name_size - 1);
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
            if (kinds[i].type == note.type && strcmp(kinds[i].owner, owner) == 0)
                kinds[i].read(&reader, &note);
        if (next > end)
            break;
        offset = next;
    }
    if (reader.left_out)
        core_problem(core, "%llu threads more than the limit of %zu are left out",
                     (unsigned long long)reader.left_out, max_threads);
    return whole;
}

void notes_free(struct core *core)
{
    for (size_t i = 0; i < core->thread_count; i++)
        free(core->threads[i].general);
    free(core->threads);
    core->threads = NULL;
    core->thread_count = 0;
    free(core->mappings);
    core->mappings = NULL;
    core->mapping_count = 0;
    free(core->names);
    core->names = NULL;
}
