/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_facts.c - what a core tells of its own process. */
#include "store/core_facts.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "store/base/io.h"
#include "store/core_elf.h"
#include "store/frame.h"
#include "store/keys.h"

/* Where a note's fields are; sizes of the whole tell which layout it is. */
struct prpsinfo_layout {
    size_t size, uid, id_size, pid, comm, args;
};
static const struct prpsinfo_layout prpsinfo_layouts[] = {
    {136, 16, 4, 24, 40, 56}, /* 64 bits */
    {128, 8, 4, 16, 32, 48},  /* 32 bits, user ids of 32 bits */
    {124, 8, 2, 12, 28, 44},  /* 32 bits, user ids of 16 bits: i386, arm */
};
enum { PRPSINFO_COMM = 16, PRPSINFO_ARGS = 80 };

enum {
    PRSTATUS_SIGNAL = 12, /* u16 pr_cursig */
    PRSTATUS_PID_64 = 32,
    PRSTATUS_PID_32 = 24,
    SIGINFO_CODE = 8,
    SIGINFO_FIELDS_64 = 16, /* si_addr, or si_pid and si_uid */
    SIGINFO_FIELDS_32 = 12,
};

struct notes {
    const struct core_elf *elf;
    struct metadata *facts;
    const unsigned char *files;
    size_t files_size;
    uint64_t entry; /* AT_ENTRY */
    int error;
};

static void keep(struct notes *notes, int r)
{
    if (r < 0)
        notes->error = r;
}

static void set_number(struct notes *notes, const char *key, uint64_t value)
{
    if (!metadata_get(notes->facts, key))
        keep(notes, metadata_set_u64(notes->facts, key, value));
}

static void set_bytes(struct notes *notes, const char *key, const void *data, size_t size)
{
    if (size > 0 && !metadata_get(notes->facts, key))
        keep(notes, metadata_set(notes->facts, key, data, size));
}

static void read_prpsinfo(struct notes *notes, const struct core_note *note)
{
    for (size_t i = 0; i < ARRAY_SIZE(prpsinfo_layouts); i++) {
        const struct prpsinfo_layout *at = &prpsinfo_layouts[i];
        if (at->size != note->desc_size)
            continue;
        const char *comm = (const char *)note->desc + at->comm;
        const char *args = (const char *)note->desc + at->args;
        size_t args_size = strnlen(args, PRPSINFO_ARGS);
        while (args_size > 0 && args[args_size - 1] == ' ')
            args_size--; /* the kernel turns the NUL behind the last argument into a blank */
        set_number(notes, KEY_UID, core_elf_number(notes->elf, note->desc + at->uid, at->id_size));
        set_number(notes, KEY_GID,
                   core_elf_number(notes->elf, note->desc + at->uid + at->id_size, at->id_size));
        set_number(notes, KEY_PID, core_elf_number(notes->elf, note->desc + at->pid, 4));
        set_bytes(notes, KEY_COMM, comm, strnlen(comm, PRPSINFO_COMM));
        set_bytes(notes, KEY_CMDLINE, args, args_size);
        return;
    }
}

/* The crashing thread comes first; later ones find its facts set. */
static void read_prstatus(struct notes *notes, const struct core_note *note)
{
    size_t pid = notes->elf->wide ? PRSTATUS_PID_64 : PRSTATUS_PID_32;

    if (note->desc_size < pid + 4)
        return;
    uint64_t signal = core_elf_number(notes->elf, note->desc + PRSTATUS_SIGNAL, 2);
    if (signal > 0)
        set_number(notes, KEY_SIGNAL, signal);
    set_number(notes, KEY_TID, core_elf_number(notes->elf, note->desc + pid, 4));
}

static bool has_address(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
           signal == SIGTRAP;
}

static void read_siginfo(struct notes *notes, const struct core_note *note)
{
    bool wide = notes->elf->wide;
    size_t fields = wide ? SIGINFO_FIELDS_64 : SIGINFO_FIELDS_32;

    if (note->desc_size < fields + 8)
        return;
    int signal = (int)core_elf_number(notes->elf, note->desc, 4);
    int code = (int)(int32_t)core_elf_number(notes->elf, note->desc + SIGINFO_CODE, 4);
    const unsigned char *p = note->desc + fields;
    if (signal > 0)
        set_number(notes, KEY_SIGNAL, (uint64_t)signal);
    if (!metadata_get(notes->facts, KEY_SI_CODE))
        keep(notes, metadata_set_i64(notes->facts, KEY_SI_CODE, code));
    if (code > 0 && code < 0x80 && has_address(signal)) {
        set_number(notes, KEY_FAULT_ADDRESS, core_elf_number(notes->elf, p, wide ? 8 : 4));
    } else if (code <= 0) {
        set_number(notes, KEY_SENDER_PID, core_elf_number(notes->elf, p, 4));
        set_number(notes, KEY_SENDER_UID, core_elf_number(notes->elf, p + 4, 4));
    }
}

static void read_auxv(struct notes *notes, const struct core_note *note)
{
    size_t word = notes->elf->wide ? 8 : 4;

    set_bytes(notes, KEY_PROC_AUXV, note->desc, note->desc_size);
    for (size_t at = 0; at + 2 * word <= note->desc_size; at += 2 * word)
        if (core_elf_number(notes->elf, note->desc + at, word) == AT_ENTRY)
            notes->entry = core_elf_number(notes->elf, note->desc + at + word, word);
}

