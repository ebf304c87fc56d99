/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-memory - a core is taken from a process that stands still: all layouts, and what happens
 * when it is killed meanwhile. The real kernel's cores have tests in tests/kernel/.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook/extents.h"
#include "hook/memory.h"
#include "hook/plan.h"
#include "hook/rescue.h"
#include "hook/source_memory.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/keys.h"

enum { PAGE = 4096, MIB = 1 << 20 };

/* The victim has this at the same address as we: it is our child. */
struct areas {
    char *scattered; /* 8 MiB, every 5th page written */
    char *large;     /* 3 GiB, one page in each 256 MiB */
    char *shared;    /* 1 MiB, written by us after the fork */
};

static const size_t scattered_size = 8 * MIB, large_size = 3ul << 30, shared_size = MIB;

struct subject {
    struct areas areas;
    struct victim victim;
    struct plan plan;
};

static void *map(size_t size, int flags)
{
    void *area =
        mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(area, MAP_FAILED);
    (void)madvise(area, size, MADV_NOHUGEPAGE);
    return area;
}

static _Noreturn void be_victim(const struct areas *areas, bool with_large)
{
    for (size_t i = 0; i < scattered_size / PAGE; i += 5)
        memset(areas->scattered + i * PAGE, (int)(i % 255) + 1, PAGE);
    for (size_t i = 0; with_large && i < large_size; i += 256 * MIB)
        memset(areas->large + i + PAGE, 'L', 100);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    _exit(0);
}

static void read_proc(pid_t pid, const char *name, struct bytes *ret)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    assert_int_equal(io_read_file(AT_FDCWD, path, 64 * MIB, ret), 0);
}

static int open_proc(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Loads of all that the victim has mapped privately and can read, as a core would name them. */
static size_t make_loads(const struct bytes *maps, Elf64_Phdr *loads, size_t max)
{
    size_t count = 0;
    for (const char *line = maps->data; line && *line; line = strchr(line, '\n') + 1) {
        unsigned long long start, end;
        char rights[5];
        if (sscanf(line, "%llx-%llx %4s", &start, &end, rights) != 3)
            break;
        if (count == max || rights[0] != 'r' || start > INT64_MAX)
            continue;
        loads[count++] = (Elf64_Phdr){
            .p_type = PT_LOAD,
            .p_flags = PF_R | (rights[1] == 'w' ? PF_W : 0),
            .p_vaddr = start,
            .p_filesz = end - start,
            .p_memsz = end - start,
            .p_align = PAGE,
        };
    }
    return count;
}

/* The front of the core that the kernel would send: header, program headers, one thread's note. */
static void make_front(const struct bytes *maps, uint64_t stack_pointer, struct bytes *ret)
{
    struct {
        Elf64_Nhdr header;
        char name[8];
        char status[336];
    } note = {.header = {5, sizeof note.status, NT_PRSTATUS}, .name = "CORE"};
    Elf64_Phdr segments[1024] = {0};
    size_t count = make_loads(maps, segments + 1, ARRAY_SIZE(segments) - 1) + 1;
    uint64_t offset = sizeof(Elf64_Ehdr) + count * sizeof *segments;
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof header,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof *segments,
        .e_phnum = (uint16_t)count,
    };

    memcpy(note.status + 112 + 19 * 8, &stack_pointer, sizeof stack_pointer);
    segments[0] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = offset, .p_filesz = sizeof note};
    offset = (offset + sizeof note + PAGE - 1) / PAGE * PAGE;
    for (size_t i = 1; i < count; i++) {
        segments[i].p_offset = offset;
        offset += segments[i].p_filesz;
    }
    bytes_append(ret, &header, sizeof header);
    bytes_append(ret, segments, count * sizeof *segments);
    bytes_append(ret, &note, sizeof note);
}

