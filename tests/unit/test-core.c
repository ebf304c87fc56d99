/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test-core.c - what a core tells of its process, and what is composed of a core that was cut. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>

#include <cmocka.h>

#include "store/base/bytes.h"
#include "store/core_compose.h"
#include "store/core_elf.h"
#include "store/core_facts.h"
#include "store/keys.h"
#include "store/record_writer.h"

enum { PAGE = 4096, BASE = 0x400000, STACK = 0x7000000 };

/* ---- cores to begin with ---- */

static void add_note(struct bytes *notes, uint32_t type, const void *desc, size_t size)
{
    static const char zeros[4];
    Elf64_Nhdr header = {.n_namesz = 5, .n_descsz = (uint32_t)size, .n_type = type};

    bytes_append(notes, &header, sizeof header);
    bytes_append(notes, "CORE\0\0\0", 8);
    bytes_append(notes, desc, size);
    bytes_append(notes, zeros, -size & 3);
}

static void add_usual_notes(struct bytes *notes)
{
    struct elf_prstatus status = {.pr_pid = 102, .pr_cursig = SIGSEGV};
    struct elf_prstatus other = {.pr_pid = 101};
    struct elf_prpsinfo info = {.pr_pid = 101, .pr_uid = 1000, .pr_gid = 100};
    siginfo_t siginfo = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};
    uint64_t auxv[] = {AT_ENTRY, BASE + 16, AT_NULL, 0};
    struct {
        uint64_t count, page, ranges[2][3];
        char names[16];
    } files = {2, PAGE, {{0x1000, 0x2000, 0}, {BASE, BASE + PAGE, 0}}, "/lib/x\0/bin/y"};

    siginfo.si_addr = (void *)0x1234;
    memcpy(info.pr_fname, "victim", 6);
    memcpy(info.pr_psargs, "./victim -x ", 12);
    add_note(notes, NT_PRSTATUS, &status, sizeof status);
    add_note(notes, NT_PRPSINFO, &info, sizeof info);
    add_note(notes, NT_SIGINFO, &siginfo, sizeof siginfo);
    add_note(notes, NT_AUXV, auxv, sizeof auxv);
    add_note(notes, NT_FILE, &files, sizeof files);
    add_note(notes, NT_PRSTATUS, &other, sizeof other);
}

struct load {
    uint64_t vaddr, pages;
    char fill;
};

/* A core with the usual notes and these loads, each page filled with its letter. */
static void make_core(const struct load *loads, size_t count, struct bytes *ret)
{
    struct bytes notes = {0};
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_phoff = sizeof header,
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = (uint16_t)(count + 1)};

    add_usual_notes(&notes);
    memcpy(header.e_ident, ELFMAG "\2\1\1", 7);
    bytes_append(ret, &header, sizeof header);
    uint64_t offset = sizeof header + (count + 1) * sizeof(Elf64_Phdr);
    Elf64_Phdr note = {.p_type = PT_NOTE, .p_offset = offset, .p_filesz = notes.size};
    bytes_append(ret, &note, sizeof note);
    offset += notes.size;
    for (size_t i = 0; i < count; i++) {
        uint64_t size = loads[i].pages * PAGE;
        Elf64_Phdr load = {.p_type = PT_LOAD,
                           .p_flags = PF_R,
                           .p_offset = offset,
                           .p_vaddr = loads[i].vaddr,
                           .p_filesz = size,
                           .p_memsz = size};
        bytes_append(ret, &load, sizeof load);
        offset += size;
    }
    bytes_append(ret, notes.data, notes.size);
    bytes_free(&notes);
    for (size_t i = 0; i < count; i++) {
        bytes_reserve(ret, loads[i].pages * PAGE);
        memset(ret->data + ret->size, loads[i].fill, loads[i].pages * PAGE);
        ret->size += loads[i].pages * PAGE;
    }
}

static const struct load whole_loads[] = {{BASE, 4, 'a'}, {STACK, 8, 's'}};
static const struct load rescue_loads[] = {{STACK + 2 * PAGE, 1, 's'}, {STACK + 5 * PAGE, 2, 's'}};

static int make_record(const struct bytes *content, size_t size, const struct bytes *rescue,
                       enum record_state state)
{
    struct record_writer *writer;
    struct metadata *facts = metadata_new(), *outcome = metadata_new();
    int fd = memfd_create("record", MFD_CLOEXEC);

    assert_int_equal(record_writer_new(fd, &writer), 0);
    metadata_set_u64(facts, KEY_PID, 1);
    assert_int_equal(record_writer_facts(writer, facts), 0);
    if (rescue)
        assert_int_equal(record_writer_rescue(writer, rescue->data, rescue->size), 0);
    if (size > 0)
        assert_int_equal(record_writer_append(writer, content->data, size), 0);
    metadata_set_text(outcome, KEY_STATE, record_state_name(state));
    assert_int_equal(record_writer_finish(writer, outcome), 0);
    record_writer_free(writer);
    metadata_free(facts);
    metadata_free(outcome);
    return fd;
}

