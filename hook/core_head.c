/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_head.c - the front of a core that we lay out ourselves. */
#include "hook/core_head.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cleanup.h"

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static int append_elf_header(const struct plan *plan, size_t segments, uint64_t tail_offset,
                             struct bytes *ret)
{
    Elf64_Ehdr wide = plan->header;
    bool is_extended = segments >= PN_XNUM;

    wide.e_phoff = plan_is_64(plan) ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    wide.e_phnum = is_extended ? PN_XNUM : (uint16_t)segments;
    wide.e_shoff = is_extended ? tail_offset : 0;
    wide.e_shnum = is_extended ? 1 : 0;
    wide.e_shentsize =
        is_extended ? (plan_is_64(plan) ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) : 0;
    wide.e_shstrndx = SHN_UNDEF;
    if (plan_is_64(plan))
        return bytes_append(ret, &wide, sizeof wide);

    Elf32_Ehdr narrow = {
        .e_type = wide.e_type,
        .e_machine = wide.e_machine,
        .e_version = wide.e_version,
        .e_phoff = (uint32_t)wide.e_phoff,
        .e_shoff = (uint32_t)wide.e_shoff,
        .e_flags = wide.e_flags,
        .e_ehsize = wide.e_ehsize,
        .e_phentsize = wide.e_phentsize,
        .e_phnum = wide.e_phnum,
        .e_shentsize = wide.e_shentsize,
        .e_shnum = wide.e_shnum,
    };
    memcpy(narrow.e_ident, wide.e_ident, EI_NIDENT);
    return bytes_append(ret, &narrow, sizeof narrow);
}

static int append_program_header(const struct plan *plan, const Elf64_Phdr *wide, struct bytes *ret)
{
    if (plan_is_64(plan))
        return bytes_append(ret, wide, sizeof *wide);

    Elf32_Phdr narrow = {
        .p_type = wide->p_type,
        .p_offset = (uint32_t)wide->p_offset,
        .p_vaddr = (uint32_t)wide->p_vaddr,
        .p_paddr = (uint32_t)wide->p_paddr,
        .p_filesz = (uint32_t)wide->p_filesz,
        .p_memsz = (uint32_t)wide->p_memsz,
        .p_flags = wide->p_flags,
        .p_align = (uint32_t)wide->p_align,
    };
    return bytes_append(ret, &narrow, sizeof narrow);
}

/* Sets p_offset of all loads, from `offset` on; returns where the last one's bytes end. */
static uint64_t place_loads(Elf64_Phdr *loads, size_t count, uint64_t offset)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < count; i++) {
        loads[i].p_offset = round_up(offset, page);
        if (loads[i].p_filesz > 0)
            offset = loads[i].p_offset + loads[i].p_filesz;
    }
    return offset;
}

static int append_front(const struct plan *plan, const Elf64_Phdr *loads, size_t count,
                        uint64_t notes_offset, uint64_t tail_offset, struct bytes *ret)
{
    const Elf64_Phdr notes = {
        .p_type = PT_NOTE,
        .p_offset = notes_offset,
        .p_filesz = plan->notes_size,
        .p_align = 4,
    };
    int r = append_elf_header(plan, count + 1, tail_offset, ret);
    if (r >= 0)
        r = append_program_header(plan, &notes, ret);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = append_program_header(plan, &loads[i], ret);
    if (r >= 0)
        r = bytes_append(ret, plan->head.data + plan->notes_offset, (size_t)plan->notes_size);
    return r;
}

int core_head_write(const struct plan *plan, Elf64_Phdr *loads, size_t count, struct core_head *ret,
                    struct error *error)
{
    bool is_64 = plan_is_64(plan), is_extended = count + 1 >= PN_XNUM;
    uint64_t notes_offset = is_64 ? sizeof(Elf64_Ehdr) + (count + 1) * sizeof(Elf64_Phdr)
                                  : sizeof(Elf32_Ehdr) + (count + 1) * sizeof(Elf32_Phdr);

    ret->size = place_loads(loads, count, notes_offset + plan->notes_size);
    ret->tail_offset = is_extended ? round_up(ret->size, sizeof(uint64_t)) : ret->size;
    if (!is_64 && ret->tail_offset > UINT32_MAX)
        return error_set(error, EFBIG, "a 32-bit core cannot be that large");
    int r = append_front(plan, loads, count, notes_offset, ret->tail_offset, &ret->head);
    if (r >= 0)
        r = plan_append_section_header(plan, count + 1, &ret->tail);
    if (r < 0)
        return error_set(error, -r, "no memory for %zu program headers", count + 1);
    ret->size = ret->tail_offset + ret->tail.size;
    return 0;
}

void core_head_free(struct core_head *head)
{
    bytes_free(&head->head);
    bytes_free(&head->tail);
    *head = (struct core_head){0};
}