static void read_note(struct notes *notes, const struct core_note *note)
{
    switch (note->type) {
    case NT_PRPSINFO:
        read_prpsinfo(notes, note);
        break;
    case NT_PRSTATUS:
        read_prstatus(notes, note);
        break;
    case NT_SIGINFO:
        read_siginfo(notes, note);
        break;
    case NT_AUXV:
        read_auxv(notes, note);
        break;
    case NT_FILE:
        notes->files = note->desc;
        notes->files_size = note->desc_size;
        break;
    }
}

/*
 * NT_FILE: count, page size, then count of (start, end, offset), then count of names, each with
 * its NUL. The name mapped at the entry point is the executable's.
 */
static void find_executable(struct notes *notes)
{
    size_t word = notes->elf->wide ? 8 : 4;
    const unsigned char *table = notes->files + 2 * word;

    if (notes->files_size < 2 * word)
        return;
    uint64_t count = core_elf_number(notes->elf, notes->files, word);
    if (count > (notes->files_size - 2 * word) / (3 * word))
        return;
    const char *name = (const char *)(table + count * 3 * word);
    const char *end = (const char *)(notes->files + notes->files_size);
    for (uint64_t i = 0; i < count && name < end; i++, table += 3 * word) {
        size_t length = strnlen(name, (size_t)(end - name));
        uint64_t from = core_elf_number(notes->elf, table, word);
        uint64_t to = core_elf_number(notes->elf, table + word, word);
        if (notes->entry >= from && notes->entry < to) {
            set_bytes(notes, KEY_EXE, name, length);
            return;
        }
        name += length + 1;
    }
}

static void set_machine(struct notes *notes)
{
    static const struct {
        uint16_t machine;
        const char *name; /* as uname -m */
    } machines[] = {
        {EM_X86_64, "x86_64"}, {EM_386, "i686"},      {EM_AARCH64, "aarch64"}, {EM_ARM, "arm"},
        {EM_RISCV, "riscv64"}, {EM_PPC64, "ppc64le"}, {EM_S390, "s390x"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
        if (machines[i].machine == notes->elf->machine)
            set_bytes(notes, KEY_ARCH, machines[i].name, strlen(machines[i].name));
}

int core_facts(const void *prefix, size_t size, struct metadata *facts, struct error *error)
{
    struct core_elf elf;

    int r = core_elf_open(prefix, size, &elf);
    if (r == -EBADMSG)
        return error_set(error, EBADMSG, "not an ELF core");
    if (r < 0 || !core_elf_has_segments(&elf))
        return 0; /* cut off within the headers */
    struct notes notes = {.elf = &elf, .facts = facts};
    set_machine(&notes);
    for (uint64_t i = 0; i < elf.phnum; i++) {
        struct core_segment segment;
        core_elf_segment(&elf, i, &segment);
        if (segment.type != PT_NOTE || segment.offset >= size)
            continue;
        size_t room = size - segment.offset, at = 0;
        size_t length = segment.filesz < room ? segment.filesz : room;
        struct core_note note;
        while (core_elf_note(&elf, elf.data + segment.offset, length, &at, &note))
            read_note(&notes, &note);
    }
    if (notes.files)
        find_executable(&notes);
    return notes.error < 0 ? error_errno(error, -notes.error, "cannot hold the core's facts") : 0;
}

static int read_plain_prefix(int fd, struct bytes *ret)
{
    int r = bytes_reserve(ret, CORE_FACTS_PREFIX);
    if (r < 0)
        return r;
    ssize_t n = io_pread(fd, ret->data, CORE_FACTS_PREFIX, 0);
    if (n < 0)
        return (int)n;
    ret->size = (size_t)n;
    ret->data[ret->size] = '\0';
    return 0;
}

/* Decompresses until there is enough, the file ends or is damaged. */
static int read_compressed_prefix(int fd, ZSTD_DCtx *context, struct bytes *ret)
{
    AUTO_FREE char *buffer = malloc(FRAME_CONTENT_MAX);
    uint64_t offset = 0;

    if (!buffer || !context)
        return -ENOMEM;
    while (ret->size < CORE_FACTS_PREFIX) {
        ssize_t n = io_pread(fd, buffer, FRAME_CONTENT_MAX, offset);
        if (n <= 0)
            return (int)n;
        offset += (uint64_t)n;
        ZSTD_inBuffer in = {buffer, (size_t)n, 0};
        bool full = false;
        while ((in.pos < in.size || full) && ret->size < CORE_FACTS_PREFIX) {
            int r = bytes_reserve(ret, FRAME_CONTENT_MAX);
            if (r < 0)
                return r;
            ZSTD_outBuffer out = {ret->data + ret->size, FRAME_CONTENT_MAX, 0};
            if (ZSTD_isError(ZSTD_decompressStream(context, &out, &in)))
                return ret->size > 0 ? 0 : -EBADMSG;
            ret->size += out.pos;
            ret->data[ret->size] = '\0';
            full = out.pos == out.size;
        }
    }
    return 0;
}

int core_facts_prefix(int fd, struct bytes *ret, struct error *error)
{
    uint32_t magic = 0;

    ssize_t n = io_pread(fd, &magic, sizeof magic, 0);
    if (n < 0)
        return error_errno(error, (int)-n, "cannot read the core");
    magic = le32toh(magic);
    int r;
    if (magic == ZSTD_MAGICNUMBER || (magic & 0xfffffff0u) == FRAME_MAGIC_SKIPPABLE) {
        ZSTD_DCtx *context = ZSTD_createDCtx();
        r = read_compressed_prefix(fd, context, ret);
        ZSTD_freeDCtx(context);
    } else {
        r = read_plain_prefix(fd, ret);
    }
    if (r == -EBADMSG)
        return error_set(error, EBADMSG, "the compressed core is corrupt");
    return r < 0 ? error_errno(error, -r, "cannot read the core") : 0;
}
