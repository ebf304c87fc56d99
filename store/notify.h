/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify.h - [notify] program: told of each crash once it is explained.
 *
 * It gets one JSON object on stdin, with keys of `inquest list --json`, runs as the store's owner
 * without any privileges, its output thrown away, and is ended after a minute.
 */
#pragma once

#include "store/base/error.h"
#include "store/crash_row.h"

int notify_run(const char *program, const struct crash_row *row, struct error *error);
