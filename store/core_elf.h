/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_elf.h - the headers of a core (elf.h): of either class, in either byte order.
 *
 * For hostile bytes: nothing is read outside what was given. Values are in native order and width.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/bytes.h"

struct core_elf {
    const unsigned char *data; /* the core's first bytes */
    size_t size;
    bool wide;    /* ELFCLASS64 */
    bool swapped; /* not the machine's byte order */
    uint16_t machine;
    uint64_t phoff, phnum;
    size_t phentsize, ehsize;
};

struct core_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, filesz, memsz, align;
};

/*
 * Reads the header of the core that begins with these bytes, which must outlive `ret`. -EBADMSG
 * where it is no ELF core, -ENODATA where more bytes are needed to tell the number of segments.
 */
int core_elf_open(const void *data, size_t size, struct core_elf *ret);

/* True where all program headers are within the bytes. */
bool core_elf_has_segments(const struct core_elf *elf);

/* The program header at `index`; only where core_elf_has_segments(). */
void core_elf_segment(const struct core_elf *elf, uint64_t index, struct core_segment *ret);

/* An unsigned number of 2, 4 or 8 bytes as this core writes them. */
uint64_t core_elf_number(const struct core_elf *elf, const void *p, size_t size);

/* Appends a program header as this core writes them. -ENOMEM. */
int core_elf_put_segment(const struct core_elf *elf, const struct core_segment *segment,
                         struct bytes *ret);

/*
 * Writes this core's ELF header to `ret` (core_elf.ehsize bytes; sizeof(Elf64_Ehdr) is room
 * enough), now with `phnum` program headers at `phoff`. Where that is too many for the header
 * (PN_XNUM), the section header of core_elf_put_count() must follow them.
 */
void core_elf_put_header(const struct core_elf *elf, uint64_t phoff, uint64_t phnum, void *ret);

/* Appends the section header that holds a number of segments beyond PN_XNUM; else nothing. */
int core_elf_put_count(const struct core_elf *elf, uint64_t phnum, struct bytes *ret);

/*
 * The next note of a note segment's bytes, from *offset on, which moves behind it. False at the
 * end, or where the rest is no whole note.
 */
struct core_note {
    uint32_t type;
    const char *name; /* not terminated */
    size_t name_size;
    const unsigned char *desc;
    size_t desc_size;
};
bool core_elf_note(const struct core_elf *elf, const void *notes, size_t size, size_t *offset,
                   struct core_note *ret);