static int append(void *context, const void *data, size_t size)
{
    struct bytes *out = context;
    int r = bytes_reserve(out, size);
    if (r < 0)
        return r;
    if (data)
        memcpy(out->data + out->size, data, size);
    else
        memset(out->data + out->size, 0, size);
    out->size += size;
    return 0;
}

static int compose(int fd, struct bytes *ret, bool *ret_whole)
{
    struct record *record;
    assert_int_equal(record_open(fd, &record, NULL), 0);
    int r = core_compose(record, append, ret, ret_whole, NULL);
    record_free(record);
    close(fd);
    return r;
}

/* The byte that a debugger would read at `address`: -1 where there is none. */
static int memory_at(const struct bytes *core, uint64_t address)
{
    struct core_elf elf;

    assert_int_equal(core_elf_open(core->data, core->size, &elf), 0);
    assert_true(core_elf_has_segments(&elf));
    for (uint64_t i = 0; i < elf.phnum; i++) {
        struct core_segment s;
        core_elf_segment(&elf, i, &s);
        if (s.type != PT_LOAD || address < s.vaddr || address - s.vaddr >= s.memsz)
            continue;
        if (address - s.vaddr >= s.filesz)
            return 0;
        assert_true(s.offset + s.filesz <= core->size);
        return core->data[s.offset + (address - s.vaddr)];
    }
    return -1;
}

/* ---- facts ---- */

static void assert_fact(const struct metadata *facts, const char *key, const char *expected)
{
    const char *text = metadata_text(facts, key);
    if (!expected) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_string_equal(text, expected);
}

static void test_facts(void **state)
{
    struct bytes core = {0};
    struct metadata *facts = metadata_new();

    (void)state;
    make_core(whole_loads, 2, &core);
    assert_int_equal(core_facts(core.data, core.size, facts, NULL), 0);
    assert_fact(facts, KEY_PID, "101");
    assert_fact(facts, KEY_TID, "102");
    assert_fact(facts, KEY_UID, "1000");
    assert_fact(facts, KEY_GID, "100");
    assert_fact(facts, KEY_SIGNAL, "11");
    assert_fact(facts, KEY_SI_CODE, "1");
    assert_fact(facts, KEY_FAULT_ADDRESS, "4660");
    assert_fact(facts, KEY_SENDER_PID, NULL);
    assert_fact(facts, KEY_COMM, "victim");
    assert_fact(facts, KEY_CMDLINE, "./victim -x");
    assert_fact(facts, KEY_EXE, "/bin/y");
    assert_fact(facts, KEY_ARCH, "x86_64");
    metadata_free(facts);
    bytes_free(&core);
}

static void test_facts_known_stay(void **state)
{
    struct bytes core = {0};
    struct metadata *facts = metadata_new();

    (void)state;
    make_core(whole_loads, 2, &core);
    metadata_set_u64(facts, KEY_UID, 0);
    assert_int_equal(core_facts(core.data, core.size, facts, NULL), 0);
    assert_fact(facts, KEY_UID, "0");
    metadata_free(facts);
    bytes_free(&core);
}

/* Every prefix and every single changed byte of the front: never read outside, never fail otherwise
 * than by saying so. Runs under the address sanitizer, too. */
static void test_facts_hostile(void **state)
{
    struct bytes core = {0};

    (void)state;
    make_core(whole_loads, 1, &core);
    size_t front = core.size - 4 * PAGE;
    for (size_t size = 0; size <= front; size++) {
        char *copy = malloc(size + 1);
        struct metadata *facts = metadata_new();
        memcpy(copy, core.data, size);
        int r = core_facts(copy, size, facts, NULL);
        assert_true(r == 0 || r == -EBADMSG);
        metadata_free(facts);
        free(copy);
    }
    for (size_t i = 0; i < front; i++) {
        struct metadata *facts = metadata_new();
        char *copy = malloc(front);
        memcpy(copy, core.data, front);
        copy[i] = (char)0xff;
        int r = core_facts(copy, front, facts, NULL);
        assert_true(r == 0 || r == -EBADMSG);
        metadata_free(facts);
        free(copy);
    }
    bytes_free(&core);
}

static void test_facts_no_core(void **state)
{
    struct metadata *facts = metadata_new();
    char text[256] = "this is no core";

    (void)state;
    assert_int_equal(core_facts(text, sizeof text, facts, NULL), -EBADMSG);
    metadata_free(facts);
}

/* ---- composing ---- */

static void test_compose_full(void **state)
{
    struct bytes core = {0}, rescue = {0}, got = {0};
    bool whole = false;

    (void)state;
    make_core(whole_loads, 2, &core);
    make_core(rescue_loads, 2, &rescue);
    assert_int_equal(compose(make_record(&core, core.size, &rescue, RECORD_FULL), &got, &whole), 0);
    assert_true(whole);
    assert_int_equal(got.size, core.size);
    assert_memory_equal(got.data, core.data, core.size);
    bytes_free(&core);
    bytes_free(&rescue);
    bytes_free(&got);
}

