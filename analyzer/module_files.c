/* SPDX-License-Identifier: GPL-2.0-or-later */
/* module_files.c - opens the files of a module, each only if it is the very one. */
#include "analyzer/module_files.h"

#include <elfutils/libdwelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/io.h"

enum {
    MAX_CANDIDATES = 96,
    MAX_COPY = 256 * 1024 * 1024, /* bytes of a module that are taken out of the core */
};

Elf_Scn *elf_section(Elf *elf, const char *name)
{
    size_t names;
    if (!elf || elf_getshdrstrndx(elf, &names) < 0)
        return NULL;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *found;
        if (gelf_getshdr(section, &header) && header.sh_type != SHT_NOBITS && header.sh_size > 0 &&
            (found = elf_strptr(elf, names, header.sh_name)) && strcmp(found, name) == 0)
            return section;
    }
    return NULL;
}

bool elf_has_debug_info(Elf *elf)
{
    return elf_section(elf, ".debug_info") || elf_section(elf, ".zdebug_info");
}

static bool same_build_id(const struct module *module, Elf *elf, bool *ret_has)
{
    const void *id;
    ssize_t size = dwelf_elf_gnu_build_id(elf, &id);
    *ret_has = size > 0;
    return size > 0 && (size_t)size == module->build_id_size &&
           memcmp(id, module->build_id, (size_t)size) == 0;
}

static bool same_machine(const struct core *core, Elf *elf)
{
    GElf_Ehdr header;
    return elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
           header.e_machine == core->machine &&
           (header.e_ident[EI_CLASS] == ELFCLASS64) == core->is_64_bit;
}

/* Without a build-id in the core: the file's headers are those in memory, byte for byte. */
static bool same_header(struct core *core, const struct module *module, Elf *elf)
{
    enum { HEADERS = 512 }; /* the ELF header and the first program headers */
    char in_core[HEADERS];
    size_t size = 0;
    const char *file = elf_rawfile(elf, &size);
    size_t n = core_read_some(core, module->start, in_core, sizeof(in_core));
    return file && n <= size && n >= EI_NIDENT && memcmp(file, in_core, n) == 0;
}

/* Is this file what was mapped? Sets whether that is proven. */
static bool accept(const struct modules *modules, const struct module *module, Elf *elf,
                   bool *ret_verified)
{
    bool has_id = false;
    if (!same_machine(modules->core, elf))
        return false;
    bool same = same_build_id(module, elf, &has_id);
    *ret_verified = same;
    if (module->build_id_size)
        return same;
    if (module->has_header) /* which shows no build-id: then the file has none */
        return !has_id && same_header(modules->core, module, elf);
    return !strstr(module->path, " (deleted)");
}

/* Without a header in the core the file tells where its segments are: the difference between memory
 * and file from the one that lies at the mapping's offset, and the end, up to the next module. */