static void read_plan(struct subject *subject)
{
    AUTO_BYTES struct bytes front = {0};
    struct user_regs_struct registers;
    int fd = memfd_create("front", MFD_CLOEXEC);

    assert_int_equal(ptrace(PTRACE_GETREGS, subject->victim.pid, NULL, &registers), 0);
    make_front(&subject->victim.maps, registers.rsp, &front);
    assert_int_equal(io_write(fd, front.data, front.size), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(plan_read(fd, CLOCK_NEVER, &subject->plan, NULL), 0);
    close(fd);
}

static struct subject *make_subject(bool with_large)
{
    struct subject *subject = calloc(1, sizeof *subject);
    struct areas *areas = &subject->areas;
    struct victim *victim = &subject->victim;
    int status;

    areas->scattered = map(scattered_size, MAP_PRIVATE);
    areas->shared = map(shared_size, MAP_SHARED);
    areas->large = with_large ? map(large_size, MAP_PRIVATE) : NULL;
    *victim = VICTIM_NONE;
    victim->pid = fork();
    if (victim->pid == 0)
        be_victim(areas, with_large);
    assert_int_equal(waitpid(victim->pid, &status, WUNTRACED), victim->pid);
    assert_true(WIFSTOPPED(status));
    memset(areas->shared + 7 * PAGE, 'S', PAGE); /* in no page table of the victim */

    victim->mem = open_proc(victim->pid, "mem");
    victim->pagemap = open_proc(victim->pid, "pagemap");
    victim->smaps = open_proc(victim->pid, "smaps");
    read_proc(victim->pid, "maps", &victim->maps);
    read_proc(victim->pid, "mountinfo", &victim->mountinfo);
    victim_find_mappings(victim);
    read_plan(subject);
    return subject;
}

static void kill_victim(struct subject *subject)
{
    if (subject->victim.pid > 0) {
        kill(subject->victim.pid, SIGKILL);
        waitpid(subject->victim.pid, NULL, 0);
        subject->victim.pid = 0;
    }
}

static void free_subject(struct subject *subject)
{
    kill_victim(subject);
    munmap(subject->areas.scattered, scattered_size);
    munmap(subject->areas.shared, shared_size);
    if (subject->areas.large)
        munmap(subject->areas.large, large_size);
    close(subject->victim.mem);
    close(subject->victim.pagemap);
    close(subject->victim.smaps);
    bytes_free(&subject->victim.maps);
    bytes_free(&subject->victim.mountinfo);
    mappings_free(&subject->victim.mappings);
    plan_clear(&subject->plan);
    free(subject);
}

/* Takes everything into a file. Returns what next(), fill() or settle() said. */
static int take(struct source *source, int fd)
{
    static unsigned char room[FRAME_CONTENT_MAX];
    const struct source_methods *methods = source->methods;
    struct chunk chunk = {.data = room};
    uint64_t size = 0;
    int r;

    while ((r = methods->next(source, &chunk)) > 0) {
        assert_int_equal(chunk.offset, size);
        assert_true(chunk.size > 0 && (chunk.zeros || chunk.size <= sizeof room));
        size += chunk.size;
        if (chunk.zeros)
            continue;
        r = methods->fill(source, &chunk);
        if (r < 0)
            return r;
        assert_int_equal(io_pwrite(fd, room, chunk.size, chunk.offset), 0);
    }
    assert_int_equal(size, methods->size(source));
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return r < 0 ? r : methods->settle(source);
}

static void check_layout(const struct source *source, const char *layout, uint64_t core_size)
{
    struct metadata *outcome = metadata_new();
    uint64_t size;
    assert_int_equal(source->methods->outcome(source, outcome), 0);
    assert_string_equal(metadata_text(outcome, KEY_LAYOUT), layout);
    assert_int_equal(metadata_u64(outcome, KEY_CORE_SIZE, &size), 0);
    assert_int_equal(size, core_size);
    assert_null(metadata_get(outcome, KEY_LEFT_OUT));
    metadata_free(outcome);
}

/* The page at `address` as the core in `fd` has it; false where no segment has it. */
static bool core_page(int fd, const struct plan *core, uint64_t address, char page[static PAGE])
{
    const Elf64_Phdr *load = plan_find_load(core, address);
    if (!load)
        return false;
    memset(page, 0, PAGE);
    if (address - load->p_vaddr < load->p_filesz)
        assert_int_equal(io_pread(fd, page, PAGE, load->p_offset + (address - load->p_vaddr)),
                         PAGE);
    return true;
}

static bool page_is(const char *page, int byte, size_t size)
{
    for (size_t i = 0; i < PAGE; i++)
        if (page[i] != (i < size ? (char)byte : 0))
            return false;
    return true;
}

static void check_areas(const struct subject *subject, int fd, const struct plan *core)
{
    const struct areas *areas = &subject->areas;
    char page[PAGE] = {0};

    for (size_t i = 0; i < scattered_size / PAGE; i++) {
        assert_true(core_page(fd, core, (uintptr_t)areas->scattered + i * PAGE, page));
        assert_true(page_is(page, i % 5 == 0 ? (int)(i % 255) + 1 : 0, PAGE));
    }
    for (size_t i = 0; i < shared_size / PAGE; i++) {
        assert_true(core_page(fd, core, (uintptr_t)areas->shared + i * PAGE, page));
        assert_true(page_is(page, i == 7 ? 'S' : 0, PAGE));
    }
    for (size_t i = 0; areas->large && i < large_size; i += 64 * MIB) {
        assert_true(core_page(fd, core, (uintptr_t)areas->large + i, page));
        assert_true(page_is(page, 0, 0));
        assert_true(core_page(fd, core, (uintptr_t)areas->large + i + PAGE, page));
        assert_true(page_is(page, i % (256 * MIB) == 0 ? 'L' : 0, 100));
    }
}

static void take_and_check(bool with_large, const char *layout)
{
    struct subject *subject = make_subject(with_large);
    AUTO_SOURCE struct source *source = NULL;
    AUTO_PLAN struct plan core = {0};
    struct error error = {0};
    int fd = memfd_create("core", MFD_CLOEXEC);

    if (source_memory_new(&subject->victim, &subject->plan, &source, &error) < 0)
        fail_msg("%s", error.text);
    check_layout(source, layout, subject->plan.core_size);
    assert_int_equal(take(source, fd), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(plan_read(fd, CLOCK_NEVER, &core, NULL), 0);
    assert_int_equal(core.core_size, source->methods->size(source));
    check_areas(subject, fd, &core);
    if (with_large)
        assert_true(core.core_size < 64 * MIB);
    close(fd);
    free_subject(subject);
}

static void test_layout_kernel(void **state)
{
    (void)state;
#if defined __SANITIZE_ADDRESS__
    take_and_check(false, "sparse"); /* for the sanitizer's shadow */
#else
    take_and_check(false, "kernel");
#endif
}

static void test_layout_sparse(void **state)
{
    (void)state;
    take_and_check(true, "sparse");
}

/* A killed process shows no pages, which would be zeros, and no error. */
static void test_killed_before(void **state)
{
    struct subject *subject = make_subject(false);
    struct source *source = NULL;
    (void)state;
    kill_victim(subject);
    assert_int_equal(source_memory_new(&subject->victim, &subject->plan, &source, NULL), -ESTALE);
    assert_null(source);
    free_subject(subject);
}

static void test_killed_meanwhile(void **state)
{
    struct subject *subject = make_subject(false);
    AUTO_SOURCE struct source *source = NULL;
    int fd = memfd_create("core", MFD_CLOEXEC);

    (void)state;
    assert_int_equal(source_memory_new(&subject->victim, &subject->plan, &source, NULL), 0);
    kill_victim(subject);
    assert_int_equal(take(source, fd), -ESTALE);
    assert_int_equal(source->methods->settle(source), -ESTALE);
    close(fd);
    free_subject(subject);
}

/* Without its mappings nobody looks at a process's memory: the pipe is drained. */
static void test_no_mappings(void **state)
{
    struct subject *subject = make_subject(false);
    struct source *source = NULL;
    AUTO_BYTES struct bytes core = {0};

    (void)state;
    mappings_free(&subject->victim.mappings);
    assert_int_equal(source_memory_new(&subject->victim, &subject->plan, &source, NULL), -ENODATA);
    assert_true(rescue_build(&subject->victim, &subject->plan, RESCUE_STACKS, &core, NULL) < 0);
    assert_int_equal(rescue_build(&subject->victim, &subject->plan, RESCUE_NOTES, &core, NULL), 0);
    free_subject(subject);
}

/* /proc/PID/pagemap tells the same as the ioctl of Linux 6.7. */
static void test_old_kernels(void **state)
{
    struct subject *subject = make_subject(false);
    const struct mappings *mappings = &subject->victim.mappings;
    AUTO_EXTENTS struct extents by_scan = {0}, by_entries = {0};
    struct pagemap pagemap;

    (void)state;
    assert_int_equal(pagemap_init(&pagemap, subject->victim.pagemap), 0);
    assert_int_equal(extents_find(&subject->plan, mappings, &pagemap, &by_scan, NULL), 0);
    pagemap.has_scan = false;
    assert_int_equal(extents_find(&subject->plan, mappings, &pagemap, &by_entries, NULL), 0);
    assert_true(by_scan.count > 3);
    for (size_t i = 0, k = 0; i < by_scan.count; i++) {
        /* Entries don't tell the shared page of zeros, so they may say more, never less. */
        const struct extent *scanned = &by_scan.items[i];
        while (k < by_entries.count &&
               by_entries.items[k].address + by_entries.items[k].size <= scanned->address)
            k++;
        assert_true(k < by_entries.count);
        assert_true(by_entries.items[k].address <= scanned->address);
        assert_true(by_entries.items[k].address + by_entries.items[k].size >=
                    scanned->address + scanned->size);
    }
    free_subject(subject);
}

static void test_rescue(void **state)
{
    struct subject *subject = make_subject(true);
    struct error error = {0};
    uint64_t stack = subject->plan.threads[0].stack_pointer & ~(uint64_t)(PAGE - 1);

    (void)state;
    for (enum rescue_depth depth = RESCUE_NOTES; depth <= RESCUE_AROUND; depth++) {
        AUTO_BYTES struct bytes bytes = {0};
        AUTO_PLAN struct plan core = {0};
        char page[PAGE], expected[PAGE];
        int fd = memfd_create("core", MFD_CLOEXEC);

        if (rescue_build(&subject->victim, &subject->plan, depth, &bytes, &error) < 0)
            fail_msg("%s", error.text);
        assert_true(bytes.size < 4 * MIB);
        assert_int_equal(io_write(fd, bytes.data, bytes.size), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(plan_read(fd, CLOCK_NEVER, &core, NULL), 0);
        assert_int_equal(core.core_size, bytes.size);
        assert_int_equal(core.thread_count, 1);
        assert_int_equal(core.load_count > 0, depth > RESCUE_NOTES);
        for (size_t i = 1; i < core.load_count; i++)
            assert_true(core.loads[i].p_vaddr >=
                        core.loads[i - 1].p_vaddr + core.loads[i - 1].p_memsz);
        if (depth > RESCUE_NOTES) {
            assert_true(core_page(fd, &core, stack, page));
            assert_int_equal(memory_read(subject->victim.mem, stack, expected, PAGE), 0);
            assert_memory_equal(page, expected, PAGE);
        }
        close(fd);
    }
    kill_victim(subject);
    AUTO_BYTES struct bytes late = {0};
    assert_int_equal(rescue_build(&subject->victim, &subject->plan, RESCUE_STACKS, &late, NULL),
                     -ESTALE);
    free_subject(subject);
}

int main(void)
{
#if defined __x86_64__
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_kernel), cmocka_unit_test(test_layout_sparse),
        cmocka_unit_test(test_killed_before), cmocka_unit_test(test_killed_meanwhile),
        cmocka_unit_test(test_no_mappings),   cmocka_unit_test(test_old_kernels),
        cmocka_unit_test(test_rescue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    printf("1..0 # SKIP the test lays out x86-64 registers\n");
    return 0;
#endif
}
