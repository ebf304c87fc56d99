/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.h - what of a report goes into the index. */
#pragma once

#include "store/base/error.h"
#include "store/index.h"
#include "store/report.h"

/* Puts a report of `size` bytes to a crash. In a transaction of the caller. */
int findings_put(struct index *index, int64_t seq, const struct report *report, int64_t size,
                 unsigned keep, struct error *error);
