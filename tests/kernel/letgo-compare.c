/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * letgo-compare - a handler for core_pattern that takes one core twice, from the process's memory
 * and from the pipe, and says whether they are the same.
 *
 *   |letgo-compare DIRECTORY %P          writes DIRECTORY/compared.PID, one line:
 *
 *   LAYOUT same|different KERNEL-BYTES CONTENT-BYTES COST NEXT-US FILL-US [EXPLANATION]
 *
 * For layout `sparse` each segment's memory is compared, for layout `kernel` the whole core.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hook/plan.h"
#include "hook/source_memory.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/keys.h"

struct comparison {
    const char *directory;
    const char *pid;
    struct victim victim;
    struct plan plan;
    struct source *source;
    int content;       /* a file that the memory source's content is written to */
    struct plan taken; /* what that file says of itself */
    uint64_t content_size, kernel_size, scan_us, fill_us;
    char layout[16];
    char explanation[256];
};

static _Noreturn void say(const struct comparison *comparison, const char *verdict)
{
    char path[PATH_MAX], part[PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/compared.%s", comparison->directory, comparison->pid);
    snprintf(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "we");
    if (!file)
        _exit(1);
    fprintf(file, "%s %s %llu %llu %llu %llu %llu %s\n",
            comparison->layout[0] ? comparison->layout : "none", verdict,
            (unsigned long long)comparison->kernel_size,
            (unsigned long long)comparison->content_size,
            (unsigned long long)(comparison->source
                                     ? comparison->source->methods->cost(comparison->source)
                                     : 0),
            (unsigned long long)comparison->scan_us, (unsigned long long)comparison->fill_us,
            comparison->explanation);
    if (fclose(file) != 0 || rename(part, path) < 0)
        _exit(1);
    _exit(0);
}

static _Noreturn void fail(struct comparison *comparison, const char *what, int error)
{
    snprintf(comparison->explanation, sizeof comparison->explanation, "%s: %s", what,
             strerror(error < 0 ? -error : error));
    say(comparison, "failed");
}

static int open_proc(const struct comparison *comparison, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/%s", comparison->pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void read_proc(struct comparison *comparison, const char *name, struct bytes *ret)
{
    int fd = open_proc(comparison, name);
    int r = fd < 0 ? -errno : io_read_all(fd, 256 * 1024 * 1024, ret);
    if (r < 0)
        fail(comparison, name, r);
    close(fd);
}

static void open_victim(struct comparison *comparison)
{
    comparison->victim = VICTIM_NONE;
    comparison->victim.mem = open_proc(comparison, "mem");
    comparison->victim.pagemap = open_proc(comparison, "pagemap");
    comparison->victim.smaps = open_proc(comparison, "smaps");
    read_proc(comparison, "maps", &comparison->victim.maps);
    read_proc(comparison, "mountinfo", &comparison->victim.mountinfo);
    victim_find_mappings(&comparison->victim);
}

/* Writes the source's content to a file without its zeros. */
static void take_content(struct comparison *comparison)
{
    struct source *source = comparison->source;
    struct chunk chunk = {0};
    int r;

    chunk.data = malloc(FRAME_CONTENT_MAX);
    if (!chunk.data)
        fail(comparison, "malloc", ENOMEM);
    while ((r = source->methods->next(source, &chunk)) > 0) {
        if (chunk.offset != comparison->content_size || chunk.size == 0)
            fail(comparison, "next: a chunk that does not follow the last", EINVAL);
        comparison->content_size += chunk.size;
        if (chunk.zeros)
            continue;
        if (chunk.size > FRAME_CONTENT_MAX)
            fail(comparison, "next: a chunk too large", EINVAL);
        r = source->methods->fill(source, &chunk);
        if (r < 0)
            fail(comparison, "fill", r);
        r = io_pwrite(comparison->content, chunk.data, chunk.size, chunk.offset);
        if (r < 0)
            fail(comparison, "write", r);
    }
    if (r == 0)
        r = source->methods->settle(source);
    if (r < 0)
        fail(comparison, "next or settle", r);
    free(chunk.data);
    if (ftruncate(comparison->content, (off_t)comparison->content_size) < 0)
        fail(comparison, "ftruncate", errno);
}

static void take_memory(struct comparison *comparison)
{
    struct metadata *outcome = metadata_new();
    struct error error = {0};
    char path[PATH_MAX];

    uint64_t before = clock_now_us();
    int r = source_memory_new(&comparison->victim, &comparison->plan, &comparison->source, &error);
    if (r < 0)
        fail(comparison, error.text, r);
    comparison->scan_us = clock_now_us() - before;

    snprintf(path, sizeof path, "%s/content.%s", comparison->directory, comparison->pid);
    comparison->content = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    unlink(path);
    before = clock_now_us();
    take_content(comparison);
    comparison->fill_us = clock_now_us() - before;
    comparison->source->methods->outcome(comparison->source, outcome);
    snprintf(comparison->layout, sizeof comparison->layout, "%s",
             metadata_text(outcome, KEY_LAYOUT));
    metadata_free(outcome);
}

/* What the content says is in memory at `address`: as a reader of cores would find it. */
static const Elf64_Phdr *find_taken(const struct plan *taken, uint64_t address)
{
    for (size_t i = 0; i < taken->load_count; i++)
        if (address - taken->loads[i].p_vaddr < taken->loads[i].p_memsz)
            return &taken->loads[i];
    return NULL;
}

/* The next part of the kernel's core, at `offset`, as it is in the content. Its size is lowered to
 * what is known at once. */
static void read_taken(struct comparison *comparison, const Elf64_Phdr *load, uint64_t offset,
                       char *buffer, size_t *size)
{
    if (comparison->layout[0] == 'k' || !load) {
        ssize_t n = io_pread(comparison->content, buffer, *size, offset);
        if (n != (ssize_t)*size && comparison->layout[0] == 'k')
            fail(comparison, "the content is short", n < 0 ? (int)n : ENODATA);
        return;
    }
    uint64_t address = load->p_vaddr + (offset - load->p_offset);
    const Elf64_Phdr *taken = find_taken(&comparison->taken, address);
    if (!taken)
        fail(comparison, "memory without a segment", ENOENT);
    uint64_t skip = address - taken->p_vaddr, left = taken->p_memsz - skip;
    if (*size > left)
        *size = (size_t)left;
    memset(buffer, 0, *size);
    if (taken->p_filesz > 0 &&
        io_pread(comparison->content, buffer, *size, taken->p_offset + skip) != (ssize_t)*size)
        fail(comparison, "the content is short", ENODATA);
}

static void compare_bytes(struct comparison *comparison, const Elf64_Phdr *load, const char *sent,
                          uint64_t offset, size_t size)
{
    static char taken[64 * 1024];
    while (size > 0) {
        size_t part = size < sizeof taken ? size : sizeof taken;
        read_taken(comparison, load, offset, taken, &part);
        if (memcmp(sent, taken, part) != 0) {
            size_t at = 0;
            while (sent[at] == taken[at])
                at++;
            snprintf(comparison->explanation, sizeof comparison->explanation,
                     "at %#llx, address %#llx: sent %#04x, taken %#04x",
                     (unsigned long long)offset + at,
                     load ? (unsigned long long)(load->p_vaddr + offset + at - load->p_offset) : 0,
                     (unsigned char)sent[at], (unsigned char)taken[at]);
            say(comparison, "different");
        }
        sent += part;
        offset += part;
        size -= part;
    }
}

/* The load that the core's byte `offset` belongs to, and how many follow in it or before the next.
 */
static const Elf64_Phdr *load_at(const struct plan *plan, uint64_t offset, uint64_t *ret_left)
{
    *ret_left = UINT64_MAX;
    for (size_t i = 0; i < plan->load_count; i++) {
        const Elf64_Phdr *load = &plan->loads[i];
        if (load->p_filesz == 0)
            continue;
        if (offset < load->p_offset) {
            *ret_left = load->p_offset - offset;
            return NULL;
        }
        if (offset - load->p_offset < load->p_filesz) {
            *ret_left = load->p_offset + load->p_filesz - offset;
            return load;
        }
    }
    return NULL;
}

/* Drains the pipe and compares what comes with what was taken. */
static void compare_rest(struct comparison *comparison)
{
    static char sent[1024 * 1024];
    uint64_t offset = comparison->plan.head.size;
    const bool is_kernel = comparison->layout[0] == 'k';
    ssize_t n;

    while ((n = io_read(STDIN_FILENO, sent, sizeof sent)) > 0)
        for (ssize_t done = 0; done < n;) {
            uint64_t left = UINT64_MAX;
            const Elf64_Phdr *load = load_at(&comparison->plan, offset, &left);
            size_t part = (size_t)(n - done) < left ? (size_t)(n - done) : (size_t)left;
            if (is_kernel || load)
                compare_bytes(comparison, load, sent + done, offset, part);
            done += (ssize_t)part;
            offset += part;
        }
    comparison->kernel_size = offset;
}

int main(int argc, char **argv)
{
    static struct comparison comparison;
    struct error error = {0};

    open("/dev/null", O_RDWR); /* the kernel closes 1 and 2 */
    open("/dev/null", O_RDWR);
    if (argc < 3)
        return 64;
    comparison.directory = argv[1];
    comparison.pid = argv[2];
    open_victim(&comparison);
    int r = plan_read(STDIN_FILENO, CLOCK_NEVER, &comparison.plan, &error);
    if (r < 0)
        fail(&comparison, error.text, r);
    take_memory(&comparison);
    lseek(comparison.content, 0, SEEK_SET);
    r = plan_read(comparison.content, CLOCK_NEVER, &comparison.taken, &error);
    if (r < 0)
        fail(&comparison, error.text, r);
    if (comparison.layout[0] == 'k')
        compare_bytes(&comparison, NULL, comparison.plan.head.data, 0, comparison.plan.head.size);
    compare_rest(&comparison);
    if (comparison.kernel_size != comparison.plan.core_size)
        fail(&comparison, "the kernel sent another size than it said", EBADMSG);
    if (comparison.layout[0] == 'k' && comparison.content_size != comparison.kernel_size)
        fail(&comparison, "the content has another size than what was sent", EBADMSG);
    say(&comparison, "same");
}
