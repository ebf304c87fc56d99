/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-record.c - a whole record from hostile bytes: open, read, verify, salvage, prune. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/keys.h"
#include "store/record.h"
#include "store/salvage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_bad_frame(void *context, uint64_t offset, uint32_t size)
{
    (void)context;
    (void)offset;
    (void)size;
}

static int ignore_content(void *context, const void *data, size_t size)
{
    (void)data;
    uint64_t *total = context;
    *total += size;
    return *total > 256 * 1024 * 1024 ? -1 : 0; /* zeros are cheap to write and slow to walk */
}

/* Whatever can be salvaged must open again as a finished record. */
static void salvage(int fd)
{
    AUTO_METADATA struct metadata *outcome = metadata_new();
    AUTO_RECORD struct record *record = NULL;
    struct error error;

    metadata_set_text(outcome, KEY_STATE, "truncated");
    if (salvage_part(fd, outcome, &error) < 0)
        return;
    if (record_open(fd, &record, &error) < 0 || !record_is_finished(record))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
    AUTO_RECORD struct record *record = NULL;
    AUTO_BYTES struct bytes rescue = {0};
    struct error error;
    char buffer[1000];
    uint64_t total = 0;

    if (fd < 0 || out < 0 || io_pwrite(fd, data, size, 0) < 0)
        abort();
    if (record_open(fd, &record, &error) < 0)
        return 0;
    for (uint64_t offset = 0, step = 0; step < 20; step++) {
        (void)record_read(record, buffer, sizeof buffer, offset);
        offset += record_content_size(record) / 20 + 1;
    }
    if (record_content_size(record) < 64 * 1024 * 1024)
        (void)record_verify(record, ignore_bad_frame, NULL, &error);
    (void)record_each_content(record, ignore_content, &total, &error);
    (void)record_rescue(record, &rescue, &error);
    (void)salvage_prune(record, out, &error);
    salvage(fd);
    return 0;
}
