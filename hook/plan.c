/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.c - what the kernel is about to send: read from the first bytes of a core. */
#include "hook/plan.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/keys.h"

enum {
    HEADER_GAP_MAX =
        64 * 1024, /* between header, program headers and notes; the kernel leaves none */
    NOTE_ALIGNMENT = 4,
    POLL_MS = 1000,
};

#define ELFDATA_HOST (BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)

/* Where NT_PRSTATUS keeps the registers (struct elf_prstatus of the kernel's linux/elfcore.h). */
struct register_layout {
    uint16_t machine;
    uint8_t elf_class;
    uint16_t offset; /* of pr_reg */
    uint8_t width;
    uint8_t count;
    uint8_t stack_pointer;
    uint8_t program_counter;
};

static const struct register_layout register_layouts[] = {
    {EM_X86_64, ELFCLASS64, 112, 8, 27, 19, 16},
    {EM_X86_64, ELFCLASS32, 72, 8, 27, 19, 16}, /* x32 */
    {EM_386, ELFCLASS32, 72, 4, 17, 15, 12},
    {EM_AARCH64, ELFCLASS64, 112, 8, 34, 31, 32},
    {EM_ARM, ELFCLASS32, 72, 4, 18, 13, 15},
    {EM_RISCV, ELFCLASS64, 112, 8, 32, 2, 0},
    {EM_PPC64, ELFCLASS64, 112, 8, 33, 1, 32},
    {EM_S390, ELFCLASS64, 112, 8, 18, 17, 1},
};

/* Waits until the pipe has something to say. */
static int wait_readable(int fd, uint64_t deadline)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    int timeout = deadline == CLOCK_NEVER ? -1 : clock_left_ms(deadline, POLL_MS);
    if (timeout == 0)
        return -ETIMEDOUT;
    return poll(&pollfd, 1, timeout) < 0 && errno != EINTR ? -errno : 0;
}

/* The pipe, and how long it may take. */
struct stream {
    int fd;
    uint64_t deadline;
};

/* Takes bytes from the stream until `head` holds `size` of them, and not one more. */
static int take_head(const struct stream *stream, struct bytes *head, uint64_t size,
                     struct error *error)
{
    if (size <= head->size)
        return 0;
    int r = bytes_reserve(head, (size_t)(size - head->size));
    if (r < 0)
        return error_set(error, -r, "no memory for %llu bytes of headers and notes",
                         (unsigned long long)size);
    while (head->size < size) {
        ssize_t n = read(stream->fd, head->data + head->size, (size_t)size - head->size);
        if (n == 0)
            return error_set(error, ENODATA, "the core ended in its headers, after %zu bytes",
                             head->size);
        if (n > 0)
            head->size += (size_t)n;
        else if (errno == EAGAIN)
            r = wait_readable(stream->fd, stream->deadline);
        else if (errno != EINTR)
            r = -errno;
        if (r < 0)
            return error_errno(error, -r, "reading the core's headers");
    }
    head->data[head->size] = '\0';
    return 0;
}

static void widen_header(Elf64_Ehdr *to, const Elf32_Ehdr *from)
{
    memcpy(to->e_ident, from->e_ident, EI_NIDENT);
    to->e_type = from->e_type;
    to->e_machine = from->e_machine;
    to->e_version = from->e_version;
    to->e_entry = from->e_entry;
    to->e_phoff = from->e_phoff;
    to->e_shoff = from->e_shoff;
    to->e_flags = from->e_flags;
    to->e_ehsize = from->e_ehsize;
    to->e_phentsize = from->e_phentsize;
    to->e_phnum = from->e_phnum;
    to->e_shentsize = from->e_shentsize;
    to->e_shnum = from->e_shnum;
    to->e_shstrndx = from->e_shstrndx;
}

static int read_header(const struct stream *stream, struct plan *plan, struct error *error)
{
    int r = take_head(stream, &plan->head, EI_NIDENT, error);
    if (r < 0)
        return r;

    const unsigned char *ident = (const unsigned char *)plan->head.data;
    bool is_64 = ident[EI_CLASS] == ELFCLASS64;
    if (memcmp(ident, ELFMAG, SELFMAG) != 0 || (!is_64 && ident[EI_CLASS] != ELFCLASS32) ||
        ident[EI_DATA] != ELFDATA_HOST)
        return error_set(error, EBADMSG, "the stream is not an ELF file of this machine");

    r = take_head(stream, &plan->head, is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), error);
    if (r < 0)
        return r;
    if (is_64) {
        memcpy(&plan->header, plan->head.data, sizeof plan->header);
    } else {
        Elf32_Ehdr narrow;
        memcpy(&narrow, plan->head.data, sizeof narrow);
        widen_header(&plan->header, &narrow);
    }
    if (plan->header.e_type != ET_CORE)
        return error_set(error, EBADMSG, "the stream is an ELF file, but no core");
    if (plan->header.e_phentsize != (is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
        plan->header.e_phoff < plan->head.size ||
        plan->header.e_phoff > plan->head.size + HEADER_GAP_MAX)
        return error_set(error, EBADMSG, "the core's program headers are not where they can be");
    return 0;
}

