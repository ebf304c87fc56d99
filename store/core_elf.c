/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_elf.c - the headers of a core: of either class, in either byte order. */
#include "store/core_elf.h"

#include <byteswap.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { NATIVE_DATA = ELFDATA2LSB };
#else
enum { NATIVE_DATA = ELFDATA2MSB };
#endif

uint64_t core_elf_number(const struct core_elf *elf, const void *p, size_t size)
{
    uint16_t half;
    uint32_t word;
    uint64_t xword;

    switch (size) {
    case sizeof half:
        memcpy(&half, p, sizeof half);
        return elf->swapped ? bswap_16(half) : half;
    case sizeof word:
        memcpy(&word, p, sizeof word);
        return elf->swapped ? bswap_32(word) : word;
    default:
        memcpy(&xword, p, sizeof xword);
        return elf->swapped ? bswap_64(xword) : xword;
    }
}

static void put_number(const struct core_elf *elf, void *p, size_t size, uint64_t value)
{
    uint16_t half = elf->swapped ? bswap_16((uint16_t)value) : (uint16_t)value;
    uint32_t word = elf->swapped ? bswap_32((uint32_t)value) : (uint32_t)value;
    uint64_t xword = elf->swapped ? bswap_64(value) : value;

    memcpy(p,
           size == sizeof half   ? (void *)&half
           : size == sizeof word ? (void *)&word
                                 : &xword,
           size);
}

