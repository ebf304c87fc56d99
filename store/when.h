/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * when.h - points in time as people write them; systemd.time(7) is the model.
 *
 *   now  today  yesterday  tomorrow  "yesterday 13:00"
 *   -1h  +30min  "2 hours ago"  "3 days left"
 *   2026-11-22  "2026-11-22 13:00"  "2026-11-22 13:00:05.25"  13:00  13:00:05  "Sun 2026-11-22"
 *   2026-11-22T13:00:00Z  2026-11-22T13:00:00+01:00  "2026-11-22 13:00 UTC"
 *   @1795352400  @1795352400.5
 *
 * Local time unless a zone is said.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Microseconds since the epoch of `text`, seen from `now_us`. -EINVAL, -ERANGE. */
int when_parse(const char *text, int64_t now_us, int64_t *ret_us);

int64_t when_now(void); /* microseconds since the epoch */

enum {
    WHEN_LOCAL_SIZE = 64,
    WHEN_UTC_SIZE = 32,
};

/* "Sun 2026-11-22 13:00:05.250000 CET" in local time. when_parse() reads it back. */
void when_local(char ret[static WHEN_LOCAL_SIZE], int64_t time_us);

/* "2026-11-22 13:00:05" in local time, for lists; "-" where that cannot be said. */
void when_local_short(char ret[static WHEN_LOCAL_SIZE], int64_t time_us);

/* RFC 3339 in UTC with microseconds: "2026-11-22T12:00:05.250000Z"; "?" where the year has not
 * four digits. */
void when_utc(char ret[static WHEN_UTC_SIZE], int64_t time_us);
