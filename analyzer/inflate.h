/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inflate.h - a file of compressed debug information as one in memory that is not.
 *
 * libdw would decompress by itself: all sections, one after the other, by zlib, with zstd only
 * since elfutils 0.190. Here two threads do it with libdeflate and libzstd, and leave out what an
 * analysis never reads (lists of locations, macros, indexes of names): less than half of the time.
 *
 * SHF_COMPRESSED, Elf64_Chdr: https://gabi.xinuos.com/ (ELF, "Compressed sections").
 */
#pragma once

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>

struct inflated {
    Elf *elf;    /* .debug_* and .gnu_debugaltlink; the other sections are empty */
    void *image; /* the memory behind it */
    size_t size;
};

/* Returns false where there is nothing to gain: no compressed debug section, a class or byte order
 * that isn't this machine's, no memory. Sections that cannot be decompressed are empty then. */
bool inflate_debug(Elf *source, struct inflated *ret);
void inflated_free(struct inflated *inflated);
