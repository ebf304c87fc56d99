/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runtime.h - the directory that hooks share while the machine runs: locks, and the storm table. */
#pragma once

#include "store/base/error.h"

/* Opens LAYOUT_RUNTIME, making it for root alone where it is missing. A descriptor, or -errno. */
int runtime_open(struct error *error);
