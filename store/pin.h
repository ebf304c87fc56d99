/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pin.h - crashes that are to be kept: a file ID.pin beside the record, and a mark in the index.
 */
#pragma once

#include "store/base/error.h"
#include "store/store.h"

/* 0 also where it was so already. -EPERM outside the writable source, -ESTALE where the crash
 * was removed. */
int pin_set(struct store *store, const struct crash_row *row, struct error *error);
int pin_clear(struct store *store, const struct crash_row *row, struct error *error);
