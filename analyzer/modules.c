/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modules.c - finds the executable and libraries of a crashed process in its core. */
#include "analyzer/modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/module_files.h"

enum {
    MAX_MODULES = 8192,
    MAX_PROGRAM_HEADERS = 256,
    MAX_NOTE = 64 * 1024,
    MAX_PATH = 4096,
    MAX_SPAN_GIB = 64, /* of one module's addresses */
};

/* What an ELF header in the core's memory tells. */
struct memory_header {
    uint64_t bias;
    uint64_t end;
    GElf_Phdr programs[MAX_PROGRAM_HEADERS];
    size_t count;
};

static uint64_t page_start(const struct core *core, uint64_t address)
{
    return address & ~((core->at_page_size ? core->at_page_size : 4096) - 1);
}

/* Program headers of either class as the core has them in memory. */
static size_t read_programs(struct core *core, uint64_t address, size_t count, GElf_Phdr *ret)
{
    size_t size = core->is_64_bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    for (size_t i = 0; i < count; i++) {
        uint8_t raw[sizeof(Elf64_Phdr)];
        if (!core_read(core, address + i * size, raw, size))
            return i;
#define FIELD(name)                                                                                \
    (core->is_64_bit                                                                               \
         ? core_number(core, raw + offsetof(Elf64_Phdr, name), sizeof(((Elf64_Phdr *)0)->name))    \
         : core_number(core, raw + offsetof(Elf32_Phdr, name), sizeof(((Elf32_Phdr *)0)->name)))
        ret[i] = (GElf_Phdr){
            .p_type = (uint32_t)FIELD(p_type),
            .p_flags = (uint32_t)FIELD(p_flags),
            .p_offset = FIELD(p_offset),
            .p_vaddr = FIELD(p_vaddr),
            .p_filesz = FIELD(p_filesz),
            .p_memsz = FIELD(p_memsz),
            .p_align = FIELD(p_align),
        };
#undef FIELD
    }
    return count;
}

/* Reads the ELF header at `start`; false where the core has none there. */
static bool read_header(struct core *core, uint64_t start, struct memory_header *ret)
{
    uint8_t raw[sizeof(Elf64_Ehdr)];
    size_t size = core->is_64_bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    if (!core_read(core, start, raw, size) || memcmp(raw, ELFMAG, SELFMAG) != 0)
        return false;
    size_t offset = core->is_64_bit ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff);
    size_t number = core->is_64_bit ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum);
    uint64_t table = core_number(core, raw + offset, core->is_64_bit ? 8 : 4);
    size_t count = core_number(core, raw + number, 2);
    if (count > MAX_PROGRAM_HEADERS)
        count = MAX_PROGRAM_HEADERS;
    ret->count = read_programs(core, start + table, count, ret->programs);
    ret->bias = start;
    ret->end = start;
    bool first = true;
    for (size_t i = 0; i < ret->count; i++) {
        const GElf_Phdr *program = &ret->programs[i];
        if (program->p_type != PT_LOAD)
            continue;
        if (first)
            ret->bias =
                start - page_start(core, program->p_vaddr) + page_start(core, program->p_offset);
        first = false;
        uint64_t end = ret->bias + program->p_vaddr + program->p_memsz;
        if (end > ret->end && end - start < (uint64_t)MAX_SPAN_GIB << 30)
            ret->end = end;
    }
    return true;
}

/* Looks for NT_GNU_BUILD_ID in one PT_NOTE in memory. */
static bool read_build_id(struct core *core, struct module *module, uint64_t address, uint64_t size,
                          uint64_t alignment)
{
    if (size > MAX_NOTE || size < 16)
        return false;
    AUTO_FREE uint8_t *notes = malloc(size);
    size = notes ? core_read_some(core, address, notes, size) : 0;
    uint64_t mask = alignment == 8 ? 7 : 3;
    for (uint64_t at = 0; at + 12 <= size;) {
        uint64_t name_size = core_number(core, notes + at, 4);
        uint64_t description_size = core_number(core, notes + at + 4, 4);
        uint64_t type = core_number(core, notes + at + 8, 4);
        uint64_t description = (at + 12 + name_size + mask) & ~mask;
        if (description > size || description_size > size - description)
            return false;
        if (type == NT_GNU_BUILD_ID && name_size == 4 && memcmp(notes + at + 12, "GNU", 4) == 0 &&
            description_size > 0 && description_size <= sizeof(module->build_id)) {
            memcpy(module->build_id, notes + description, description_size);
            module->build_id_size = description_size;
            return true;
        }
        at = (description + description_size + mask) & ~mask;
    }
    return false;
}

