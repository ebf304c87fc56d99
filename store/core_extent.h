/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_extent.h - how long a core says it is, by its ELF header and program headers (elf.h).
 *
 * For hostile bytes, of either class, in the machine's byte order or the other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes from a core's start that are enough for its headers: 65,535 segments and more. */
enum { CORE_EXTENT_PREFIX = 8 * 1024 * 1024 };

/*
 * The largest p_offset + p_filesz of the core that begins with these bytes. -EBADMSG where it is no
 * ELF core, -ENODATA where the program headers go on behind `size`.
 */
int core_extent(const void *prefix, size_t size, uint64_t *ret);
