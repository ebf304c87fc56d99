/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-plan - the front of a core is read as the kernel writes it, and nothing else is believed. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/core_head.h"
#include "hook/plan.h"
#include "store/base/bytes.h"
#include "store/base/clock.h"
#include "store/keys.h"

enum { PAGE = 4096 };

/* A core to be read: its bytes, to be changed by a test before it reads them. */
struct core {
    struct bytes bytes;
    Elf64_Ehdr header;
    Elf64_Phdr *segments;
    size_t count;
    struct bytes notes;
};

static void add_note(struct core *core, const char *name, uint32_t type, const void *data,
                     uint32_t size)
{
    static const char zeros[4];
    Elf64_Nhdr note = {.n_namesz = (uint32_t)strlen(name) + 1, .n_descsz = size, .n_type = type};
    assert_int_equal(bytes_append(&core->notes, &note, sizeof note), 0);
    assert_int_equal(bytes_append(&core->notes, name, note.n_namesz), 0);
    assert_int_equal(bytes_append(&core->notes, zeros, -note.n_namesz & 3), 0);
    assert_int_equal(bytes_append(&core->notes, data, size), 0);
    assert_int_equal(bytes_append(&core->notes, zeros, -size & 3), 0);
}

/* An x86-64 core of `count` loads of a page each, as the kernel lays it out. */
static struct core make_core(size_t count)
{
    char status[336] = {0};
    struct core core = {.count = count + 1};

    core.header = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof core.header,
        .e_ehsize = sizeof core.header,
        .e_phentsize = sizeof(Elf64_Phdr),
    };
    memcpy(status + 32, &(int){4711}, sizeof(int));            /* pr_pid */
    memcpy(status + 112 + 19 * 8, &(uint64_t){0x7ffc1000}, 8); /* rsp */
    memcpy(status + 112 + 16 * 8, &(uint64_t){0x401234}, 8);   /* rip */
    add_note(&core, "CORE", NT_PRSTATUS, status, sizeof status);
    add_note(&core, "CORE", NT_AUXV, (uint64_t[]){AT_PHDR, 0x400040, AT_NULL, 0}, 32);
    status[32]++;
    add_note(&core, "CORE", NT_PRSTATUS, status, sizeof status);

    core.segments = calloc(core.count, sizeof *core.segments);
    if (!core.segments)
        abort();
    uint64_t offset = sizeof core.header + core.count * sizeof *core.segments;
    core.segments[0] =
        (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = offset, .p_filesz = core.notes.size};
    offset = (offset + core.notes.size + PAGE - 1) / PAGE * PAGE;
    for (size_t i = 1; i < core.count; i++, offset += PAGE)
        core.segments[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                        .p_flags = PF_R,
                                        .p_offset = offset,
                                        .p_vaddr = 0x400000 + i * 2 * PAGE,
                                        .p_filesz = PAGE,
                                        .p_memsz = PAGE};
    core.header.e_phnum = core.count < PN_XNUM ? (uint16_t)core.count : PN_XNUM;
    if (core.count >= PN_XNUM) {
        core.header.e_shoff = offset;
        core.header.e_shnum = 1;
        core.header.e_shentsize = sizeof(Elf64_Shdr);
    }
    return core;
}

/* Writes the core up to its notes into a file and reads that. */
static int read_core(struct core *core, size_t limit, struct plan *plan)
{
    struct error error = {0};
    int fd = memfd_create("core", MFD_CLOEXEC);
    bytes_clear(&core->bytes);
    bytes_append(&core->bytes, &core->header, sizeof core->header);
    bytes_append(&core->bytes, core->segments, core->count * sizeof *core->segments);
    bytes_append(&core->bytes, core->notes.data, core->notes.size);
    if (limit > core->bytes.size)
        limit = core->bytes.size;
    assert_int_equal(write(fd, core->bytes.data, limit), (ssize_t)limit);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    int r = plan_read(fd, CLOCK_NEVER, plan, &error);
    if (r < 0)
        assert_true(error.code == -r && error.text[0] != '\0');
    close(fd);
    return r;
}

static void free_core(struct core *core)
{
    bytes_free(&core->bytes);
    bytes_free(&core->notes);
    free(core->segments);
}

static void test_reads_what_is_there(void **state)
{
    struct core core = make_core(3);
    AUTO_PLAN struct plan plan = {0};
    uint64_t value;

    (void)state;
    assert_int_equal(read_core(&core, SIZE_MAX, &plan), 0);
    assert_int_equal(plan.head.size, core.bytes.size);
    assert_memory_equal(plan.head.data, core.bytes.data, core.bytes.size);
    assert_int_equal(plan.load_count, 3);
    assert_int_equal(plan.loads[2].p_vaddr, 0x400000 + 6 * PAGE);
    assert_int_equal(plan.core_size, core.segments[3].p_offset + PAGE);
    assert_int_equal(plan.tail.size, 0);
    assert_int_equal(plan.thread_count, 2);
    assert_int_equal(plan.threads[0].tid, 4711);
    assert_int_equal(plan.threads[1].tid, 4712);
    assert_int_equal(plan.threads[0].stack_pointer, 0x7ffc1000);
    assert_int_equal(plan.threads[0].program_counter, 0x401234);
    assert_true(plan_auxv(&plan, AT_PHDR, &value) && value == 0x400040);
    assert_false(plan_auxv(&plan, AT_BASE, &value));
    assert_ptr_equal(plan_find_load(&plan, 0x400000 + 4 * PAGE + 1), &plan.loads[1]);
    assert_null(plan_find_load(&plan, 0x400000 + 3 * PAGE));
    free_core(&core);
}

