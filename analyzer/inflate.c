/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inflate.c - builds an ELF file in memory whose debug sections are decompressed. */
#include "analyzer/inflate.h"

#include <gelf.h>
#include <libdeflate.h>
#include <lzma.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"

enum {
    COMPRESSED_ZSTD = 2, /* ELFCOMPRESS_ZSTD, which <elf.h> has since glibc 2.37 */
    ALIGNMENT = 16,
    MAX_SECTIONS = 4096,
    MAX_XZ = 512 << 20, /* bytes of symbols */
};
static const uint64_t max_size = 8ull << 30; /* the image is charged against the cage's memory */

/* What an analysis never reads. */
static const char *const unread[] = {
    ".debug_loc",      ".debug_loclists",     ".debug_macro",
    ".debug_macinfo",  ".debug_gnu_pubnames", ".debug_gnu_pubtypes",
    ".debug_pubnames", ".debug_pubtypes",     ".debug_names",
};

/* One section on its way into the image. */
struct move {
    Elf64_Shdr *header; /* in the image */
    const char *from;
    size_t from_size;
    char *to;
    size_t to_size;
    unsigned compression; /* ELFCOMPRESS_…; 0: none */
};

struct image {
    Elf *source;
    bool with_symbols;
    const char *file;
    size_t file_size;
    size_t section_count, names; /* names: the number of the section that holds them */
    struct move *moves;          /* largest first when they are made */
    size_t move_count;
    atomic_size_t next;
    uint64_t size;
    char *bytes;
};

static bool is_wanted(const struct image *image, const Elf64_Shdr *header, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(unread); i++)
        if (strcmp(name, unread[i]) == 0)
            return false;
    if (image->with_symbols && (header->sh_type == SHT_SYMTAB || header->sh_type == SHT_NOTE ||
                                strcmp(name, ".strtab") == 0))
        return true;
    return strncmp(name, ".debug_", 7) == 0 || strcmp(name, ".gnu_debugaltlink") == 0;
}

/* The source's bytes of a section, and how large they become. False where the file lies. */
static bool plan_move(const struct image *image, const Elf64_Shdr *header, struct move *ret)
{
    if (header->sh_offset > image->file_size ||
        header->sh_size > image->file_size - header->sh_offset)
        return false;
    *ret = (struct move){.from = image->file + header->sh_offset,
                         .from_size = header->sh_size,
                         .to_size = header->sh_size};
    if (!(header->sh_flags & SHF_COMPRESSED))
        return true;
    Elf64_Chdr compressed;
    if (header->sh_size < sizeof(compressed))
        return false;
    memcpy(&compressed, ret->from, sizeof(compressed));
    ret->from += sizeof(compressed);
    ret->from_size -= sizeof(compressed);
    ret->to_size = compressed.ch_size;
    ret->compression = compressed.ch_type;
    return compressed.ch_size <= max_size &&
           (compressed.ch_type == ELFCOMPRESS_ZLIB || compressed.ch_type == COMPRESSED_ZSTD);
}

