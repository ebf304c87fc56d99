/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.c */
#include "hook/log.h"
