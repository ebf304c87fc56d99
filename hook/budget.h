/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget.h - the memory that all hooks together may fill with cores that wait to be compressed.
 *
 * Byte n of a file in LAYOUT_RUNTIME stands for the n-th unit of memory; whoever holds the lock of
 * that byte may use it. The locks are of the open file (OFD), so they end with their owner.
 */
#pragma once

#include <stdint.h>

#include "store/config.h"

#define BUDGET_FILE "memory"

enum { BUDGET_UNIT = 8 * 1024 * 1024 };

/*
 * Takes units for up to `wanted` bytes, as long as all hooks' units stay within `share` of the
 * memory that would be available without them. Never waits: 0 is an answer, too. Returns bytes;
 * *ret_fd holds the locks until it is closed (-1: none).
 */
uint64_t budget_take(int dirfd, struct config_budget share, uint64_t wanted, int *ret_fd);
