/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * broker.h - finds the files an analyzer asks for and passes them to it, open.
 *
 * Candidates are looked up by (build-id, path) in an order that puts exact copies first. A file is
 * handed out when it is regular, begins like an ELF file and is no core; nothing else of it is
 * read. Paths come from hostile cores: they are resolved beneath a root (openat2 with
 * RESOLVE_IN_ROOT), a FIFO or device is never opened, and a filesystem that another user serves is
 * not walked into by its name. By a link it may be: then this process hangs, and its caller does
 * not.
 */
#pragma once

#include "store/analysis.h"

/*
 * Answers requests on `socket` until the other side closes it. Files are opened as the effective
 * user; where that is the crash's reader and not the real user, the store's own copies are opened
 * with the right that root's broker was left with.
 */
void broker_serve(int socket, const struct analysis_options *options);
