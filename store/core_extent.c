/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core_extent.c - how long a core says it is. */
#include "store/core_extent.h"

#include <errno.h>

#include "store/core_elf.h"

int core_extent(const void *prefix, size_t size, uint64_t *ret)
{
    struct core_elf elf;
    uint64_t extent = 0;

    int r = core_elf_open(prefix, size, &elf);
    if (r < 0)
        return r;
    if (!core_elf_has_segments(&elf))
        return -ENODATA;
    for (uint64_t i = 0; i < elf.phnum; i++) {
        struct core_segment segment;
        uint64_t end;
        core_elf_segment(&elf, i, &segment);
        if (__builtin_add_overflow(segment.offset, segment.filesz, &end))
            return -EBADMSG;
        if (end > extent)
            extent = end;
    }
    *ret = extent;
    return 0;
}
