/* SPDX-License-Identifier: GPL-2.0-or-later */
/* module_file.c - the exact ELF file of a module that a report names. */
#include "cli/module_file.h"

#include <byteswap.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/base/text.h"
#include "store/layout.h"
#include "store/served.h"

enum {
    MAX_HEADER = 256,
    MAX_SEGMENTS = 128,
    MAX_BYTES = 64 * 1024, /* of notes or a dynamic section */
    MAX_BUILD_ID = (MODULE_BUILD_ID_SIZE - 1) / 2,
};

/* The few fields that lead to the notes, of either class and byte order. */
struct headers {
    bool is_64, swap;
    uint64_t phoff;
    unsigned phentsize, phnum;
};

static uint64_t number(const struct headers *headers, const unsigned char *at, size_t size)
{
    uint16_t half;
    uint32_t word;
    uint64_t wide;
    switch (size) {
    case sizeof half:
        memcpy(&half, at, size);
        return headers->swap ? bswap_16(half) : half;
    case sizeof word:
        memcpy(&word, at, size);
        return headers->swap ? bswap_32(word) : word;
    default:
        memcpy(&wide, at, sizeof wide);
        return headers->swap ? bswap_64(wide) : wide;
    }
}

#define FIELD(headers, at, kind, field)                                                            \
    ((headers)->is_64 ? number((headers), (at) + offsetof(Elf64_##kind, field),                    \
                               sizeof(((Elf64_##kind *)0)->field))                                 \
                      : number((headers), (at) + offsetof(Elf32_##kind, field),                    \
                               sizeof(((Elf32_##kind *)0)->field)))

static int read_headers(int fd, struct headers *ret)
{
    unsigned char header[sizeof(Elf64_Ehdr)] = {0};
    ssize_t n = io_pread(fd, header, sizeof header, 0);
    if (n < (ssize_t)sizeof(Elf32_Ehdr) || memcmp(header, ELFMAG, SELFMAG) != 0)
        return -EBADMSG;
    ret->is_64 = header[EI_CLASS] == ELFCLASS64;
    ret->swap = (header[EI_DATA] == ELFDATA2MSB) != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    ret->phoff = FIELD(ret, header, Ehdr, e_phoff);
    ret->phentsize = (unsigned)FIELD(ret, header, Ehdr, e_phentsize);
    ret->phnum = (unsigned)FIELD(ret, header, Ehdr, e_phnum);
    size_t least = ret->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    return ret->phentsize < least || ret->phentsize > MAX_HEADER ? -EBADMSG : 0;
}

static size_t padded(uint64_t size)
{
    return (size_t)((size + 3) & ~3ull);
}

/* The build-id among the notes (elf.h: name size, descriptor size, type, both padded to 4). */
static int find_build_id(const struct headers *headers, const unsigned char *notes, size_t size,
                         char ret[static MODULE_BUILD_ID_SIZE])
{
    enum { HEADER = 12 };
    for (size_t at = 0; size - at >= HEADER;) {
        uint64_t name = number(headers, notes + at, 4), id = number(headers, notes + at + 4, 4);
        uint64_t type = number(headers, notes + at + 8, 4);
        size_t body = at + HEADER;
        if (name > size || id > size || padded(name) + padded(id) > size - body)
            return -ENODATA;
        if (type == NT_GNU_BUILD_ID && name == 4 && memcmp(notes + body, "GNU", 4) == 0 && id > 0 &&
            id <= MAX_BUILD_ID) {
            text_hex(notes + body + 4, id, ret);
            return 0;
        }
        at = body + padded(name) + padded(id);
    }
    return -ENODATA;
}

struct segment {
    uint64_t type, offset, size, address;
};

/* The program header at `index`; false behind the last. */
static bool read_segment(int fd, const struct headers *headers, unsigned index, struct segment *ret)
{
    unsigned char segment[MAX_HEADER] = {0};
    uint64_t at = headers->phoff + (uint64_t)index * headers->phentsize;

    if (index >= headers->phnum || index >= MAX_SEGMENTS ||
        io_pread(fd, segment, headers->phentsize, at) != (ssize_t)headers->phentsize)
        return false;
    *ret = (struct segment){
        .type = FIELD(headers, segment, Phdr, p_type),
        .offset = FIELD(headers, segment, Phdr, p_offset),
        .size = FIELD(headers, segment, Phdr, p_filesz),
        .address = FIELD(headers, segment, Phdr, p_vaddr),
    };
    return true;
}

/* A segment's bytes, where it is no larger than expected of one; the caller frees them. */
static unsigned char *read_bytes(int fd, const struct segment *segment, size_t *ret_size)
{
    AUTO_FREE unsigned char *bytes = NULL;
    if (segment->size == 0 || segment->size > MAX_BYTES)
        return NULL;
    bytes = malloc(segment->size);
    ssize_t n = bytes ? io_pread(fd, bytes, segment->size, segment->offset) : -ENOMEM;
    if (n <= 0)
        return NULL;
    *ret_size = (size_t)n;
    return steal_pointer(&bytes);
}

int module_file_build_id(int fd, char ret[static MODULE_BUILD_ID_SIZE])
{
    struct headers headers;
    struct segment segment;
    size_t size;

    int r = read_headers(fd, &headers);
    for (unsigned i = 0; r == 0 && read_segment(fd, &headers, i, &segment); i++) {
        if (segment.type != PT_NOTE)
            continue;
        AUTO_FREE unsigned char *notes = read_bytes(fd, &segment, &size);
        if (notes && find_build_id(&headers, notes, size, ret) == 0)
            return 0;
    }
    return r < 0 ? r : -ENODATA;
}

/* The value of a tag in the dynamic section; 0 where it is absent. */
static uint64_t dynamic_value(const struct headers *headers, const unsigned char *dynamic,
                              size_t size, uint64_t tag)
{
    size_t entry = headers->is_64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
    for (size_t at = 0; size - at >= entry; at += entry)
        if (FIELD(headers, dynamic + at, Dyn, d_tag) == tag)
            return FIELD(headers, dynamic + at, Dyn, d_un);
    return 0;
}

/* Where in the file an address is; 0 where it isn't. */
static uint64_t offset_of(int fd, const struct headers *headers, uint64_t address)
{
    struct segment segment;
    for (unsigned i = 0; read_segment(fd, headers, i, &segment); i++)
        if (segment.type == PT_LOAD && address >= segment.address &&
            address - segment.address < segment.size)
            return segment.offset + (address - segment.address);
    return 0;
}

static bool is_tame(const char *path)
{
    size_t size = strlen(path);

    if (path[0] != '/' || size >= MODULE_PLACE_SIZE || path[size - 1] == '/' || strstr(path, "//"))
        return false;
    for (const char *p = path; *p; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"'\\`$", *p))
            return false;
        if (p[0] == '/' && p[1] == '.' &&
            (p[2] == '/' || !p[2] || (p[2] == '.' && (p[3] == '/' || !p[3]))))
            return false;
    }
    return true;
}

int module_file_soname(int fd, char ret[static MODULE_SONAME_SIZE])
{
    char name[1 + MODULE_SONAME_SIZE] = "/"; /* tame is said of paths */
    struct headers headers;
    struct segment segment;
    size_t size;

    int r = read_headers(fd, &headers);
    for (unsigned i = 0; r == 0 && read_segment(fd, &headers, i, &segment); i++) {
        if (segment.type != PT_DYNAMIC)
            continue;
        AUTO_FREE unsigned char *dynamic = read_bytes(fd, &segment, &size);
        uint64_t at = dynamic ? dynamic_value(&headers, dynamic, size, DT_SONAME) : 0;
        uint64_t strings = dynamic ? dynamic_value(&headers, dynamic, size, DT_STRTAB) : 0;
        uint64_t offset = at && strings ? offset_of(fd, &headers, strings) : 0;
        if (!offset || io_pread(fd, name + 1, MODULE_SONAME_SIZE - 1, offset + at) <= 0 ||
            strchr(name + 1, '/') || !is_tame(name))
            return -ENODATA;
        memcpy(ret, name + 1, MODULE_SONAME_SIZE);
        return 0;
    }
    return r < 0 ? r : -ENODATA;
}

/* Looks before it opens: opening a FIFO waits, opening a device may do anything. */
static int open_regular(int dirfd, const char *path)
{
    char link[64];
    struct stat st;
    AUTO_FD int place = openat(dirfd, path, O_PATH | O_CLOEXEC);
    if (place < 0 || fstat(place, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -ENOENT;
    snprintf(link, sizeof link, "/proc/self/fd/%d", place);
    int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

int module_file_open_installed(const char *place)
{
    static struct bytes served;
    static bool is_loaded;
    if (!is_loaded)
        served_load(&served);
    is_loaded = true;
    return served_has(&served, place) ? -EREMOTE : open_regular(AT_FDCWD, place);
}

/* Takes over `opened`, which may be a negative errno. */
static int if_exact(int opened, const char *build_id)
{
    char found[MODULE_BUILD_ID_SIZE];
    AUTO_FD int fd = opened;
    if (fd < 0)
        return fd;
    if (module_file_build_id(fd, found) < 0 || strcmp(found, build_id) != 0)
        return -ENOENT;
    return steal_fd(&fd);
}

bool module_file_place(const struct report_module *module, char ret[static MODULE_PLACE_SIZE])
{
    static const char mark[] = " (deleted)";
    size_t size = strlen(module->path), mark_size = sizeof mark - 1;

    if (size > mark_size && strcmp(module->path + size - mark_size, mark) == 0)
        size -= mark_size;
    if (size >= MODULE_PLACE_SIZE)
        return false;
    memcpy(ret, module->path, size);
    ret[size] = '\0';
    return is_tame(ret);
}

int module_file_open(const struct report_module *module, int store_fd, const char *kept,
                     const char *sysroot, struct error *error)
{
    char path[PATH_MAX], place[MODULE_PLACE_SIZE];
    int fd = -ENOENT;

    if (!module->build_id)
        return error_set(error, ENOENT, "%s: the core had no build-id of it", module->path);
    const char *const copies[] = {LAYOUT_MODULES "/", kept};
    for (size_t i = 0; i < ARRAY_SIZE(copies) && fd < 0 && store_fd >= 0 && copies[i]; i++)
        if (snprintf(path, sizeof path, "%s%s", copies[i], module->build_id) < (int)sizeof path)
            fd = if_exact(open_regular(store_fd, path), module->build_id);
    if (fd < 0 && module_file_place(module, place)) {
        if (!sysroot)
            fd = if_exact(module_file_open_installed(place), module->build_id);
        else if (snprintf(path, sizeof path, "%s%s", sysroot, place) < (int)sizeof path)
            fd = if_exact(open_regular(AT_FDCWD, path), module->build_id);
    }
    if (fd < 0)
        return error_set(error, ENOENT, "%s: no file with build-id %s is there", module->path,
                         module->build_id);
    return fd;
}