/* The index'th program header, which `head` must hold. */
static Elf64_Phdr program_header(const struct plan *plan, size_t index)
{
    const char *at = plan->head.data + plan->header.e_phoff + index * plan->header.e_phentsize;
    Elf64_Phdr wide;

    if (plan_is_64(plan)) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    Elf32_Phdr narrow;
    memcpy(&narrow, at, sizeof narrow);
    return (Elf64_Phdr){
        .p_type = narrow.p_type,
        .p_flags = narrow.p_flags,
        .p_offset = narrow.p_offset,
        .p_vaddr = narrow.p_vaddr,
        .p_paddr = narrow.p_paddr,
        .p_filesz = narrow.p_filesz,
        .p_memsz = narrow.p_memsz,
        .p_align = narrow.p_align,
    };
}

static int take_program_headers(const struct stream *stream, struct plan *plan, size_t count,
                                struct error *error)
{
    return take_head(stream, &plan->head,
                     plan->header.e_phoff + (uint64_t)count * plan->header.e_phentsize, error);
}

/*
 * With 65535 program headers and more e_phnum is PN_XNUM and the true number stands at the end of
 * the core. It is needed now: the notes start where the program headers end, and PT_NOTE is first.
 */
static int count_segments(const struct stream *stream, struct plan *plan, struct error *error)
{
    plan->segment_count = plan->header.e_phnum;
    if (plan->header.e_phnum != PN_XNUM)
        return 0;

    int r = take_program_headers(stream, plan, 1, error);
    if (r < 0)
        return r;
    Elf64_Phdr note = program_header(plan, 0);
    if (note.p_type != PT_NOTE || note.p_offset < plan->header.e_phoff)
        return error_set(error, ENOTSUP, "the number of segments stands behind them");
    uint64_t count = (note.p_offset - plan->header.e_phoff) / plan->header.e_phentsize;
    if (count < PN_XNUM || count > PLAN_MAX_SEGMENTS)
        return error_set(error, ENOTSUP, "%llu segments", (unsigned long long)count);
    plan->segment_count = (size_t)count;
    return 0;
}

static int compare_loads(const void *a, const void *b)
{
    const Elf64_Phdr *left = a, *right = b;
    if (left->p_offset != right->p_offset)
        return left->p_offset < right->p_offset ? -1 : 1;
    if (left->p_filesz != right->p_filesz) /* those without bytes come before those with */
        return left->p_filesz < right->p_filesz ? -1 : 1;
    return left->p_vaddr < right->p_vaddr ? -1 : left->p_vaddr > right->p_vaddr;
}

/* One program header into the plan. */
static int add_segment(struct plan *plan, const Elf64_Phdr *segment, struct error *error)
{
    uint64_t end;

    if (__builtin_add_overflow(segment->p_offset, segment->p_filesz, &end) || end > INT64_MAX)
        return error_set(error, EBADMSG, "a segment ends behind the end of all files");
    if (segment->p_type == PT_LOAD) {
        if (segment->p_filesz > segment->p_memsz ||
            __builtin_add_overflow(segment->p_vaddr, segment->p_memsz, &end))
            return error_set(error, EBADMSG, "a segment is larger than its memory");
        plan->loads[plan->load_count++] = *segment;
        return 0;
    }
    if (segment->p_type == PT_NOTE && plan->notes_size == 0) {
        plan->notes_offset = segment->p_offset;
        plan->notes_size = segment->p_filesz;
        return 0;
    }
    if (segment->p_filesz > 0)
        return error_set(error, ENOTSUP, "a segment of type %#x carries bytes", segment->p_type);
    return 0;
}

static int read_program_headers(const struct stream *stream, struct plan *plan, struct error *error)
{
    int r = count_segments(stream, plan, error);
    if (r < 0)
        return r;
    r = take_program_headers(stream, plan, plan->segment_count, error);
    if (r < 0)
        return r;

    plan->loads = calloc(plan->segment_count + 1, sizeof *plan->loads);
    if (!plan->loads)
        return error_set(error, ENOMEM, "no memory for %zu segments", plan->segment_count);
    for (size_t i = 0; i < plan->segment_count; i++) {
        Elf64_Phdr segment = program_header(plan, i);
        r = add_segment(plan, &segment, error);
        if (r < 0)
            return r;
    }
    qsort(plan->loads, plan->load_count, sizeof *plan->loads, compare_loads);
    return 0;
}

