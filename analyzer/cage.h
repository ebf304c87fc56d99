/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage.h - closes the door behind the analyzer: takes away what only its start needed.
 *
 * It was started in a cage (store/cage.h), whose walls must let a dynamic loader through. From here
 * on, before it reads a hostile byte, it opens no file at all, executes nothing, makes no memory
 * code, and no descriptor but those it has and is handed. Threads stay possible.
 */
#pragma once

#include "store/base/error.h"

int cage_close(struct error *error);
