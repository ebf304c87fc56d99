/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-inflate.c - any bytes as a file of compressed debug information, or as .gnu_debugdata. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/inflate.h"
#include "store/base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    elf_version(EV_CURRENT);
    AUTO_FREE void *copy = malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    Elf *elf = elf_memory(copy, size);
    struct inflated inflated = {0};
    bool is_elf = elf && elf_kind(elf) == ELF_K_ELF;
    if (is_elf ? inflate_debug(elf, size % 2, &inflated) : inflate_xz(data, size, &inflated))
        inflated_free(&inflated);
    elf_end(elf);
    return 0;
}
