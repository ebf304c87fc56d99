/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-core.c - writes a small ELF core to stdout, whose notes say what the arguments say.
 *
 *   make-core [pid=N] [tid=N] [uid=N] [gid=N] [signal=N] [code=N] [address=N] [comm=TEXT]
 *             [args=TEXT] [exe=PATH] [data=BYTES] [zeros=BYTES]
 *
 * In a TEXT "%XX" stands for the byte of that value. Segments: `data` bytes of noise at DATA_BASE,
 * `zeros` bytes of zeros at ZEROS_BASE, and a page that was never touched at HOLE_BASE.
 */
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

enum { ENTRY = 0x401000, DATA_BASE = 0x400000, ZEROS_BASE = 0x10000000, PAGE = 4096 };
#define HOLE_BASE 0x7f0000000000ull

static struct {
    const char *name;
    const char *value;
} options[] = {
    {"pid", "4711"},      {"tid", "4711"},
    {"uid", "0"},         {"gid", "0"},
    {"signal", "11"},     {"code", "1"},
    {"address", "0"},     {"comm", "victim"},
    {"args", "./victim"}, {"exe", "/usr/bin/victim"},
    {"data", "65536"},    {"zeros", "0"},
};

static const char *option(const char *name)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i].name, name) == 0)
            return options[i].value;
    abort();
}

static unsigned long long number(const char *name)
{
    return strtoull(option(name), NULL, 0);
}

static void set_option(const char *argument)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        size_t length = strlen(options[i].name);
        if (strncmp(argument, options[i].name, length) == 0 && argument[length] == '=') {
            options[i].value = argument + length + 1;
            return;
        }
    }
    fprintf(stderr, "make-core: no such option: %s\n", argument);
    exit(64);
}

/* The bytes of a TEXT. */
static size_t text(const char *name, char *out, size_t size)
{
    size_t n = 0;
    for (const char *p = option(name); *p && n < size; n++) {
        unsigned byte;
        if (p[0] == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
            out[n] = (char)byte;
            p += 3;
        } else {
            out[n] = *p++;
        }
    }
    return n;
}

static char notes[16384];
static size_t notes_size;

static void add(const void *data, size_t size)
{
    memcpy(notes + notes_size, data, size);
    notes_size = (notes_size + size + 3) & ~(size_t)3;
}

static void add_note(uint32_t type, const void *data, size_t size)
{
    Elf64_Nhdr header = {.n_namesz = 5, .n_descsz = (uint32_t)size, .n_type = type};
    add(&header, sizeof header);
    add("CORE", 5);
    add(data, size);
}

static void add_notes(void)
{
    struct elf_prstatus status = {.pr_pid = (pid_t)number("tid"),
                                  .pr_cursig = (short)number("signal")};
    struct elf_prpsinfo info = {.pr_pid = (pid_t)number("pid"),
                                .pr_uid = (unsigned)number("uid"),
                                .pr_gid = (unsigned)number("gid")};
    siginfo_t siginfo = {.si_signo = (int)number("signal"), .si_code = (int)number("code")};
    uint64_t auxv[] = {AT_ENTRY, ENTRY, AT_PAGESZ, PAGE, AT_NULL, 0};
    struct {
        uint64_t count, page, start, end, offset;
        char name[4096];
    } file = {1, PAGE, DATA_BASE, DATA_BASE + 0x10000, 0, ""};

    siginfo.si_addr = (void *)(uintptr_t)number("address");
    text("comm", info.pr_fname, sizeof info.pr_fname);
    text("args", info.pr_psargs, sizeof info.pr_psargs);
    size_t name = text("exe", file.name, sizeof file.name - 1);
    add_note(NT_PRSTATUS, &status, sizeof status);
    add_note(NT_PRPSINFO, &info, sizeof info);
    add_note(NT_SIGINFO, &siginfo, sizeof siginfo);
    add_note(NT_AUXV, auxv, sizeof auxv);
    add_note(NT_FILE, &file, 5 * sizeof(uint64_t) + name + 1);
}

static void put_zeros(uint64_t size)
{
    static const char zeros[PAGE];
    for (; size > 0; size -= size < PAGE ? size : PAGE)
        fwrite(zeros, 1, size < PAGE ? size : PAGE, stdout);
}

/* Every fourth page has all its noise at its end: a page is not zero because it begins so. */
static void put_noise(uint64_t size)
{
    enum { ZEROS = 4000 };
    uint32_t seed = 1;

    for (uint64_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        putchar(i / PAGE % 4 == 3 && i % PAGE < ZEROS ? 0 : (int)(seed >> 24));
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        set_option(argv[i]);
    add_notes();

    uint64_t data = number("data"), zeros = number("zeros");
    Elf64_Phdr segments[4] = {{.p_type = PT_NOTE, .p_filesz = notes_size},
                              {.p_type = PT_LOAD, .p_vaddr = DATA_BASE, .p_filesz = data},
                              {.p_type = PT_LOAD, .p_vaddr = ZEROS_BASE, .p_filesz = zeros},
                              {.p_type = PT_LOAD, .p_vaddr = HOLE_BASE, .p_memsz = PAGE}};
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_version = EV_CURRENT,
                         .e_phoff = sizeof header,
                         .e_ehsize = sizeof header,
                         .e_phentsize = sizeof *segments,
                         .e_phnum = 4};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;

    uint64_t offset = sizeof header + sizeof segments, end = offset + notes_size;
    uint64_t first = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    segments[0].p_offset = offset;
    segments[1].p_offset = first;
    segments[2].p_offset = segments[3].p_offset = first + data;
    for (size_t i = 1; i < 4; i++) {
        segments[i].p_flags = PF_R | PF_W;
        if (segments[i].p_filesz)
            segments[i].p_memsz = segments[i].p_filesz;
    }
    fwrite(&header, sizeof header, 1, stdout);
    fwrite(segments, sizeof segments, 1, stdout);
    fwrite(notes, notes_size, 1, stdout);
    put_zeros(first - end);
    put_noise(data);
    put_zeros(zeros);
    return fclose(stdout) == 0 ? 0 : 1;
}
