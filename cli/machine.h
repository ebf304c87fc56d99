/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine.h - what kind of machine this is: for those who would change or judge its settings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True where this is a container or a chroot, whose crashes the host's handler gets: the kernel
 * starts a handler outside of it. `ret` says which kind, in words. */
bool machine_is_inner(char *ret, size_t size);

/* True where systemd runs below `root` (or, for an image, would). */
bool machine_has_systemd(const char *root);