static void place(const struct modules *modules, struct module *module)
{
    size_t count = 0;
    bool placed = false;
    if (module->has_header || elf_getphdrnum(module->elf, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr program;
        if (!gelf_getphdr(module->elf, (int)i, &program) || program.p_type != PT_LOAD)
            continue;
        if (!placed && (program.p_offset & ~0xfffull) == module->file_offset) {
            module->bias = module->start - (program.p_vaddr & ~0xfffull);
            placed = true;
        }
        uint64_t end = module->bias + program.p_vaddr + program.p_memsz;
        bool is_last = module + 1 == modules->items + modules->count;
        if (placed && end > module->end && (is_last || end <= module[1].start))
            module->end = end;
    }
}

static void keep_fd(struct module *module, int fd)
{
    if (module->fd_count < ARRAY_SIZE(module->fds))
        module->fds[module->fd_count++] = fd;
    else
        close(fd);
}

static void open_from_broker(const struct modules *modules, struct module *module)
{
    const struct file_wanted wanted = {
        .kind = REQUEST_MODULE,
        .is_main = module->is_main,
        .build_id = module->build_id,
        .build_id_size = module->build_id_size,
        .path = module->path,
    };
    unsigned attempt = 0;
    while (!module->elf && attempt < MAX_CANDIDATES) {
        AUTO_FD int fd = files_find(modules->files, &wanted, &attempt, NULL);
        if (fd < 0)
            return;
        Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
        if (elf && accept(modules, module, elf, &module->verified)) {
            module->elf = elf;
            module->refused = false;
            keep_fd(module, steal_fd(&fd));
        } else {
            module->refused = true;
            elf_end(elf);
        }
    }
}

/* The image of the vdso, which is in memory as it would be in a file. */
static void copy_vdso(const struct modules *modules, struct module *module)
{
    size_t size = (size_t)(module->end - module->start);
    if (size > MAX_COPY || !(module->copy = calloc(1, size)))
        return;
    size_t n = core_read_some(modules->core, module->start, module->copy, size);
    if (n >= sizeof(Elf32_Ehdr))
        module->elf = elf_memory(module->copy, n);
    module->verified = module->elf != NULL;
}

/* A file that is gone, as far as its segments were dumped: enough for .eh_frame and for looking at
 * code. All of each read-only segment must be there. */
static void copy_segments(const struct modules *modules, struct module *module)
{
    struct core *core = modules->core;
    char page[4096];
    size_t first = core_read_some(core, module->start, page, sizeof(page));
    if (!module->has_header)
        return;
    Elf *outline = elf_memory(page, first);
    size_t count = 0, size = 0;
    GElf_Phdr programs[64];
    if (!outline || elf_getphdrnum(outline, &count) < 0 || count > ARRAY_SIZE(programs))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(outline, (int)i, &programs[i]))
            programs[i].p_type = PT_NULL;
        const GElf_Phdr *program = &programs[i];
        if (program->p_type == PT_LOAD && !(program->p_flags & PF_W) &&
            program->p_offset < MAX_COPY && program->p_filesz < MAX_COPY &&
            program->p_offset + program->p_filesz > size)
            size = program->p_offset + program->p_filesz;
    }
    elf_end(outline);
    if (size == 0 || size < first || !(module->copy = calloc(1, size)))
        return;
    bool whole = count > 0;
    for (size_t i = 0; i < count && whole; i++) {
        const GElf_Phdr *program = &programs[i];
        if (program->p_type == PT_LOAD && !(program->p_flags & PF_W))
            whole = program->p_offset + program->p_filesz <= size &&
                    core_read(core, module->bias + program->p_vaddr,
                              (char *)module->copy + program->p_offset, program->p_filesz);
    }
    if (!whole)
        return;
    Elf64_Ehdr *copy64 = module->copy;
    Elf32_Ehdr *copy32 = module->copy;
    if (core->is_64_bit) { /* section headers are not loaded */
        copy64->e_shoff = 0;
        copy64->e_shnum = copy64->e_shstrndx = 0;
    } else {
        copy32->e_shoff = 0;
        copy32->e_shnum = copy32->e_shstrndx = 0;
    }
    module->elf = elf_memory(module->copy, size);
    module->verified = module->elf != NULL;
}

void module_open(const struct modules *modules, struct module *module)
{
    if (module->opened)
        return;
    module->opened = true;
    if (module->is_vdso)
        copy_vdso(modules, module);
    else if (modules->effort < EFFORT_CORE)
        open_from_broker(modules, module);
    if (!module->elf && !module->is_vdso && modules->effort < EFFORT_CORE)
        copy_segments(modules, module);
    if (!module->elf)
        return;
    place(modules, module);
    module->eh_cfi = dwarf_getcfi_elf(module->elf);
}

static void open_separate_debug(const struct modules *modules, struct module *module)
{
    GElf_Word checksum;
    struct file_wanted wanted = {
        .kind = REQUEST_DEBUG,
        .build_id = module->build_id,
        .build_id_size = module->build_id_size,
        .path = module->path,
        .name = module->elf ? dwelf_elf_gnu_debuglink(module->elf, &checksum) : NULL,
    };
    unsigned attempt = 0;
    while (!module->debug_elf && attempt < MAX_CANDIDATES) {
        AUTO_FD int fd = files_find(modules->files, &wanted, &attempt, NULL);
        if (fd < 0)
            return;
        Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
        bool has_id;
        if (elf && same_machine(modules->core, elf) &&
            (module->build_id_size ? same_build_id(module, elf, &has_id) : module->elf != NULL)) {
            module->debug_elf = elf;
            keep_fd(module, steal_fd(&fd));
        } else {
            elf_end(elf);
        }
    }
}

