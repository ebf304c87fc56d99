/* SPDX-License-Identifier: GPL-2.0-or-later */
/* part.c */
#include "hook/part.h"
