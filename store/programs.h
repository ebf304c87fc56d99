/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.h - how Inquest's programs find and start each other, and what core_pattern says.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#define PROGRAM_HOOK     "inquest-hook"
#define PROGRAM_KEEPER   "inquest-keeper"
#define PROGRAM_ANALYZER "inquest-analyzer"

/*
 * The hook's arguments in core_pattern, in this order (core(5); %F since Linux 6.16, an unknown
 * specifier expands to an empty argument). `-C FILE` may stand before them.
 */
#define PROGRAM_HOOK_SPECIFIERS "%P %I %p %i %u %g %s %t %c %d %F %h %E"

enum { PROGRAM_CORE_PATTERN_MAX = 127 }; /* bytes; the kernel cuts what is longer, silently */

/*
 * The path of a program above: beside the running one where it stands there (a build tree), else
 * in the libexecdir that was compiled in. Returns 0 or -ENAMETOOLONG.
 */
int program_path(const char *name, char ret[static PATH_MAX]);