static Dwarf *begin_dwarf(Elf *elf, struct inflated *inflated)
{
    Elf *source = inflate_debug(elf, false, inflated) ? inflated->elf : elf;
    Dwarf *dwarf = dwarf_begin_elf(source, DWARF_C_READ, NULL);
    if (!dwarf)
        inflated_free(inflated);
    return dwarf;
}

/* dwz moves what several debug files share into one, which is named by a build-id. */
static void open_alternate(const struct modules *modules, struct module *module)
{
    const char *name = NULL;
    const void *id = NULL;
    ssize_t size = dwelf_dwarf_gnu_debugaltlink(module->dwarf, &name, &id);
    if (size <= 0)
        return;
    const struct file_wanted wanted = {
        .kind = REQUEST_ALTERNATE,
        .build_id = id,
        .build_id_size = (size_t)size,
        .path = module->path,
        .name = name,
    };
    unsigned attempt = 0;
    while (!module->alternate && attempt < MAX_CANDIDATES) {
        AUTO_FD int fd = files_find(modules->files, &wanted, &attempt, NULL);
        if (fd < 0)
            return;
        Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
        const void *found;
        if (elf && dwelf_elf_gnu_build_id(elf, &found) == size &&
            memcmp(found, id, (size_t)size) == 0)
            module->alternate = begin_dwarf(elf, &module->inflated[1]);
        if (module->alternate) {
            dwarf_setalt(module->dwarf, module->alternate);
            module->alternate_elf = elf;
            keep_fd(module, steal_fd(&fd));
        } else {
            elf_end(elf);
        }
    }
}

/* .gnu_debugdata is a whole ELF file with .symtab, compressed by xz. */
static void open_mini(struct module *module)
{
    Elf_Scn *section = elf_section(module->elf, ".gnu_debugdata");
    Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
    if (!data || !data->d_buf)
        return;
    if (inflate_xz(data->d_buf, data->d_size, &module->inflated[2]))
        module->mini_elf = module->inflated[2].elf;
}

void module_open_debug(const struct modules *modules, struct module *module)
{
    module_open(modules, module);
    if (module->debug_opened)
        return;
    module->debug_opened = true;
    if (module->is_vdso || modules->effort == EFFORT_CORE)
        return;
    bool own = module->elf && elf_has_debug_info(module->elf);
    if (!own && (module->build_id_size || module->elf))
        open_separate_debug(modules, module);
    Elf *source = own ? module->elf : module->debug_elf;
    if (source && modules->effort == EFFORT_FULL)
        module->dwarf = begin_dwarf(source, &module->inflated[0]);
    if (!module->dwarf && module->elf && modules->effort == EFFORT_FULL)
        module->dwarf = dwarf_begin_elf(module->elf, DWARF_C_READ, NULL); /* .debug_frame alone */
    if (module->dwarf) {
        open_alternate(modules, module);
        module->debug_cfi = dwarf_getcfi(module->dwarf);
    }
    if (!elf_section(module->elf, ".symtab") && !elf_section(module->debug_elf, ".symtab"))
        open_mini(module);
}

Dwarf *module_twin(struct module *module)
{
    Elf *elf = module->dwarf ? dwarf_getelf(module->dwarf) : NULL;
    Elf_Scn *section = elf_section(elf, ".debug_info");
    GElf_Shdr header;
    size_t size;
    if (module->twin || module->alternate || !section || !gelf_getshdr(section, &header) ||
        header.sh_flags & SHF_COMPRESSED)
        return module->twin;
    char *image = elf_rawfile(elf, &size); /* mapped once, and only read */
    module->twin_elf = image ? elf_memory(image, size) : NULL;
    if (module->twin_elf)
        module->twin = dwarf_begin_elf(module->twin_elf, DWARF_C_READ, NULL);
    return module->twin;
}

void module_close(struct module *module)
{
    if (module->eh_cfi)
        dwarf_cfi_end(module->eh_cfi);
    dwarf_end(module->twin);
    elf_end(module->twin_elf);
    dwarf_end(module->dwarf);
    dwarf_end(module->alternate);
    for (size_t i = 0; i < ARRAY_SIZE(module->inflated); i++)
        inflated_free(&module->inflated[i]);
    Elf *elves[] = {module->elf, module->debug_elf, module->alternate_elf};
    for (size_t i = 0; i < ARRAY_SIZE(elves); i++)
        elf_end(elves[i]);
    for (unsigned i = 0; i < module->fd_count; i++)
        close(module->fds[i]);
    free(module->copy);
}
