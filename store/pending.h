/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pending.h - whose crash is explained next: there is one worker, and a hostile core may take him
 * as long as the deadline allows.
 *
 * Of the users who have crashes waiting, the one is next who has cost the worker least time so far,
 * and of his the newest. So one user's cores, however many and however bad, make another wait for
 * one of them at most. A crash counts for its account (crash_row.h).
 */
#pragma once

#include <stdint.h>

#include "store/base/error.h"
#include "store/crash_row.h"
#include "store/store.h"

enum { PENDING_USERS = 64 }; /* who are remembered; and waiting ones that are looked at */

struct pending {
    struct {
        int64_t user;
        uint64_t spent; /* microseconds, 0: unused */
    } users[PENDING_USERS];
    int64_t last;      /* the user who was looked at last */
    uint64_t begun_us; /* CLOCK_MONOTONIC: when the one under way was chosen */
};

/* 1: *ret is to be explained now; 0: nothing waits. */
int pending_next(struct pending *pending, struct store *store, struct crash_row **ret,
                 struct error *error);

/* The time since then is that user's. */
void pending_charge(struct pending *pending, const struct crash_row *row);
