/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock.h - moments and deadlines: microseconds of CLOCK_MONOTONIC. */
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER UINT64_MAX

static inline uint64_t clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Milliseconds from now until `deadline` for poll(2): 0 where it is past, at most `most`. */
static inline int clock_left_ms(uint64_t deadline, int most)
{
    uint64_t now = clock_now_us();
    if (deadline <= now)
        return 0;
    uint64_t left = (deadline - now + 999) / 1000;
    return left < (uint64_t)most ? (int)left : most;
}