/* Fills in what the header in memory tells. */
static void examine(struct core *core, struct module *module)
{
    struct memory_header header;
    if (!read_header(core, module->start, &header))
        return;
    module->has_header = true;
    module->bias = header.bias;
    if (header.end > module->end)
        module->end = header.end;
    for (size_t i = 0; i < header.count && !module->build_id_size; i++)
        if (header.programs[i].p_type == PT_NOTE)
            read_build_id(core, module, header.bias + header.programs[i].p_vaddr,
                          header.programs[i].p_memsz, header.programs[i].p_align);
}

static struct module *add_module(struct modules *modules, const char *path, uint64_t start,
                                 uint64_t end)
{
    if (modules->count == MAX_MODULES)
        return NULL;
    if (modules->count % 64 == 0) {
        struct module *grown =
            realloc(modules->items, (modules->count + 64) * sizeof(*modules->items));
        if (!grown)
            return NULL;
        modules->items = grown;
    }
    struct module *module = &modules->items[modules->count];
    *module = (struct module){.path = strdup(path), .start = start, .end = end, .bias = start};
    if (!module->path)
        return NULL;
    modules->count++;
    examine(modules->core, module);
    return module;
}

/* gdb's cores leave out what can be read from files, as if nothing were there. */
static bool may_be_code(const struct core *core, uint64_t address)
{
    const struct core_segment *segment = core_segment_at(core, address);
    return !segment || segment->flags & PF_X;
}

/* Mappings of one file that follow each other in memory and in the file are a module, if any of
 * them may be executed. */
static void find_in_mappings(struct modules *modules)
{
    const struct core *core = modules->core;
    for (size_t i = 0, next; i < core->mapping_count; i = next) {
        const struct core_mapping *first = &core->mappings[i];
        bool executable = may_be_code(core, first->start);
        for (next = i + 1; next < core->mapping_count; next++) {
            const struct core_mapping *mapping = &core->mappings[next];
            if (strcmp(mapping->path, first->path) != 0 || mapping->offset == 0)
                break;
            executable = executable || may_be_code(core, mapping->start);
        }
        if (!executable)
            continue;
        struct module *module =
            add_module(modules, first->path, first->start, core->mappings[next - 1].end);
        if (module)
            module->file_offset = first->offset;
    }
}

/* Words of the dynamic section that ends at DT_NULL. */
static uint64_t dynamic_value(struct core *core, uint64_t address, int64_t tag)
{
    enum { MAX_ENTRIES = 1024 };
    size_t word = core->is_64_bit ? 8 : 4;
    for (size_t i = 0; i < MAX_ENTRIES; i++) {
        uint64_t found, value;
        if (!core_read_word(core, address + 2 * word * i, &found) || found == DT_NULL ||
            !core_read_word(core, address + 2 * word * i + word, &value))
            return 0;
        if ((int64_t)found == tag)
            return value;
    }
    return 0;
}

/* The executable by AT_PHDR, which its header stands close before. Returns its dynamic section. */
static uint64_t find_main(struct modules *modules)
{
    struct core *core = modules->core;
    GElf_Phdr programs[MAX_PROGRAM_HEADERS];
    if (!core->at_phdr || core->at_phnum > MAX_PROGRAM_HEADERS)
        return 0;
    struct module *module = modules_at(modules, core->at_phdr);
    uint64_t start = page_start(core, core->at_phdr);
    if (!module)
        module =
            add_module(modules, core->command[0] ? core->command : "[main]", start, start + 4096);
    size_t count = read_programs(core, core->at_phdr, core->at_phnum, programs);
    uint64_t bias = module ? module->bias : 0;
    for (size_t i = 0; i < count; i++) /* where the header itself is not in the core */
        if (programs[i].p_type == PT_PHDR)
            bias = core->at_phdr - programs[i].p_vaddr;
    for (size_t i = 0; i < count; i++)
        if (programs[i].p_type == PT_DYNAMIC)
            return bias + programs[i].p_vaddr;
    return 0;
}

/* struct link_map: l_addr, l_name, l_ld, l_next. The list may be cyclic: it is cut. */
static void find_in_link_map(struct modules *modules, uint64_t dynamic)
{
    struct core *core = modules->core;
    size_t word = core->is_64_bit ? 8 : 4;
    uint64_t debug = dynamic_value(core, dynamic, DT_DEBUG), map = 0;
    if (!debug || !core_read_word(core, debug + word, &map)) /* r_version, r_map */
        return;
    for (unsigned i = 0; map && i < MAX_MODULES; i++) {
        uint64_t address = 0, name = 0, next = 0;
        char path[MAX_PATH];
        if (!core_read_word(core, map, &address) || !core_read_word(core, map + word, &name) ||
            !core_read_word(core, map + 3 * word, &next))
            return;
        map = next;
        if (address && !modules_at(modules, address) && address != core->at_vdso &&
            core_read_text(core, name, path, sizeof(path)) && path[0])
            add_module(modules, path, address, address + 4096);
    }
}

