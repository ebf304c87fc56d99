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
    Elf *elf;
    void *image; /* the memory behind it */
    size_t size;
};

/* .debug_* and .gnu_debugaltlink, and for `with_symbols` symbols and notes, as in a debug file: the
 * other sections are empty, as are those that cannot be decompressed. Returns false where there is
 * nothing to gain: no compressed debug section, a class or byte order that isn't this machine's, no
 * memory. */
bool inflate_debug(Elf *source, bool with_symbols, struct inflated *ret);

/* Writes such an image of the ELF file `in` to `out`; nothing where there is nothing to gain. */
int inflate_file(int in, int out);

/* The whole ELF file that .gnu_debugdata is, compressed by xz. False: it is none, or too large. */
bool inflate_xz(const void *data, size_t size, struct inflated *ret);

void inflated_free(struct inflated *inflated);
