/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cage.c */
#include "hook/cage.h"