static void test_compose_stacks(void **state)
{
    struct bytes rescue = {0}, got = {0};
    bool whole = true;

    (void)state;
    make_core(rescue_loads, 2, &rescue);
    assert_int_equal(compose(make_record(NULL, 0, &rescue, RECORD_STACKS), &got, &whole), 0);
    assert_false(whole);
    assert_int_equal(got.size, rescue.size);
    assert_memory_equal(got.data, rescue.data, rescue.size);
    bytes_free(&rescue);
    bytes_free(&got);
}

static void test_compose_nothing(void **state)
{
    struct bytes got = {0};

    (void)state;
    assert_int_equal(compose(make_record(NULL, 0, NULL, RECORD_FACTS), &got, NULL), -ENODATA);
    assert_int_equal(got.size, 0);
}

/* Cut in the middle of the stack: what is before the cut stays, what the rescue core has of the
 * rest is there, and the remainder is unreadable rather than zero. */
static void test_compose_cut(void **state)
{
    struct bytes core = {0}, rescue = {0}, got = {0};
    bool whole = true;

    (void)state;
    make_core(whole_loads, 2, &core);
    make_core(rescue_loads, 2, &rescue);
    size_t cut = core.size - 6 * PAGE + 100;
    assert_int_equal(compose(make_record(&core, cut, &rescue, RECORD_TRUNCATED), &got, &whole), 0);
    assert_false(whole);
    assert_int_equal(memory_at(&got, BASE), 'a');
    assert_int_equal(memory_at(&got, BASE + 4 * PAGE - 1), 'a');
    assert_int_equal(memory_at(&got, STACK), 's');
    assert_int_equal(memory_at(&got, STACK + 2 * PAGE + 99), 's');
    assert_int_equal(memory_at(&got, STACK + 2 * PAGE + 100), 's'); /* the rescue core's */
    assert_int_equal(memory_at(&got, STACK + 3 * PAGE - 1), 's');
    assert_int_equal(memory_at(&got, STACK + 3 * PAGE), -1);
    assert_int_equal(memory_at(&got, STACK + 5 * PAGE - 1), -1);
    assert_int_equal(memory_at(&got, STACK + 5 * PAGE), 's');
    assert_int_equal(memory_at(&got, STACK + 7 * PAGE - 1), 's');
    assert_int_equal(memory_at(&got, STACK + 7 * PAGE), -1);
    bytes_free(&core);
    bytes_free(&rescue);
    bytes_free(&got);
}

/* Wherever it is cut, what comes out is a core whose headers hold, and none of whose bytes lie. */
static void test_compose_any_cut(void **state)
{
    struct bytes core = {0}, rescue = {0};

    (void)state;
    make_core(whole_loads, 2, &core);
    make_core(rescue_loads, 2, &rescue);
    for (size_t cut = 1; cut < core.size; cut += 211) {
        struct bytes got = {0};
        struct metadata *facts = metadata_new();
        bool whole = true;
        int fd = make_record(&core, cut, &rescue, RECORD_TRUNCATED);
        assert_int_equal(compose(fd, &got, &whole), 0);
        assert_false(whole);
        for (uint64_t page = 0; page < 4; page++) {
            int there = memory_at(&got, BASE + page * PAGE);
            assert_true(there == 'a' || there == -1);
        }
        for (uint64_t page = 0; page < 8; page++) {
            int there = memory_at(&got, STACK + page * PAGE);
            assert_true(there == 's' || there == -1);
        }
        assert_int_equal(memory_at(&got, STACK + 5 * PAGE), 's');
        assert_int_equal(core_facts(got.data, got.size, facts, NULL), 0);
        assert_fact(facts, KEY_TID, "102");
        metadata_free(facts);
        bytes_free(&got);
    }
    bytes_free(&core);
    bytes_free(&rescue);
}

static void test_compose_without_rescue(void **state)
{
    struct bytes core = {0}, got = {0};

    (void)state;
    make_core(whole_loads, 2, &core);
    size_t cut = core.size - 6 * PAGE;
    assert_int_equal(compose(make_record(&core, cut, NULL, RECORD_TRUNCATED), &got, NULL), 0);
    assert_int_equal(memory_at(&got, STACK + PAGE), 's');
    assert_int_equal(memory_at(&got, STACK + 2 * PAGE), -1);
    bytes_free(&core);
    bytes_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),           cmocka_unit_test(test_facts_known_stay),
        cmocka_unit_test(test_facts_hostile),   cmocka_unit_test(test_facts_no_core),
        cmocka_unit_test(test_compose_full),    cmocka_unit_test(test_compose_stacks),
        cmocka_unit_test(test_compose_nothing), cmocka_unit_test(test_compose_cut),
        cmocka_unit_test(test_compose_any_cut), cmocka_unit_test(test_compose_without_rescue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
