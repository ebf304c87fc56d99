/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-core.c - a core tells its facts, and is composed from a record that was cut, or is refused.
 *
 * The first two bytes say where the input is split: a core that is cut there, then a rescue core.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "store/core_compose.h"
#include "store/core_elf.h"
#include "store/core_facts.h"
#include "store/keys.h"
#include "store/record_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int append(void *context, const void *data, size_t size)
{
    enum { ENOUGH = 1 << 26 };
    static const char zeros[4096];
    struct bytes *out = context;
    if (out->size + size > ENOUGH)
        abort(); /* out of all proportion to the input */
    if (data)
        return bytes_append(out, data, size);
    for (; size > 0; size -= size < sizeof zeros ? size : sizeof zeros)
        if (bytes_append(out, zeros, size < sizeof zeros ? size : sizeof zeros) < 0)
            abort();
    return 0;
}

static void write_record(int fd, const uint8_t *core, size_t core_size, const uint8_t *rescue,
                         size_t rescue_size)
{
    AUTO_RECORD_WRITER struct record_writer *writer = NULL;
    AUTO_METADATA struct metadata *facts = metadata_new(), *outcome = metadata_new();

    if (!facts || !outcome || metadata_set_text(outcome, KEY_STATE, "truncated") < 0 ||
        record_writer_new(fd, &writer) < 0 || record_writer_facts(writer, facts) < 0 ||
        (rescue_size > 0 && record_writer_rescue(writer, rescue, rescue_size) < 0) ||
        (core_size > 0 && record_writer_append(writer, core, core_size) < 0) ||
        record_writer_finish(writer, outcome) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FD int fd = memfd_create("record", MFD_CLOEXEC);
    AUTO_METADATA struct metadata *facts = metadata_new();
    AUTO_RECORD struct record *record = NULL;
    AUTO_BYTES struct bytes core = {0};
    struct error error;

    if (size < 2 || fd < 0 || !facts)
        return 0;
    size_t split = (size_t)(data[0] | data[1] << 8);
    data += 2;
    size -= 2;
    if (split > size)
        split = size;
    (void)core_facts(data, split, facts, &error);
    write_record(fd, data, split, data + split, size - split);
    if (record_open(fd, &record, &error) < 0)
        abort();
    (void)core_compose(record, append, &core, NULL, &error);
    return 0;
}
