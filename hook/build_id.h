/* SPDX-License-Identifier: GPL-2.0-or-later */
/* build_id.h - the build-id of an ELF file, for hostile files: bounded, by pread alone. */
#pragma once

#include <stddef.h>

enum { BUILD_ID_MAX = 32 }; /* bytes; 20 is usual */

/* Returns the id's size in bytes, 0 where the file has none or is no ELF file of this machine's
 * byte order. */
size_t build_id_read(int fd, unsigned char ret[static BUILD_ID_MAX]);