static int read_notes(const struct stream *stream, struct plan *plan, struct error *error)
{
    if (plan->notes_size == 0)
        return 0;
    if (plan->notes_size > PLAN_MAX_NOTES)
        return error_set(error, ENOTSUP, "%llu bytes of notes",
                         (unsigned long long)plan->notes_size);
    if (plan->notes_offset < plan->head.size ||
        plan->notes_offset > plan->head.size + HEADER_GAP_MAX)
        return error_set(error, ENOTSUP, "the notes do not follow the program headers");
    return take_head(stream, &plan->head, plan->notes_offset + plan->notes_size, error);
}

int plan_append_section_header(const struct plan *plan, size_t segments, struct bytes *ret)
{
    Elf64_Shdr wide = {.sh_size = 1, .sh_info = (uint32_t)segments};
    Elf32_Shdr narrow = {.sh_size = 1, .sh_info = (uint32_t)segments};

    if (segments < PN_XNUM)
        return 0;
    return plan_is_64(plan) ? bytes_append(ret, &wide, sizeof wide)
                            : bytes_append(ret, &narrow, sizeof narrow);
}

static int set_tail(struct plan *plan, struct error *error)
{
    if (plan->header.e_phnum != PN_XNUM)
        return 0;
    if (plan->header.e_shnum != 1 || plan->header.e_shoff < plan->core_size)
        return error_set(error, ENOTSUP, "the section header is not behind the segments");
    plan->tail_offset = plan->header.e_shoff;
    int r = plan_append_section_header(plan, plan->segment_count, &plan->tail);
    if (r < 0)
        return error_set(error, -r, "no memory");
    plan->core_size = plan->tail_offset + plan->tail.size;
    return 0;
}

/* Checks that segments follow one another in the file, and adds up its size. */
static int check_order(struct plan *plan, struct error *error)
{
    uint64_t end = plan->head.size;
    for (size_t i = 0; i < plan->load_count; i++) {
        if (plan->loads[i].p_filesz == 0)
            continue;
        if (plan->loads[i].p_offset < end)
            return error_set(error, ENOTSUP, "segments overlap each other or the notes");
        end = plan->loads[i].p_offset + plan->loads[i].p_filesz;
    }
    plan->core_size = end;
    return set_tail(plan, error);
}

