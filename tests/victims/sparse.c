/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sparse - dies with GIB gibibytes mapped, of which only the second page of each is written. */
#include "tests/victims/victim.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

unsigned char *sparse_area; /* for debuggers: byte (i << 30) + 4096 is i + 1, all others are 0 */

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? victim_number(argv[1]) : 64;

    sparse_area = mmap(NULL, count << 30, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    victim_needs(sparse_area != MAP_FAILED, "mmap");
    (void)madvise(sparse_area, count << 30, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < count; i++)
        sparse_area[(i << 30) + 4096] = (unsigned char)(i + 1);
    victim_dies(SIGSEGV);
}
