/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_compose.h - the core that a record gives back.
 *
 *   whole            its content, byte for byte
 *   no content       the rescue core
 *   cut short        its content with the rescue core's stacks behind it, and program headers that
 *                    tell what is there: a valid core, in which what was not kept is not readable
 */
#pragma once

#include <stdbool.h>

#include "store/record.h"

/*
 * Calls back with the core's bytes in order, as record_each_content() does. `ret_whole` (may be
 * NULL) tells whether it is the core as the kernel would have sent it. -ENODATA: there is neither
 * content nor a rescue core. -EBADMSG: damaged; what came before was good.
 */
int core_compose(struct record *record, record_content_function *function, void *context,
                 bool *ret_whole, struct error *error);