static uint64_t load_word(const void *at, unsigned width)
{
    uint64_t wide;
    uint32_t narrow;
    if (width == sizeof wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

static const struct register_layout *register_layout(const struct plan *plan)
{
    for (size_t i = 0; i < ARRAY_SIZE(register_layouts); i++)
        if (register_layouts[i].machine == plan->header.e_machine &&
            register_layouts[i].elf_class == plan->header.e_ident[EI_CLASS])
            return &register_layouts[i];
    return NULL;
}

static void read_thread(const struct plan *plan, const struct plan_note *note,
                        struct plan_thread *thread)
{
    const struct register_layout *layout = register_layout(plan);
    const char *status = note->data;
    size_t pid_offset = plan_is_64(plan) ? 32 : 24; /* pr_pid of struct elf_prstatus */

    if (note->size >= pid_offset + 4)
        thread->tid = (uint32_t)load_word(status + pid_offset, 4);
    if (!layout || note->size < layout->offset + (size_t)layout->count * layout->width)
        return;
    thread->register_count = layout->count;
    for (unsigned i = 0; i < layout->count; i++)
        thread->registers[i] =
            load_word(status + layout->offset + i * layout->width, layout->width);
    thread->stack_pointer = thread->registers[layout->stack_pointer];
    thread->program_counter = thread->registers[layout->program_counter];
}

static bool note_is(const struct plan_note *note, const char *name, uint32_t type)
{
    return note->type == type && note->name_size == strlen(name) + 1 &&
           memcmp(note->name, name, note->name_size) == 0;
}

static int read_threads(struct plan *plan, struct error *error)
{
    struct plan_note note;
    size_t count = 0;

    for (size_t at = 0; plan_next_note(plan, &at, &note);)
        count += note_is(&note, "CORE", NT_PRSTATUS);
    plan->threads = calloc(count + 1, sizeof *plan->threads);
    if (!plan->threads)
        return error_set(error, ENOMEM, "no memory for %zu threads", count);
    for (size_t at = 0; plan_next_note(plan, &at, &note);)
        if (note_is(&note, "CORE", NT_PRSTATUS))
            read_thread(plan, &note, &plan->threads[plan->thread_count++]);
    return 0;
}

int plan_read(int fd, uint64_t deadline, struct plan *plan, struct error *error)
{
    const struct stream stream = {fd, deadline};
    int r = read_header(&stream, plan, error);
    if (r >= 0)
        r = read_program_headers(&stream, plan, error);
    if (r >= 0) {
        r = read_notes(&stream, plan, error);
        if (r < 0)
            plan->notes_size = 0; /* nobody is to look for them in what was read */
    }
    if (r >= 0)
        r = check_order(plan, error);
    if (r >= 0)
        r = read_threads(plan, error);
    return r;
}

void plan_clear(struct plan *plan)
{
    bytes_free(&plan->head);
    bytes_free(&plan->tail);
    free(plan->loads);
    free(plan->threads);
    *plan = (struct plan){0};
}

/* Moves *position over `size` bytes and their padding. False where they are not there. */
static bool skip(const struct plan *plan, size_t *position, uint32_t size, const char **ret)
{
    size_t padded = ((size_t)size + NOTE_ALIGNMENT - 1) & ~(size_t)(NOTE_ALIGNMENT - 1);
    if (padded > plan->notes_size - *position)
        return false;
    *ret = plan->head.data + plan->notes_offset + *position;
    *position += padded;
    return true;
}

bool plan_next_note(const struct plan *plan, size_t *position, struct plan_note *ret)
{
    Elf64_Nhdr header; /* the same in both classes */
    const char *at, *name, *data;

    if (!skip(plan, position, sizeof header, &at))
        return false;
    memcpy(&header, at, sizeof header);
    if (!skip(plan, position, header.n_namesz, &name) ||
        !skip(plan, position, header.n_descsz, &data))
        return false;
    *ret = (struct plan_note){header.n_type, name, header.n_namesz, data, header.n_descsz};
    return true;
}

bool plan_find_note(const struct plan *plan, const char *name, uint32_t type, struct plan_note *ret)
{
    struct plan_note note;
    for (size_t at = 0; plan_next_note(plan, &at, &note);)
        if (note_is(&note, name, type)) {
            *ret = note;
            return true;
        }
    return false;
}

const Elf64_Phdr *plan_find_load(const struct plan *plan, uint64_t address)
{
    /* Loads are in the order of the file, which need not be that of the addresses. */
    for (size_t i = 0; i < plan->load_count; i++)
        if (address - plan->loads[i].p_vaddr < plan->loads[i].p_memsz)
            return &plan->loads[i];
    return NULL;
}

bool plan_auxv(const struct plan *plan, uint64_t type, uint64_t *ret)
{
    unsigned width = plan_is_64(plan) ? 8 : 4;
    struct plan_note note;

    if (!plan_find_note(plan, "CORE", NT_AUXV, &note))
        return false;
    const char *at = note.data;
    for (size_t left = note.size; left >= 2 * width; left -= 2 * width, at += 2 * width)
        if (load_word(at, width) == type) {
            *ret = load_word(at + width, width);
            return true;
        }
    return false;
}

static bool signal_has_address(int number, int code)
{
    bool is_fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
                    number == SIGTRAP;
    return is_fault && code > 0 && code != SI_KERNEL;
}

static bool signal_has_sender(int code)
{
    return code == SI_USER || code == SI_TKILL || code == SI_QUEUE;
}

int plan_set_facts(const struct plan *plan, struct metadata *facts)
{
    struct plan_note note;
    unsigned width = plan_is_64(plan) ? 8 : 4;
    size_t fields = plan_is_64(plan) ? 16 : 12; /* siginfo's union, behind signo, errno, code */

    if (!plan_find_note(plan, "CORE", NT_SIGINFO, &note) || note.size < fields + 2 * width)
        return 0;
    const char *at = note.data;
    int32_t number = (int32_t)load_word(at, 4), code = (int32_t)load_word(at + 8, 4);
    int r = metadata_set_i64(facts, KEY_SI_CODE, code);
    if (r >= 0 && signal_has_address(number, code))
        r = metadata_set_u64(facts, KEY_FAULT_ADDRESS, load_word(at + fields, width));
    if (r >= 0 && signal_has_sender(code)) {
        r = metadata_set_i64(facts, KEY_SENDER_PID, (int32_t)load_word(at + fields, 4));
        if (r >= 0)
            r = metadata_set_u64(facts, KEY_SENDER_UID, load_word(at + fields + 4, 4));
    }
    return r;
}
