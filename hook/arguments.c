/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arguments.c */
#include "hook/arguments.h"
