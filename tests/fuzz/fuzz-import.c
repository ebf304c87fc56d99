/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-import.c - somebody's core file, plain or compressed, becomes a record or is refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/base/io.h"
#include "store/salvage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FD int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
    AUTO_METADATA struct metadata *facts = metadata_new(), *outcome = metadata_new();
    AUTO_RECORD struct record *record = NULL;
    struct error error;

    if (in < 0 || out < 0 || !facts || !outcome || io_pwrite(in, data, size, 0) < 0)
        abort();
    if (salvage_import(in, out, facts, 1 << 20, outcome, &error) < 0)
        return 0;
    if (record_open(out, &record, &error) < 0 || !record_is_finished(record))
        abort();
    return 0;
}
