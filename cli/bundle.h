/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle.h - one crash with all that it takes to look at it elsewhere, as a .tar.zst.
 *
 *   ID/README            what this is
 *   ID/ID.core.zst       the record: plain `zstd -d` gives the core, `inquest import` takes it
 *   ID/core              the core, where the record has not got it whole
 *   ID/report.txt        the backtrace
 *   ID/report.json       the same, as `inquest bt --json` prints it
 *   ID/root/PATH         the modules, exactly those that the core had, under their own paths
 *   ID/libs/NAME         links to them, by the names by which modules need each other
 *   ID/open-in-gdb       a script: sh, zstd and gdb are all it needs
 */
#pragma once

#include "cli/subject.h"

/* Writes the bundle of a stored crash to `fd`. */
int bundle_write(const struct subject *subject, int fd, struct error *error);
