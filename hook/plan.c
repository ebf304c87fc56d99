/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.c - what to take of a process and in which order. */
#include "hook/plan.h"
