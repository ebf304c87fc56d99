/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * debuginfod.h - has debuginfod's own client fetch a file by its build-id.
 *
 * Only ever done by the broker, outside the analyzer's cage, and only where somebody has switched
 * it on. What is asked is a build-id, nothing else of a crash leaves the machine. The client is
 * debuginfod-find(1), with a bound on its patience.
 */
#pragma once

#include <stdbool.h>

/* `urls`, separated by blanks. Returns a descriptor of the file in the client's cache, or a
 * negative errno. */
int debuginfod_fetch(const char *urls, const char *build_id, bool executable);