static void test_leaves_the_rest_in_the_pipe(void **state)
{
    struct core core = make_core(2);
    AUTO_PLAN struct plan plan = {0};
    int ends[2];
    char next[5] = {0};

    (void)state;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    read_core(&core, 0, &plan); /* only for the bytes */
    plan_clear(&plan);
    assert_int_equal(write(ends[1], core.bytes.data, core.bytes.size), core.bytes.size);
    assert_int_equal(write(ends[1], "rest", 4), 4);
    assert_int_equal(plan_read(ends[0], clock_now_us() + 1000000, &plan, NULL), 0);
    assert_int_equal(read(ends[0], next, 4), 4);
    assert_string_equal(next, "rest");

    /* Nothing comes: the deadline ends the wait, and what had come is kept. */
    plan_clear(&plan);
    assert_int_equal(write(ends[1], core.bytes.data, 100), 100);
    assert_int_equal(plan_read(ends[0], clock_now_us() + 20000, &plan, NULL), -ETIMEDOUT);
    assert_int_equal(plan.head.size, 100);
    close(ends[0]);
    close(ends[1]);
    free_core(&core);
}

static void test_counts_more_than_16_bits_of_segments(void **state)
{
    (void)state;
    for (size_t count = PN_XNUM - 2; count <= PN_XNUM + 1000; count += 501) {
        struct core core = make_core(count);
        AUTO_PLAN struct plan plan = {0};
        Elf64_Shdr section;

        assert_int_equal(read_core(&core, SIZE_MAX, &plan), 0);
        assert_int_equal(plan.load_count, count);
        assert_int_equal(plan.segment_count, count + 1);
        if (count + 1 < PN_XNUM) {
            assert_int_equal(plan.tail.size, 0);
        } else {
            assert_int_equal(plan.tail.size, sizeof section);
            memcpy(&section, plan.tail.data, sizeof section);
            assert_int_equal(section.sh_info, count + 1);
            assert_int_equal(plan.core_size, core.header.e_shoff + sizeof section);
        }
        free_core(&core);
    }
}

static void test_every_cut_is_an_error(void **state)
{
    struct core core = make_core(3);
    size_t whole;

    (void)state;
    {
        AUTO_PLAN struct plan plan = {0};
        assert_int_equal(read_core(&core, SIZE_MAX, &plan), 0);
        whole = plan.head.size;
    }
    for (size_t size = 0; size < whole; size++) {
        AUTO_PLAN struct plan plan = {0};
        assert_int_equal(read_core(&core, size, &plan), -ENODATA);
        assert_int_equal(plan.head.size, size);
        struct plan_note note;
        assert_false(plan_find_note(&plan, "CORE", NT_AUXV, &note)); /* nor looked for outside */
    }
    free_core(&core);
}

static void make_no_elf(struct core *core)
{
    core->header.e_ident[1] = 'X';
}

static void make_no_core(struct core *core)
{
    core->header.e_type = ET_EXEC;
}

static void make_other_byte_order(struct core *core)
{
    core->header.e_ident[EI_DATA] = ELFDATA2MSB;
}

static void make_far_headers(struct core *core)
{
    core->header.e_phoff = 1 << 30;
}

static void make_huge_notes(struct core *core)
{
    core->segments[0].p_filesz = UINT64_C(1) << 40;
}

static void make_early_notes(struct core *core)
{
    core->segments[0].p_offset = 8;
}

static void make_overlap(struct core *core)
{
    core->segments[2].p_offset -= 1;
}

static void make_overflow(struct core *core)
{
    core->segments[1].p_offset = UINT64_MAX - 10;
}

static void make_address_overflow(struct core *core)
{
    core->segments[1].p_vaddr = UINT64_MAX - 10;
}

static void make_more_file_than_memory(struct core *core)
{
    core->segments[1].p_memsz = PAGE - 1;
}

static void make_other_segment(struct core *core)
{
    core->segments[2].p_type = 0x70000002; /* PT_AARCH64_MEMTAG_MTE */
}

static void make_endless_count(struct core *core)
{
    core->header.e_phnum = PN_XNUM;
    core->segments[0].p_offset = UINT64_C(1) << 40;
}

static void make_wrong_entry_size(struct core *core)
{
    core->header.e_phentsize = 1;
}

