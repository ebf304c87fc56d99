/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-metadata.c - facts from hostile bytes: what decodes must encode and decode to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_METADATA struct metadata *facts = NULL, *again = NULL;
    AUTO_BYTES struct bytes bytes = {0};
    struct error error;

    if (metadata_decode(data, size, &facts, &error) < 0)
        return 0;
    if (metadata_encode(facts, &bytes) < 0 ||
        metadata_decode(bytes.data, bytes.size, &again, &error) < 0 ||
        metadata_count(facts) != metadata_count(again))
        abort();
    return 0;
}
