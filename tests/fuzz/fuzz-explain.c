/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-explain.c - a whole core from hostile bytes: segments, notes, stacks, reason, report. No
 * files.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/core.h"
#include "analyzer/explain.h"
#include "analyzer/files.h"
#include "store/base/cleanup.h"
#include "store/base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct explain_options options = {
        .effort = EFFORT_CORE,
        .max_frames = 256,
        .deadline_us = 2000000,
    };
    AUTO_FD int fd = memfd_create("core", MFD_CLOEXEC);
    AUTO_FD int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    AUTO_FILES struct files *files = files_new(-1);
    AUTO_CORE struct core *core = NULL;
    struct error error;

    elf_version(EV_CURRENT);
    if (io_write(fd, data, size) == 0 && core_open(fd, 256, &core, &error) == 0)
        (void)explain_core(core, files, &options, nothing);
    return 0;
}
