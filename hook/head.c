/* SPDX-License-Identifier: GPL-2.0-or-later */
/* head.c */
#include "hook/head.h"
