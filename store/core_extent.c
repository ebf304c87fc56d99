/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_extent.c - how long a core says it is. */
#include "store/core_extent.h"

#include <byteswap.h>
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { NATIVE_DATA = ELFDATA2LSB };
#else
enum { NATIVE_DATA = ELFDATA2MSB };
#endif

/* What of both classes' headers is needed, in native order. */
struct headers {
    uint64_t phoff;
    uint64_t phnum;
    size_t phentsize, ehsize;
    bool wide, swapped;
};

static uint64_t number(const struct headers *h, const void *p, size_t size)
{
    uint16_t half;
    uint32_t word;
    uint64_t xword;

    switch (size) {
    case sizeof half:
        memcpy(&half, p, sizeof half);
        return h->swapped ? bswap_16(half) : half;
    case sizeof word:
        memcpy(&word, p, sizeof word);
        return h->swapped ? bswap_32(word) : word;
    default:
        memcpy(&xword, p, sizeof xword);
        return h->swapped ? bswap_64(xword) : xword;
    }
}

/* A field of an ELF structure whose two classes differ in layout alone. */
#define FIELD(h, base, type, field)                                                                \
    ((h)->wide ? number(h, (const char *)(base) + offsetof(Elf64_##type, field),                   \
                        sizeof((Elf64_##type){0}.field))                                           \
               : number(h, (const char *)(base) + offsetof(Elf32_##type, field),                   \
                        sizeof((Elf32_##type){0}.field)))

static int read_header(const unsigned char *prefix, size_t size, struct headers *h)
{
    if (size < sizeof(Elf64_Ehdr) || memcmp(prefix, ELFMAG, SELFMAG) != 0)
        return -EBADMSG;
    if ((prefix[EI_CLASS] != ELFCLASS64 && prefix[EI_CLASS] != ELFCLASS32) ||
        (prefix[EI_DATA] != ELFDATA2LSB && prefix[EI_DATA] != ELFDATA2MSB))
        return -EBADMSG;
    h->wide = prefix[EI_CLASS] == ELFCLASS64;
    h->swapped = prefix[EI_DATA] != NATIVE_DATA;
    h->ehsize = h->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    h->phentsize = h->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    h->phoff = FIELD(h, prefix, Ehdr, e_phoff);
    h->phnum = FIELD(h, prefix, Ehdr, e_phnum);
    if (FIELD(h, prefix, Ehdr, e_type) != ET_CORE ||
        FIELD(h, prefix, Ehdr, e_phentsize) != h->phentsize || h->phnum == 0)
        return -EBADMSG;
    return 0;
}

/* Above 65,534 segments the true number stands in a section header at the core's end; the kernel
 * puts the notes right behind the program headers, so their offset tells it too. */
static int resolve_count(const unsigned char *prefix, size_t size, struct headers *h)
{
    if (h->phnum != PN_XNUM)
        return 0;
    if (h->phoff > size || size - h->phoff < h->phentsize)
        return -ENODATA;
    uint64_t notes = FIELD(h, prefix + h->phoff, Phdr, p_offset);
    if (FIELD(h, prefix + h->phoff, Phdr, p_type) != PT_NOTE || notes < h->phoff)
        return -EBADMSG;
    h->phnum = (notes - h->phoff) / h->phentsize;
    return 0;
}

int core_extent(const void *prefix, size_t size, uint64_t *ret)
{
    struct headers h;
    uint64_t extent = 0;

    int r = read_header(prefix, size, &h);
    if (r == 0)
        r = resolve_count(prefix, size, &h);
    if (r < 0)
        return r;
    if (h.phoff > size || (size - h.phoff) / h.phentsize < h.phnum)
        return -ENODATA;

    const char *phdr = (const char *)prefix + h.phoff;
    for (uint64_t i = 0; i < h.phnum; i++, phdr += h.phentsize) {
        uint64_t end;
        if (__builtin_add_overflow(FIELD(&h, phdr, Phdr, p_offset), FIELD(&h, phdr, Phdr, p_filesz),
                                   &end))
            return -EBADMSG;
        if (end > extent)
            extent = end;
    }
    *ret = extent;
    return 0;
}
