/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mappings - dies with N mappings (70000): more than an ELF header's 16 bits can count. */
#include "tests/victims/victim.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? victim_number(argv[1]) : 70000;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *area = mmap(NULL, count * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    victim_needs(area != MAP_FAILED, "mmap");

    /* Neighbours with equal rights would be one mapping: every second one loses a right. */
    for (size_t i = 0; i < count; i += 2)
        victim_needs(mprotect(area + i * page, page, PROT_READ) == 0, "mprotect");
    for (size_t i = 1; i < count; i += 1000)
        memset(area + i * page, (int)(i % 251), page);
    victim_dies(SIGSEGV);
}
