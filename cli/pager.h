/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pager.h - long output on a terminal goes through a pager.
 *
 * $INQUEST_PAGER, else $PAGER, else less, else more; an empty one or "cat" means none. less gets
 * FRSXMK as options unless $LESS says otherwise: it ends by itself where the text fits the screen.
 * For root less starts no commands and writes no files (LESSSECURE), and under sudo $PAGER, the
 * choice of another user, is not run.
 */
#pragma once

#include "cli/command.h"

/* Puts a pager behind stdout, where that is a terminal and --no-pager wasn't given. Writers of long
 * lists look at ferror(stdout) now and then: the reader may have left. */
void pager_start(const struct call *call);

/* Ends the output and waits until the reader has read. True where there was a pager. */
bool pager_finish(void);
