/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-plan.c - any bytes as the front of a core on the pipe: header, segments, notes. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hook/plan.h"
#include "store/base/cleanup.h"
#include "store/base/clock.h"
#include "store/base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    AUTO_PLAN struct plan plan = {0};
    AUTO_METADATA struct metadata *facts = metadata_new();
    struct error error;
    uint64_t value;

    if (fd < 0 || !facts || io_write(fd, data, size) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    if (plan_read(fd, CLOCK_NEVER, &plan, &error) < 0)
        return 0;
    if (plan.head.size > size)
        abort();
    (void)plan_set_facts(&plan, facts);
    (void)plan_auxv(&plan, AT_PHDR, &value);
    for (size_t i = 0; i < plan.load_count; i++)
        (void)plan_find_load(&plan, plan.loads[i].p_vaddr);
    return 0;
}
