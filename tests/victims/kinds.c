/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds - dies with memory of every kind that a core can have, as KIND says or all of them:
 * what the kernel writes for a page depends on the kind (hook/extents.h).
 *
 *   kinds [KIND…]
 *
 * A kind that this machine doesn't have is named on stderr and left out.
 */
#include "tests/victims/victim.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

enum { PAGE = 4096, MIB = 1 << 20, HUGE = 2 * MIB };

#define READ_WRITE (PROT_READ | PROT_WRITE)

static char *map(size_t size, int protection, int flags, int fd)
{
    char *area = mmap(NULL, size, protection, flags, fd, 0);
    return area == MAP_FAILED ? NULL : area;
}

static char *map_anonymous(size_t size)
{
    return map(size, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

/* Writes something recognizable to every `step`th page. */
static void touch(char *area, size_t size, size_t step)
{
    static unsigned char turn;
    for (size_t at = 0; at < size; at += step * PAGE)
        memset(area + at, ++turn | 1, PAGE - 16);
}

static volatile char sink;

static void read_pages(const char *area, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE)
        sink = area[at];
}

/* A file of `size` bytes on a disk, already unlinked; nothing of it is mapped yet. */
static int make_file(size_t size)
{
    char name[] = "/var/tmp/kinds.XXXXXX", page[PAGE];
    int fd = mkstemp(name);
    if (fd < 0)
        return -1;
    unlink(name);
    for (size_t at = 0; at < size; at += PAGE) {
        memset(page, 'A' + (int)(at / PAGE % 26), PAGE);
        if (write(fd, page, PAGE) != PAGE)
            return -1;
    }
    return fd;
}

static bool make_untouched(void)
{
    return map_anonymous(64 * MIB);
}

static bool make_scattered(void)
{
    char *area = map_anonymous(24 * MIB);
    if (area) {
        touch(area, 8 * MIB, 3);
        touch(area + 8 * MIB, 8 * MIB, 40);
    }
    return area;
}

static bool make_zero_page(void)
{
    char *area = map_anonymous(4 * MIB);
    if (area) {
        read_pages(area, 4 * MIB); /* the shared page of zeros */
        touch(area + MIB, MIB, 7);
    }
    return area;
}

static bool make_no_access(void)
{
    char *area = map_anonymous(MIB);
    if (area)
        touch(area, MIB, 2);
    return area && mprotect(area, MIB, PROT_NONE) == 0;
}

static bool make_exec_only(void)
{
    char *area = map_anonymous(MIB);
    if (area)
        touch(area, MIB, 2);
    return area && mprotect(area, MIB, PROT_EXEC) == 0;
}

static bool make_huge_transparent(void)
{
    char *area = map_anonymous(8 * HUGE);
    if (!area || madvise(area, 8 * HUGE, MADV_HUGEPAGE) != 0)
        return false;
    touch(area, 3 * HUGE, 1);
    read_pages(area + 4 * HUGE, HUGE);
    return true;
}

static bool make_huge(int flags)
{
    char *area = map(4 * HUGE, READ_WRITE, flags | MAP_ANONYMOUS | MAP_HUGETLB, -1);
    if (area)
        touch(area, HUGE, 5);
    return area;
}

static bool make_huge_private(void)
{
    return make_huge(MAP_PRIVATE);
}

static bool make_huge_shared(void)
{
    return make_huge(MAP_SHARED);
}

static bool make_shared_anonymous(void)
{
    char *area = map(8 * MIB, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    if (area)
        touch(area + MIB, MIB, 3);
    return area;
}

/* Pages that somebody else has filled: they are in no page table of ours. */
static bool make_memfd(int flags)
{
    int fd = (int)syscall(SYS_memfd_create, "kinds", 0);
    char page[PAGE];
    char *area =
        fd >= 0 && ftruncate(fd, 4 * MIB) == 0 ? map(4 * MIB, READ_WRITE, flags, fd) : NULL;
    if (!area)
        return false;
    memset(page, 'm', sizeof page);
    for (int i = 0; i < 40; i++)
        if (pwrite(fd, page, sizeof page, i * 5 * PAGE) != (ssize_t)sizeof page)
            return false;
    touch(area + 2 * MIB, MIB, 9);
    return true;
}

static bool make_memfd_shared(void)
{
    return make_memfd(MAP_SHARED);
}

static bool make_memfd_private(void)
{
    return make_memfd(MAP_PRIVATE);
}

static bool make_system_v(void)
{
    int id = shmget(IPC_PRIVATE, 2 * MIB, IPC_CREAT | 0600);
    char *area = id >= 0 ? shmat(id, NULL, 0) : NULL;
    if (id >= 0)
        shmctl(id, IPC_RMID, NULL);
    if (!area || area == (char *)-1)
        return false;
    touch(area, MIB, 4);
    return true;
}

static bool make_file_private(void)
{
    int fd = make_file(2 * MIB);
    char *area = fd >= 0 ? map(2 * MIB, READ_WRITE, MAP_PRIVATE, fd) : NULL;
    if (area)
        touch(area + MIB, 64 * 1024, 8);
    return area;
}

/* What the file has lost since cannot be read: the kernel writes zeros. */
static bool make_file_cut(void)
{
    int fd = make_file(MIB);
    char *area = fd >= 0 ? map(MIB, READ_WRITE, MAP_PRIVATE, fd) : NULL;
    if (!area)
        return false;
    touch(area, MIB, 32);
    return ftruncate(fd, MIB / 2 + 100) == 0;
}

static bool make_dev_zero(void)
{
    int fd = open("/dev/zero", O_RDWR);
    char *area = fd >= 0 ? map(8 * MIB, READ_WRITE, MAP_PRIVATE, fd) : NULL;
    if (area)
        touch(area, MIB, 3);
    return area;
}

/* Reading an absent page here would wait for a handler that is dead too. */
static bool make_userfault(int flags)
{
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    char *area = map(8 * MIB, READ_WRITE, flags | MAP_ANONYMOUS, -1);
    if (fd < 0 || !area || ioctl(fd, UFFDIO_API, &api) != 0)
        return false;
    touch(area, MIB, 2);
    touch(area + 4 * MIB, MIB, 30);
    struct uffdio_register range = {
        .range = {.start = (uintptr_t)area, .len = 8 * MIB},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
    };
    return ioctl(fd, UFFDIO_REGISTER, &range) == 0;
}

static bool make_userfault_private(void)
{
    return make_userfault(MAP_PRIVATE);
}

static bool make_userfault_shared(void)
{
    return make_userfault(MAP_SHARED);
}

static bool make_not_dumped(void)
{
    char *area = map_anonymous(MIB);
    if (area)
        touch(area, MIB, 1);
    return area && madvise(area, MIB, MADV_DONTDUMP) == 0;
}

static bool make_guarded(void)
{
    char *area = map_anonymous(4 * MIB);
    if (area)
        touch(area, 4 * MIB, 1);
    return area && madvise(area + MIB, MIB, MADV_GUARD_INSTALL) == 0;
}

static bool make_freed(void)
{
    char *area = map_anonymous(4 * MIB);
    if (area)
        touch(area, 4 * MIB, 1);
    return area && madvise(area + MIB, MIB, MADV_DONTNEED) == 0 &&
           madvise(area + 2 * MIB, MIB, MADV_FREE) == 0;
}

static bool make_protection_key(void)
{
    char *area = map_anonymous(MIB);
    int key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    if (key < 0 || !area)
        return false;
    touch(area, MIB, 2);
    return pkey_mprotect(area, MIB, READ_WRITE, key) == 0;
}

/* Swapped out, where there is a swap area. */
static bool make_paged_out(void)
{
    char *area = map_anonymous(4 * MIB);
    if (area)
        touch(area, 4 * MIB, 1);
    return area && madvise(area, 4 * MIB, MADV_PAGEOUT) == 0;
}

static bool make_aio_ring(void)
{
    unsigned long context = 0;
    return syscall(SYS_io_setup, 64, &context) == 0;
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static bool make_threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 8; i++)
        if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
            return false;
    return true;
}

static const struct {
    const char *name;
    bool (*make)(void);
} kinds[] = {
    {"untouched", make_untouched},
    {"scattered", make_scattered},
    {"zero-page", make_zero_page},
    {"no-access", make_no_access},
    {"exec-only", make_exec_only},
    {"huge-transparent", make_huge_transparent},
    {"huge-private", make_huge_private},
    {"huge-shared", make_huge_shared},
    {"shared-anonymous", make_shared_anonymous},
    {"memfd-shared", make_memfd_shared},
    {"memfd-private", make_memfd_private},
    {"system-v", make_system_v},
    {"file-private", make_file_private},
    {"file-cut", make_file_cut},
    {"dev-zero", make_dev_zero},
    {"userfault-private", make_userfault_private},
    {"userfault-shared", make_userfault_shared},
    {"not-dumped", make_not_dumped},
    {"guarded", make_guarded},
    {"freed", make_freed},
    {"protection-key", make_protection_key},
    {"paged-out", make_paged_out},
    {"aio-ring", make_aio_ring},
    {"threads", make_threads},
};

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_wanted(kinds[i].name, argc, argv) && !kinds[i].make())
            fprintf(stderr, "kinds: no %s here\n", kinds[i].name);
    victim_dies(SIGSEGV);
}
