/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.h - what to take of a process and in which order: extents of its memory, from its head. */
#pragma once

#include "hook/head.h"
#include "hook/victim.h"