static void test_nonsense_is_refused(void **state)
{
    static const struct {
        void (*make)(struct core *core);
        int error;
    } cases[] = {
        {make_no_elf, EBADMSG},           {make_no_core, EBADMSG},
        {make_other_byte_order, EBADMSG}, {make_far_headers, EBADMSG},
        {make_huge_notes, ENOTSUP},       {make_early_notes, ENOTSUP},
        {make_overlap, ENOTSUP},          {make_overflow, EBADMSG},
        {make_address_overflow, EBADMSG}, {make_more_file_than_memory, EBADMSG},
        {make_other_segment, ENOTSUP},    {make_endless_count, ENOTSUP},
        {make_wrong_entry_size, EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct core core = make_core(4);
        AUTO_PLAN struct plan plan = {0};
        cases[i].make(&core);
        assert_int_equal(read_core(&core, SIZE_MAX, &plan), -cases[i].error);
        free_core(&core);
    }
}

static void test_any_order_of_segments(void **state)
{
    struct core core = make_core(4);
    AUTO_PLAN struct plan plan = {0};
    Elf64_Phdr first = core.segments[1];

    (void)state;
    core.segments[1] = core.segments[4]; /* core_sort_vma and whatever comes after it */
    core.segments[4] = first;
    assert_int_equal(read_core(&core, SIZE_MAX, &plan), 0);
    for (size_t i = 1; i < plan.load_count; i++)
        assert_true(plan.loads[i].p_offset > plan.loads[i - 1].p_offset);
    free_core(&core);
}

static void test_signal_facts(void **state)
{
    struct core core = make_core(1);
    struct metadata *facts = metadata_new();
    AUTO_PLAN struct plan plan = {0}, sent = {0};
    char info[128] = {0};
    uint64_t value;

    (void)state;
    memcpy(info, &(int){SIGSEGV}, 4);
    memcpy(info + 8, &(int){SEGV_MAPERR}, 4);
    memcpy(info + 16, &(uint64_t){0xdeadbeef}, 8);
    add_note(&core, "CORE", NT_SIGINFO, info, sizeof info);
    core.segments[0].p_filesz = core.notes.size;
    assert_int_equal(read_core(&core, SIZE_MAX, &plan), 0);
    assert_int_equal(plan_set_facts(&plan, facts), 0);
    assert_int_equal(metadata_u64(facts, KEY_FAULT_ADDRESS, &value), 0);
    assert_int_equal(value, 0xdeadbeef);
    assert_null(metadata_get(facts, KEY_SENDER_PID));
    metadata_free(facts);
    free_core(&core);

    core = make_core(1);
    facts = metadata_new();
    memcpy(info + 8, &(int){SI_USER}, 4);
    memcpy(info + 16, (int[]){42, 1000}, 8);
    add_note(&core, "CORE", NT_SIGINFO, info, sizeof info);
    core.segments[0].p_filesz = core.notes.size;
    assert_int_equal(read_core(&core, SIZE_MAX, &sent), 0);
    assert_int_equal(plan_set_facts(&sent, facts), 0);
    assert_null(metadata_get(facts, KEY_FAULT_ADDRESS));
    assert_string_equal(metadata_text(facts, KEY_SENDER_PID), "42");
    assert_string_equal(metadata_text(facts, KEY_SENDER_UID), "1000");
    metadata_free(facts);
    free_core(&core);
}

/* What core_head_write() writes, plan_read() reads. */
static void test_own_layout(void **state)
{
    struct core core = make_core(2);
    AUTO_PLAN struct plan plan = {0};

    (void)state;
    assert_int_equal(read_core(&core, SIZE_MAX, &plan), 0);
    for (size_t count = 1; count <= PN_XNUM + 1; count += PN_XNUM / 2 + 1) {
        AUTO_PLAN struct plan again = {0};
        AUTO_CORE_HEAD struct core_head head = {0};
        AUTO_FREE Elf64_Phdr *loads = calloc(count, sizeof *loads);
        for (size_t i = 0; i < count; i++)
            loads[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                                    .p_vaddr = i * 3 * PAGE,
                                    .p_filesz = i % 2 ? PAGE : 0,
                                    .p_memsz = 2 * PAGE};
        assert_int_equal(core_head_write(&plan, loads, count, &head, NULL), 0);
        int fd = memfd_create("core", MFD_CLOEXEC);
        assert_int_equal(write(fd, head.head.data, head.head.size), head.head.size);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(plan_read(fd, CLOCK_NEVER, &again, NULL), 0);
        assert_int_equal(again.load_count, count);
        assert_int_equal(again.thread_count, 2);
        assert_int_equal(again.core_size, head.size);
        assert_int_equal(again.tail.size, head.tail.size);
        close(fd);
    }
    free_core(&core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_is_there),
        cmocka_unit_test(test_leaves_the_rest_in_the_pipe),
        cmocka_unit_test(test_counts_more_than_16_bits_of_segments),
        cmocka_unit_test(test_every_cut_is_an_error),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_any_order_of_segments),
        cmocka_unit_test(test_signal_facts),
        cmocka_unit_test(test_own_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