/* A field of an ELF structure whose two classes differ in layout alone. */
#define GET(elf, base, type, field)                                                                \
    ((elf)->wide ? core_elf_number((elf), (const char *)(base) + offsetof(Elf64_##type, field),    \
                                   sizeof((Elf64_##type){0}.field))                                \
                 : core_elf_number((elf), (const char *)(base) + offsetof(Elf32_##type, field),    \
                                   sizeof((Elf32_##type){0}.field)))
#define PUT(elf, base, type, field, value)                                                         \
    ((elf)->wide ? put_number((elf), (char *)(base) + offsetof(Elf64_##type, field),               \
                              sizeof((Elf64_##type){0}.field), (value))                            \
                 : put_number((elf), (char *)(base) + offsetof(Elf32_##type, field),               \
                              sizeof((Elf32_##type){0}.field), (value)))

static int read_header(struct core_elf *elf)
{
    const unsigned char *ident = elf->data;

    if (elf->size < sizeof(Elf64_Ehdr) || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return -EBADMSG;
    if ((ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32) ||
        (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB))
        return -EBADMSG;
    elf->wide = ident[EI_CLASS] == ELFCLASS64;
    elf->swapped = ident[EI_DATA] != NATIVE_DATA;
    elf->ehsize = elf->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    elf->phentsize = elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    elf->machine = (uint16_t)GET(elf, ident, Ehdr, e_machine);
    elf->phoff = GET(elf, ident, Ehdr, e_phoff);
    elf->phnum = GET(elf, ident, Ehdr, e_phnum);
    if (GET(elf, ident, Ehdr, e_type) != ET_CORE ||
        GET(elf, ident, Ehdr, e_phentsize) != elf->phentsize || elf->phnum == 0)
        return -EBADMSG;
    return 0;
}

static size_t shentsize(const struct core_elf *elf)
{
    return elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

/* Above 65,534 segments the true number stands in a section header at the core's end, which may be
 * out of sight; the kernel puts the notes right behind the program headers, so their offset tells
 * it too. */
static int resolve_count(struct core_elf *elf)
{
    struct core_segment first;

    if (elf->phnum != PN_XNUM)
        return 0;
    uint64_t shoff = GET(elf, elf->data, Ehdr, e_shoff);
    if (shoff > 0 && shoff <= elf->size && elf->size - shoff >= shentsize(elf)) {
        elf->phnum = GET(elf, elf->data + shoff, Shdr, sh_info);
        return 0;
    }
    if (elf->phoff > elf->size || elf->size - elf->phoff < elf->phentsize)
        return -ENODATA;
    core_elf_segment(elf, 0, &first);
    if (first.type != PT_NOTE || first.offset < elf->phoff)
        return -EBADMSG;
    elf->phnum = (first.offset - elf->phoff) / elf->phentsize;
    return 0;
}

int core_elf_open(const void *data, size_t size, struct core_elf *ret)
{
    struct core_elf elf = {.data = data, .size = size};

    int r = read_header(&elf);
    if (r == 0)
        r = resolve_count(&elf);
    if (r == 0)
        *ret = elf;
    return r;
}

bool core_elf_has_segments(const struct core_elf *elf)
{
    return elf->phoff <= elf->size && (elf->size - elf->phoff) / elf->phentsize >= elf->phnum;
}

void core_elf_segment(const struct core_elf *elf, uint64_t index, struct core_segment *ret)
{
    const unsigned char *p = elf->data + elf->phoff + index * elf->phentsize;

    *ret = (struct core_segment){
        .type = (uint32_t)GET(elf, p, Phdr, p_type),
        .flags = (uint32_t)GET(elf, p, Phdr, p_flags),
        .offset = GET(elf, p, Phdr, p_offset),
        .vaddr = GET(elf, p, Phdr, p_vaddr),
        .filesz = GET(elf, p, Phdr, p_filesz),
        .memsz = GET(elf, p, Phdr, p_memsz),
        .align = GET(elf, p, Phdr, p_align),
    };
}

int core_elf_put_segment(const struct core_elf *elf, const struct core_segment *segment,
                         struct bytes *ret)
{
    unsigned char phdr[sizeof(Elf64_Phdr)] = {0};

    PUT(elf, phdr, Phdr, p_type, segment->type);
    PUT(elf, phdr, Phdr, p_flags, segment->flags);
    PUT(elf, phdr, Phdr, p_offset, segment->offset);
    PUT(elf, phdr, Phdr, p_vaddr, segment->vaddr);
    PUT(elf, phdr, Phdr, p_filesz, segment->filesz);
    PUT(elf, phdr, Phdr, p_memsz, segment->memsz);
    PUT(elf, phdr, Phdr, p_align, segment->align);
    return bytes_append(ret, phdr, elf->phentsize);
}

void core_elf_put_header(const struct core_elf *elf, uint64_t phoff, uint64_t phnum, void *ret)
{
    bool extended = phnum >= PN_XNUM;

    memcpy(ret, elf->data, elf->ehsize);
    PUT(elf, ret, Ehdr, e_phoff, phoff);
    PUT(elf, ret, Ehdr, e_phnum, extended ? PN_XNUM : phnum);
    PUT(elf, ret, Ehdr, e_shoff, extended ? phoff + phnum * elf->phentsize : 0);
    PUT(elf, ret, Ehdr, e_shnum, extended);
    PUT(elf, ret, Ehdr, e_shentsize, extended ? shentsize(elf) : 0);
    PUT(elf, ret, Ehdr, e_shstrndx, SHN_UNDEF);
}

int core_elf_put_count(const struct core_elf *elf, uint64_t phnum, struct bytes *ret)
{
    unsigned char shdr[sizeof(Elf64_Shdr)] = {0};

    if (phnum < PN_XNUM)
        return 0;
    PUT(elf, shdr, Shdr, sh_info, phnum);
    PUT(elf, shdr, Shdr, sh_size, 1); /* e_shnum, as the kernel writes it */
    return bytes_append(ret, shdr, shentsize(elf));
}

/* Notes of cores are aligned to 4 bytes in both classes. */
static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

bool core_elf_note(const struct core_elf *elf, const void *notes, size_t size, size_t *offset,
                   struct core_note *ret)
{
    const unsigned char *p = (const unsigned char *)notes + *offset;
    size_t left = *offset <= size ? size - *offset : 0;

    if (left < sizeof(Elf64_Nhdr))
        return false;
    size_t name_size = core_elf_number(elf, p, 4);
    size_t desc_size = core_elf_number(elf, p + 4, 4);
    left -= sizeof(Elf64_Nhdr);
    if (padded(name_size) > left || desc_size > left - padded(name_size))
        return false;
    *ret = (struct core_note){
        .type = (uint32_t)core_elf_number(elf, p + 8, 4),
        .name = (const char *)p + sizeof(Elf64_Nhdr),
        .name_size = name_size,
        .desc = p + sizeof(Elf64_Nhdr) + padded(name_size),
        .desc_size = desc_size,
    };
    *offset += sizeof(Elf64_Nhdr) + padded(name_size) + padded(desc_size);
    return true;
}
