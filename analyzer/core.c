/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core.c - memory of a crashed process: segments of a core, of a record and its rescue core. */
#include "analyzer/core.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyzer/image.h"
#include "analyzer/notes.h"
#include "store/record.h"

enum {
    MAX_SEGMENTS = 4 * 1024 * 1024, /* vm.max_map_count is 65530 unless raised */
    MAX_PROBLEMS = 8192,            /* bytes */
    MAX_NOTE_SEGMENTS = 64,
};

/* One ELF core: the content, or the rescue core. */
struct part {
    struct image *image;
    struct core_segment *segments; /* sorted by start, not overlapping in a sane core */
    size_t count;
    size_t last; /* where the last lookup was */
};

struct core_memory {
    struct part parts[2];
    size_t part_count;
    struct record *record;
    struct bytes rescue;
};

void core_problem(struct core *core, const char *format, ...)
{
    if (core->problems.size > MAX_PROBLEMS)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if (*c == '\n')
            *c = ' ';
    (void)bytes_printf(&core->problems, "%s\n", text); /* without memory there is more to tell */
}

uint64_t core_number(const struct core *core, const void *data, size_t size)
{
    uint64_t value64;
    uint32_t value32;
    uint16_t value16;
    switch (size) {
    case 8:
        memcpy(&value64, data, 8);
        return core->swapped ? __builtin_bswap64(value64) : value64;
    case 4:
        memcpy(&value32, data, 4);
        return core->swapped ? __builtin_bswap32(value32) : value32;
    case 2:
        memcpy(&value16, data, 2);
        return core->swapped ? __builtin_bswap16(value16) : value16;
    default:
        return *(const uint8_t *)data;
    }
}

