/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * room.h - what a record may take of max_use, which all that is under the store shares.
 *
 * The record takes its room in the store's ledger (store/ledger.h) as it grows. A core that finds
 * none has the watcher start a keeper, who makes room, and waits for him; in vain, it is given up,
 * and the record keeps the stacks. Stacks may go a little further over max_use than cores, and
 * facts as far as they like: they are small, and bounded by [storm].
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hook/part.h"
#include "store/ledger.h"

struct room {
    struct ledger ledger;
    uint64_t max_use;
    uint64_t granted; /* bytes that the record may grow to */
    int bell;         /* eventfd by which the watcher is asked for a keeper; -1: not to be asked */
};

#define ROOM_NONE                                                                                  \
    (struct room)                                                                                  \
    {                                                                                              \
        .ledger = LEDGER_NONE, .max_use = UINT64_MAX, .bell = -1                                   \
    }

/* Opens the ledger beside the record, which has its room for facts from then on. */
void room_open(const struct part *part, uint64_t max_use, int bell, struct room *ret);

/* Takes room for stacks. False: for facts alone. */
bool room_take_stacks(struct room *room);

/* Sees to it that a core's record may become `size` bytes. May wait for seconds. 0 or -EDQUOT. */
int room_grow(struct room *room, uint64_t size);

/* Takes room for a file besides the record, which counts as filled with it. */
bool room_take_file(struct room *room, uint64_t size);

/* The watcher's, after the commit: the record has come to `size` bytes on the disk. */
void room_close(struct room *room, uint64_t size);