/* Room for the header and the table of sections, then for each section that is kept. */
static bool plan(struct image *image, Elf64_Shdr *headers)
{
    bool is_compressed = false;
    image->size = sizeof(Elf64_Ehdr) + image->section_count * sizeof(Elf64_Shdr);
    for (size_t i = 1; i < image->section_count; i++) {
        Elf64_Shdr *header = &headers[i];
        GElf_Shdr original;
        if (!gelf_getshdr(elf_getscn(image->source, i), &original))
            return false;
        *header = original;
        const char *name = elf_strptr(image->source, image->names, header->sh_name);
        struct move *move = &image->moves[image->move_count];
        bool is_kept = header->sh_type != SHT_NOBITS &&
                       (i == image->names || (name && is_wanted(image, header, name))) &&
                       plan_move(image, header, move);
        if (!is_kept) {
            header->sh_type = SHT_NOBITS;
            header->sh_flags &= ~(Elf64_Xword)SHF_COMPRESSED;
            continue;
        }
        is_compressed = is_compressed || move->compression;
        move->header = header;
        header->sh_flags &= ~(Elf64_Xword)SHF_COMPRESSED;
        image->size = (image->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        header->sh_offset = image->size;
        header->sh_size = move->to_size;
        image->size += move->to_size;
        if (image->size > max_size)
            return false;
        image->move_count++;
    }
    return is_compressed;
}

static bool decompress(const struct move *move)
{
    size_t size = 0;
    if (move->compression == COMPRESSED_ZSTD) {
        size = ZSTD_decompress(move->to, move->to_size, move->from, move->from_size);
        return !ZSTD_isError(size) && size == move->to_size;
    }
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    enum libdeflate_result result =
        inflater ? libdeflate_zlib_decompress(inflater, move->from, move->from_size, move->to,
                                              move->to_size, NULL)
                 : LIBDEFLATE_BAD_DATA;
    libdeflate_free_decompressor(inflater);
    return result == LIBDEFLATE_SUCCESS;
}

static void *make_moves(void *context)
{
    struct image *image = context;
    for (size_t i; (i = atomic_fetch_add(&image->next, 1)) < image->move_count;) {
        struct move *move = &image->moves[i];
        if (!move->compression)
            memcpy(move->to, move->from, move->to_size);
        else if (!decompress(move))
            move->header->sh_type = SHT_NOBITS;
    }
    return NULL;
}

static int compare_sizes(const void *a, const void *b)
{
    const struct move *x = a, *y = b;
    return x->to_size < y->to_size ? 1 : -(x->to_size > y->to_size);
}

/* The header and the table of sections as planned, and the moves to where the image is now. */
static void lay_out(struct image *image, const Elf64_Shdr *headers)
{
    Elf64_Ehdr header;
    memcpy(&header, image->file, sizeof(header));
    header.e_shoff = sizeof(header);
    header.e_phoff = 0;
    header.e_phnum = 0;
    memcpy(image->bytes, &header, sizeof(header));
    memcpy(image->bytes + sizeof(header), headers, image->section_count * sizeof(*headers));
    for (size_t i = 0; i < image->move_count; i++) {
        struct move *move = &image->moves[i];
        move->to = image->bytes + move->header->sh_offset;
        size_t number = (size_t)(move->header - headers);
        move->header = (Elf64_Shdr *)(image->bytes + sizeof(header)) + number;
    }
    qsort(image->moves, image->move_count, sizeof(*image->moves), compare_sizes);
}

/* Not by malloc(): it grows by moving pages, and is charged against the cage's memory all the same.
 */
static void *map_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static bool build(struct image *image)
{
    AUTO_FREE Elf64_Shdr *headers = calloc(image->section_count, sizeof(*headers));
    AUTO_FREE struct move *moves = calloc(image->section_count, sizeof(*moves));
    image->moves = moves;
    if (!headers || !moves || !plan(image, headers))
        return false;
    image->bytes = map_memory(image->size);
    if (!image->bytes)
        return false;
    lay_out(image, headers);
    pthread_t thread;
    bool started = image->move_count > 1 && pthread_create(&thread, NULL, make_moves, image) == 0;
    (void)make_moves(image);
    if (started)
        pthread_join(thread, NULL);
    return true;
}

/* This machine's own kind of ELF, and nothing that only its loader or linker could resolve. */
static bool is_understood(const struct image *image)
{
    const char *ident = elf_getident(image->source, NULL);
    GElf_Ehdr header;
    return ident && ident[EI_CLASS] == ELFCLASS64 &&
           ident[EI_DATA] ==
               (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB) &&
           gelf_getehdr(image->source, &header) && header.e_type != ET_REL &&
           header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shnum == image->section_count &&
           image->section_count <= MAX_SECTIONS && image->file_size >= sizeof(Elf64_Ehdr);
}

bool inflate_debug(Elf *source, bool with_symbols, struct inflated *ret)
{
    struct image image = {.source = source, .with_symbols = with_symbols};
    image.file = elf_rawfile(source, &image.file_size);
    if (!image.file || elf_getshdrnum(source, &image.section_count) < 0 ||
        elf_getshdrstrndx(source, &image.names) < 0 || !is_understood(&image) || !build(&image))
        return false;
    *ret = (struct inflated){.image = image.bytes, .size = image.size};
    ret->elf = elf_memory(image.bytes, image.size);
    if (ret->elf)
        return true;
    inflated_free(ret);
    return false;
}

int inflate_file(int in, int out)
{
    struct inflated inflated = {0};
    Elf *source = elf_begin(in, ELF_C_READ_MMAP, NULL);
    int r = 0;
    if (source && inflate_debug(source, true, &inflated))
        r = io_write(out, inflated.image, inflated.size);
    inflated_free(&inflated);
    elf_end(source);
    return r;
}

/* All of it, growing `ret` as it comes. */
static bool decode_xz(lzma_stream *stream, struct inflated *ret)
{
    lzma_ret result = LZMA_OK;
    while (result == LZMA_OK) {
        if (stream->avail_out == 0) {
            size_t size = 2 * ret->size;
            void *grown =
                size <= MAX_XZ ? mremap(ret->image, ret->size, size, MREMAP_MAYMOVE) : MAP_FAILED;
            if (grown == MAP_FAILED)
                return false;
            ret->image = grown;
            ret->size = size;
            stream->next_out = (uint8_t *)grown + stream->total_out;
            stream->avail_out = size - stream->total_out;
        }
        result = lzma_code(stream, LZMA_FINISH);
    }
    return result == LZMA_STREAM_END;
}

bool inflate_xz(const void *data, size_t size, struct inflated *ret)
{
    enum { FIRST_SIZE = 1 << 20, DECODER_MEMORY = 128 << 20 };
    lzma_stream stream = LZMA_STREAM_INIT;
    *ret = (struct inflated){.size = FIRST_SIZE};
    ret->image = map_memory(ret->size);
    if (!ret->image || lzma_stream_decoder(&stream, DECODER_MEMORY, 0) != LZMA_OK) {
        inflated_free(ret);
        return false;
    }
    stream.next_in = data;
    stream.avail_in = size;
    stream.next_out = ret->image;
    stream.avail_out = ret->size;
    if (decode_xz(&stream, ret))
        ret->elf = elf_memory(ret->image, stream.total_out);
    lzma_end(&stream);
    if (!ret->elf)
        inflated_free(ret);
    return ret->elf != NULL;
}

void inflated_free(struct inflated *inflated)
{
    elf_end(inflated->elf);
    if (inflated->image)
        munmap(inflated->image, inflated->size);
    *inflated = (struct inflated){0};
}