static size_t find_segment(const struct part *part, uint64_t address)
{
    size_t low = 0, high = part->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (part->segments[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low; /* the first that starts behind it */
}

static size_t read_part(struct part *part, uint64_t address, void *buffer, size_t size)
{
    if (part->count == 0)
        return 0;
    const struct core_segment *segment = &part->segments[part->last];
    if (address < segment->start || address - segment->start >= segment->file_size) {
        size_t next = find_segment(part, address);
        if (next == 0)
            return 0;
        segment = &part->segments[next - 1];
        if (address - segment->start >= segment->file_size)
            return 0;
        part->last = next - 1;
    }
    uint64_t into = address - segment->start;
    if (size > segment->file_size - into)
        size = (size_t)(segment->file_size - into);
    return image_read_some(part->image, segment->offset + into, buffer, size);
}

size_t core_read_some(struct core *core, uint64_t address, void *buffer, size_t size)
{
    struct core_memory *memory = core->memory;
    size_t done = 0;
    while (done < size) {
        size_t n = 0;
        for (size_t i = 0; n == 0 && i < memory->part_count; i++)
            n = read_part(&memory->parts[i], address + done, (char *)buffer + done, size - done);
        if (n == 0)
            break;
        done += n;
    }
    return done;
}

bool core_read(struct core *core, uint64_t address, void *buffer, size_t size)
{
    return core_read_some(core, address, buffer, size) == size;
}

bool core_read_word(struct core *core, uint64_t address, uint64_t *ret)
{
    uint8_t bytes[8];
    size_t size = core->is_64_bit ? 8 : 4;
    if (!core_read(core, address, bytes, size))
        return false;
    *ret = core_number(core, bytes, size);
    return true;
}

bool core_read_text(struct core *core, uint64_t address, char *ret, size_t size)
{
    size_t n = core_read_some(core, address, ret, size - 1);
    ret[n] = '\0';
    return n > 0 && (strlen(ret) < n || n == size - 1);
}

/* Content first; what only the rescue core knows is looked up there. */
const struct core_segment *core_segment_at(const struct core *core, uint64_t address)
{
    for (size_t i = 0; i < core->memory->part_count; i++) {
        const struct part *part = &core->memory->parts[i];
        size_t next = find_segment(part, address);
        if (next > 0 && address < part->segments[next - 1].end)
            return &part->segments[next - 1];
    }
    return NULL;
}

const struct core_segment *core_segment_after(const struct core *core, uint64_t address)
{
    const struct part *part = &core->memory->parts[0];
    size_t next = find_segment(part, address);
    return next < part->count ? &part->segments[next] : NULL;
}

const struct core_segment *core_segment_before(const struct core *core, uint64_t address)
{
    const struct part *part = &core->memory->parts[0];
    size_t next = find_segment(part, address);
    while (next > 0 && part->segments[next - 1].end > address)
        next--;
    return next > 0 ? &part->segments[next - 1] : NULL;
}

const struct core_mapping *core_mapping_at(const struct core *core, uint64_t address)
{
    size_t low = 0, high = core->mapping_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (core->mappings[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < core->mappings[low - 1].end ? &core->mappings[low - 1] : NULL;
}

/* Where the fields of a program header are: 32-bit ones lie in another order. */
struct header_layout {
    uint8_t header_size, phoff, shoff, phentsize, phnum;
    uint8_t program_size, offset, vaddr, filesz, memsz, flags;
    uint8_t section_size, info;
};

#define LAYOUT(bits)                                                                               \
    {                                                                                              \
        sizeof(Elf##bits##_Ehdr), offsetof(Elf##bits##_Ehdr, e_phoff),                             \
            offsetof(Elf##bits##_Ehdr, e_shoff), offsetof(Elf##bits##_Ehdr, e_phentsize),          \
            offsetof(Elf##bits##_Ehdr, e_phnum), sizeof(Elf##bits##_Phdr),                         \
            offsetof(Elf##bits##_Phdr, p_offset), offsetof(Elf##bits##_Phdr, p_vaddr),             \
            offsetof(Elf##bits##_Phdr, p_filesz), offsetof(Elf##bits##_Phdr, p_memsz),             \
            offsetof(Elf##bits##_Phdr, p_flags), sizeof(Elf##bits##_Shdr),                         \
            offsetof(Elf##bits##_Shdr, sh_info)                                                    \
    }

static const struct header_layout layouts[] = {LAYOUT(32), LAYOUT(64)};

/* How many program headers there are. Beyond 65534 the first section header tells, which the kernel
 * writes at the very end; where that is cut off, the notes, which follow the headers, tell. */
static uint64_t count_headers(struct core *core, struct image *image,
                              const struct header_layout *layout, const uint8_t *header)
{
    size_t word = core->is_64_bit ? 8 : 4;
    uint64_t count = core_number(core, header + layout->phnum, 2);
    if (count != PN_XNUM)
        return count;
    uint8_t buffer[sizeof(Elf64_Shdr)];
    uint64_t sections = core_number(core, header + layout->shoff, word);
    if (image_read(image, sections, buffer, layout->section_size))
        return core_number(core, buffer + layout->info, 4);
    uint64_t start = core_number(core, header + layout->phoff, word);
    if (!image_read(image, start, buffer, layout->program_size) ||
        core_number(core, buffer, 4) != PT_NOTE)
        return count;
    uint64_t notes = core_number(core, buffer + layout->offset, word);
    return notes > start ? (notes - start) / layout->program_size : 0;
}

static int compare_segments(const void *a, const void *b)
{
    const struct core_segment *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static int check_header(struct core *core, const uint8_t *header, bool first, struct error *error)
{
    bool is_64_bit = header[EI_CLASS] == ELFCLASS64;
    bool big = header[EI_DATA] == ELFDATA2MSB;
    if (memcmp(header, ELFMAG, SELFMAG) != 0)
        return error_set(error, EBADMSG, "this is no ELF file");
    if (!first && core->is_64_bit != is_64_bit)
        return error_set(error, EBADMSG, "the rescue core is of another kind");
    core->is_64_bit = is_64_bit;
    core->swapped = big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    if (core_number(core, header + offsetof(Elf64_Ehdr, e_type), 2) != ET_CORE)
        return error_set(error, EBADMSG, "this ELF file is no core");
    core->machine = (uint16_t)core_number(core, header + offsetof(Elf64_Ehdr, e_machine), 2);
    core->arch = arch_find(core->machine, is_64_bit);
    return 0;
}

/* Adds a PT_LOAD. What would end behind the address space or the file is cut. */
static void add_segment(struct core *core, struct part *part, const struct header_layout *layout,
                        const uint8_t *header)
{
    size_t word = core->is_64_bit ? 8 : 4;
    struct core_segment segment = {
        .start = core_number(core, header + layout->vaddr, word),
        .offset = core_number(core, header + layout->offset, word),
        .file_size = core_number(core, header + layout->filesz, word),
        .flags = (uint32_t)core_number(core, header + layout->flags, 4),
    };
    uint64_t size = core_number(core, header + layout->memsz, word);
    if (size > UINT64_MAX - segment.start)
        size = UINT64_MAX - segment.start;
    segment.end = segment.start + size;
    if (segment.file_size > size)
        segment.file_size = size;
    uint64_t there = image_size(part->image);
    there = segment.offset < there ? there - segment.offset : 0;
    if (segment.file_size > there) {
        core->truncated = true;
        segment.file_size = there;
    }
    if (size > 0)
        part->segments[part->count++] = segment;
}

/* Reads headers and notes of one image. */
static int read_part_headers(struct core *core, struct part *part, size_t max_threads,
                             struct error *error)
{
    uint8_t header[sizeof(Elf64_Ehdr)] = {0};
    bool first = part == core->memory->parts;
    if (image_read_some(part->image, 0, header, sizeof(header)) < sizeof(Elf32_Ehdr))
        return error_set(error, EBADMSG, "the core is too short");
    int r = check_header(core, header, first, error);
    if (r < 0)
        return r;
    const struct header_layout *layout = &layouts[core->is_64_bit];
    uint64_t start = core_number(core, header + layout->phoff, core->is_64_bit ? 8 : 4);
    uint64_t count = count_headers(core, part->image, layout, header);
    uint64_t room = image_size(part->image) > start
                        ? (image_size(part->image) - start) / layout->program_size
                        : 0;
    if (count > room) {
        core->truncated = true;
        count = room;
    }
    if (count > MAX_SEGMENTS) {
        core_problem(core, "%llu segments: only %d are read", (unsigned long long)count,
                     MAX_SEGMENTS);
        count = MAX_SEGMENTS;
    }
    part->segments = calloc(count + 1, sizeof(*part->segments));
    if (!part->segments)
        return error_set(error, ENOMEM, "no memory for %llu segments", (unsigned long long)count);
    unsigned note_segments = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t program[sizeof(Elf64_Phdr)];
        if (!image_read(part->image, start + i * layout->program_size, program,
                        layout->program_size))
            break;
        uint32_t type = (uint32_t)core_number(core, program, 4);
        if (type == PT_LOAD)
            add_segment(core, part, layout, program);
        size_t word = core->is_64_bit ? 8 : 4;
        if (type == PT_NOTE && note_segments++ < MAX_NOTE_SEGMENTS &&
            !notes_read(core, part->image, core_number(core, program + layout->offset, word),
                        core_number(core, program + layout->filesz, word), max_threads))
            core->truncated = core->notes_cut = true;
    }
    qsort(part->segments, part->count, sizeof(*part->segments), compare_segments);
    return 0;
}

/* The images of a record: its content, its rescue core, or both. */
static int open_record(struct core *core, int fd, struct error *error)
{
    struct core_memory *memory = core->memory;
    int r = record_open(fd, &memory->record, error);
    if (r < 0)
        return r;
    core->metadata = record_metadata(memory->record);
    enum record_state state = record_state(memory->record);
    if (record_content_size(memory->record) > 0) {
        memory->parts[memory->part_count].image = image_of_record(memory->record);
        memory->part_count++;
    }
    struct error ignored = {0};
    if (state != RECORD_FULL && record_rescue(memory->record, &memory->rescue, &ignored) == 0 &&
        memory->rescue.size) {
        memory->parts[memory->part_count].image =
            image_of_memory(memory->rescue.data, memory->rescue.size);
        memory->part_count++;
    }
    if (memory->part_count == 0)
        return error_set(error, ENODATA, "the record holds no core (state %s)",
                         record_state_name(state));
    if (state == RECORD_TRUNCATED || state == RECORD_CAPTURING)
        core->truncated = true;
    return 0;
}

static int open_images(struct core *core, int fd, struct error *error)
{
    struct core_memory *memory = core->memory;
    struct stat status;
    uint8_t magic[SELFMAG];
    struct image *probe = NULL;
    if (fstat(fd, &status) < 0)
        return error_errno(error, errno, "cannot look at the core");
    uint64_t size = status.st_size > 0 ? (uint64_t)status.st_size : 0;
    probe = image_of_file(fd, size);
    if (!probe)
        return error_set(error, ENOMEM, "no memory");
    if (image_read(probe, 0, magic, SELFMAG) && memcmp(magic, ELFMAG, SELFMAG) == 0) {
        memory->parts[0].image = probe;
        memory->part_count = 1;
        return 0;
    }
    image_free(probe);
    int r = open_record(core, fd, error);
    for (size_t i = 0; r == 0 && i < memory->part_count; i++)
        if (!memory->parts[i].image)
            r = error_set(error, ENOMEM, "no memory");
    return r;
}

static int read_all_headers(struct core *core, size_t max_threads, struct error *error)
{
    struct core_memory *memory = core->memory;
    int result = 0;
    size_t good = 0;
    for (size_t i = 0; i < memory->part_count; i++) {
        struct part *part = &memory->parts[i];
        if (core->notes_cut) /* the rescue core has them all */
            notes_free(core);
        int r = read_part_headers(core, part, max_threads, error);
        if (r < 0) {
            result = r;
            core_problem(core, "%s: %s", part->image && i ? "rescue core" : "core",
                         error ? error->text : "unreadable");
            free(part->segments);
            part->segments = NULL;
            part->count = 0;
        } else {
            good++;
        }
    }
    return good ? 0 : result;
}

int core_open(int fd, size_t max_threads, struct core **ret, struct error *error)
{
    AUTO_CORE struct core *core = calloc(1, sizeof(*core));
    if (!core || !(core->memory = calloc(1, sizeof(*core->memory))))
        return error_set(error, ENOMEM, "no memory");
    int r = open_images(core, fd, error);
    if (r < 0)
        return r;
    r = read_all_headers(core, max_threads, error);
    if (r < 0)
        return r;
    if (core->truncated)
        core_problem(core, "the core is truncated");
    if (core->thread_count == 0)
        core_problem(core, "the core has no threads");
    *ret = steal_pointer(&core);
    return 0;
}

void core_thread_registers(const struct core *core, const struct core_thread *thread,
                           struct registers *ret)
{
    *ret = (struct registers){0};
    if (core->arch && thread->general)
        registers_load(core->arch, core->swapped, &core->arch->general, thread->general,
                       thread->general_size, ret);
}

void core_free(struct core *core)
{
    if (!core)
        return;
    if (core->memory) {
        for (size_t i = 0; i < core->memory->part_count; i++) {
            image_free(core->memory->parts[i].image);
            free(core->memory->parts[i].segments);
        }
        record_free(core->memory->record);
        bytes_free(&core->memory->rescue);
        free(core->memory);
    }
    notes_free(core);
    bytes_free(&core->problems);
    free(core);
}
