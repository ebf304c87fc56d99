/* SPDX-License-Identifier: GPL-2.0-or-later */
/* room.c - what a record may take of max_use. */
#include "hook/room.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "store/base/clock.h"

enum {
    KIB = 1024,
    MIB = 1024 * 1024,

    /* How far over max_use they may go together. The keeper needs some, too: for the index, and for
     * a core that is pruned by copying what stays. */
    OVER_CORES = 24 * MIB,
    OVER_STACKS = 40 * MIB,

    FACTS = 64 * KIB,
    STACKS = 512 * KIB,
    STEP_LEAST = 256 * KIB,
    STEP_FIRST = 1 * MIB,
    ASK_LEAST = 8 * MIB,
    PATIENCE_US = 8 * 1000 * 1000, /* less than the grace after a deadline (capture.c) */
};

static uint64_t limit_of(const struct room *room, uint64_t over)
{
    return room->max_use < UINT64_MAX - over ? room->max_use + over : UINT64_MAX;
}

void room_open(const struct part *part, uint64_t max_use, int bell, struct room *ret)
{
    struct room room = ROOM_NONE;

    room.max_use = max_use;
    room.bell = bell;
    if (!part->away) /* a store that is not there has no budget */
        (void)ledger_open(part->dir, part->uid, part->gid, &room.ledger, NULL);
    if (ledger_take(&room.ledger, FACTS, UINT64_MAX))
        room.granted = FACTS;
    *ret = room;
}

/* Up to `over` bytes over max_use. */
static bool take(struct room *room, uint64_t bytes, uint64_t over)
{
    if (!ledger_take(&room->ledger, bytes, limit_of(room, over)))
        return false;
    room->granted += bytes;
    return true;
}

bool room_take_stacks(struct room *room)
{
    return take(room, STACKS, OVER_STACKS);
}

/* As much again as there is, so that a large core asks a few times only; else what it needs. */
static bool take_step(struct room *room, uint64_t size)
{
    uint64_t needed = size - room->granted;
    uint64_t least = needed > STEP_LEAST ? needed : STEP_LEAST;
    uint64_t step = room->granted > STEP_FIRST ? room->granted : STEP_FIRST;

    return (step > least && take(room, step, OVER_CORES)) || take(room, least, OVER_CORES);
}

/* Has a keeper make room, and waits for what comes of it. */
static void wait_for_room(struct room *room)
{
    static const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    const uint64_t one = 1, until = clock_now_us() + PATIENCE_US;

    uint64_t question =
        ledger_ask(&room->ledger, room->granted > ASK_LEAST ? room->granted : ASK_LEAST);
    if (question == 0 || room->bell < 0 || write(room->bell, &one, sizeof one) < 0)
        return;
    while (!ledger_is_answered(&room->ledger, question) && clock_now_us() < until)
        (void)nanosleep(&pause, NULL);
}

int room_grow(struct room *room, uint64_t size)
{
    if (size <= room->granted || take_step(room, size))
        return 0;
    wait_for_room(room);
    return take_step(room, size) ? 0 : -EDQUOT;
}

bool room_take_file(struct room *room, uint64_t size)
{
    if (!ledger_take(&room->ledger, size, limit_of(room, OVER_CORES)))
        return false;
    room->ledger.filled += size;
    return true;
}

void room_close(struct room *room, uint64_t size)
{
    room->ledger.filled += size;
    ledger_close(&room->ledger);
}
