/* SPDX-License-Identifier: GPL-2.0-or-later */
/* victim.c */
#include "hook/victim.h"
