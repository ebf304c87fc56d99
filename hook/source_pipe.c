/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source_pipe.c */
#include "hook/source_pipe.h"