static void find_vdso(struct modules *modules)
{
    struct core *core = modules->core;
    const struct core_segment *segment = core_segment_at(core, core->at_vdso);
    if (!core->at_vdso || !segment || modules_at(modules, core->at_vdso))
        return;
    struct module *module = add_module(modules, "[vdso]", core->at_vdso, segment->end);
    if (module)
        module->is_vdso = true;
}

static int compare_modules(const void *a, const void *b)
{
    const struct module *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void sort_modules(struct modules *modules)
{
    if (modules->count)
        qsort(modules->items, modules->count, sizeof(*modules->items), compare_modules);
    for (size_t i = 0; i + 1 < modules->count; i++) /* one module's claim ends at the next */
        if (modules->items[i].end > modules->items[i + 1].start)
            modules->items[i].end = modules->items[i + 1].start;
}

static void mark_main(struct modules *modules)
{
    const struct core *core = modules->core;
    struct module *module = modules_at(modules, core->at_phdr ? core->at_phdr : core->at_entry);
    if (!module && core->at_entry)
        module = modules_at(modules, core->at_entry);
    if (module && !module->is_vdso)
        module->is_main = true;
}

int modules_find(struct core *core, struct files *files, enum effort effort, struct modules *ret)
{
    struct modules modules = {.core = core, .files = files, .effort = effort};
    find_in_mappings(&modules);
    bool listed = modules.count > 0;
    sort_modules(&modules);
    uint64_t dynamic = find_main(&modules);
    sort_modules(&modules);
    if (!listed && dynamic)
        find_in_link_map(&modules, dynamic);
    sort_modules(&modules);
    find_vdso(&modules);
    sort_modules(&modules);
    mark_main(&modules);
    for (size_t i = 0; i < modules.count; i++) /* only their files know how far they reach */
        if (!modules.items[i].has_header)
            module_open(&modules, &modules.items[i]);
    if (modules.count == MAX_MODULES)
        core_problem(core, "more than %d modules: the others are left out", MAX_MODULES);
    *ret = modules;
    return 0;
}

void modules_free(struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        module_close(&modules->items[i]);
        free(modules->items[i].path);
        free(modules->items[i].package);
    }
    free(modules->items);
    *modules = (struct modules){0};
}

struct module *modules_at(const struct modules *modules, uint64_t address)
{
    size_t low = 0, high = modules->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (modules->items[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < modules->items[low - 1].end ? &modules->items[low - 1] : NULL;
}

struct module *modules_main(const struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++)
        if (modules->items[i].is_main)
            return &modules->items[i];
    return NULL;
}

bool modules_is_code(const struct modules *modules, uint64_t address)
{
    const struct core_segment *segment = core_segment_at(modules->core, address);
    if (segment)
        return segment->flags & PF_X;
    struct module *module = modules_at(modules, address);
    size_t count = 0;
    if (!module)
        return false;
    module_open(modules, module);
    if (!module->elf || elf_getphdrnum(module->elf, &count) < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr program;
        if (gelf_getphdr(module->elf, (int)i, &program) && program.p_type == PT_LOAD &&
            program.p_flags & PF_X && address - module->bias >= program.p_vaddr &&
            address - module->bias - program.p_vaddr < program.p_memsz)
            return true;
    }
    return false;
}

/* What the file holds for `address`, where it is mapped unchanged: not in writable segments. */
static size_t read_file(struct module *module, uint64_t address, void *buffer, size_t size)
{
    size_t file_size = 0, count = 0;
    const char *file = module->elf ? elf_rawfile(module->elf, &file_size) : NULL;
    if (!file || elf_getphdrnum(module->elf, &count) < 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr program;
        if (!gelf_getphdr(module->elf, (int)i, &program) || program.p_type != PT_LOAD ||
            program.p_flags & PF_W)
            continue;
        uint64_t into = address - module->bias - program.p_vaddr;
        if (address - module->bias < program.p_vaddr || into >= program.p_filesz)
            continue;
        if (size > program.p_filesz - into)
            size = program.p_filesz - into;
        if (program.p_offset + into > file_size || size > file_size - program.p_offset - into)
            return 0;
        memcpy(buffer, file + program.p_offset + into, size);
        return size;
    }
    return 0;
}

size_t modules_read(const struct modules *modules, uint64_t address, void *buffer, size_t size)
{
    size_t n = core_read_some(modules->core, address, buffer, size);
    if (n == size)
        return n;
    struct module *module = modules_at(modules, address);
    if (!module)
        return n;
    module_open(modules, module);
    size_t from_file = read_file(module, address, buffer, size);
    return from_file > n ? from_file : n;
}
