/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build_id.c - the build-id of an ELF file. */
#include "hook/build_id.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "store/base/io.h"

enum {
    SEGMENTS_MAX = 128,
    NOTES_MAX = 16 * 1024,
};

/* Finds NT_GNU_BUILD_ID among notes; both ELF classes have the same header for them. */
static size_t find_id(const unsigned char *notes, size_t size, unsigned char ret[BUILD_ID_MAX])
{
    Elf64_Nhdr header;

    for (size_t at = 0; size - at >= sizeof header;) {
        memcpy(&header, notes + at, sizeof header);
        at += sizeof header;
        uint64_t name = ((uint64_t)header.n_namesz + 3) & ~UINT64_C(3);
        uint64_t desc = ((uint64_t)header.n_descsz + 3) & ~UINT64_C(3);
        if (name > size - at || desc > size - at - name)
            return 0;
        if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
            memcmp(notes + at, "GNU", 4) == 0 && header.n_descsz > 0 &&
            header.n_descsz <= BUILD_ID_MAX) {
            memcpy(ret, notes + at + name, header.n_descsz);
            return header.n_descsz;
        }
        at += name + desc;
    }
    return 0;
}

static size_t read_notes(int fd, uint64_t offset, uint64_t size, unsigned char ret[BUILD_ID_MAX])
{
    unsigned char notes[NOTES_MAX];
    ssize_t n = offset > INT64_MAX - NOTES_MAX
                    ? -1
                    : io_pread(fd, notes, size < sizeof notes ? size : sizeof notes, offset);
    return n > 0 ? find_id(notes, (size_t)n, ret) : 0;
}

static size_t read_64(int fd, const Elf64_Ehdr *header, unsigned char ret[BUILD_ID_MAX])
{
    Elf64_Phdr segment;
    size_t found = 0;

    for (unsigned i = 0; i < header->e_phnum && i < SEGMENTS_MAX && found == 0; i++) {
        uint64_t at = header->e_phoff + i * sizeof segment;
        if (at > INT64_MAX || io_pread(fd, &segment, sizeof segment, at) != sizeof segment)
            return 0;
        if (segment.p_type == PT_NOTE)
            found = read_notes(fd, segment.p_offset, segment.p_filesz, ret);
    }
    return found;
}

static size_t read_32(int fd, const Elf32_Ehdr *header, unsigned char ret[BUILD_ID_MAX])
{
    Elf32_Phdr segment;
    size_t found = 0;

    for (unsigned i = 0; i < header->e_phnum && i < SEGMENTS_MAX && found == 0; i++) {
        uint64_t at = header->e_phoff + (uint64_t)i * sizeof segment;
        if (io_pread(fd, &segment, sizeof segment, at) != sizeof segment)
            return 0;
        if (segment.p_type == PT_NOTE)
            found = read_notes(fd, segment.p_offset, segment.p_filesz, ret);
    }
    return found;
}

size_t build_id_read(int fd, unsigned char ret[static BUILD_ID_MAX])
{
    static const unsigned char order =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    union {
        unsigned char ident[EI_NIDENT];
        Elf32_Ehdr narrow;
        Elf64_Ehdr wide;
    } header;

    if (io_pread(fd, &header, sizeof header, 0) != sizeof header ||
        memcmp(header.ident, ELFMAG, SELFMAG) != 0 || header.ident[EI_DATA] != order)
        return 0;
    return header.ident[EI_CLASS] == ELFCLASS64 ? read_64(fd, &header.wide, ret)
                                                : read_32(fd, &header.narrow, ret);
}
