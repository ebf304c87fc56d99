/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arguments.h - from argv to a verb, its settings and its words.
 *
 * Options may stand before or behind the verb and between the words, long ones may be cut short
 * where that is unique, "--" ends them. Without a verb it is the first of command_list_all.
 */
#pragma once

#include "cli/command.h"

extern const struct option_spec global_options[];

/* Fills `ret`, which points into argv and needs arguments_free() in any case. Returns 0, or -EINVAL
 * with the error (what is wrong with the arguments; ret->command is set then, too). */
int arguments_parse(int argc, char **argv, struct call *ret, struct error *error);
void arguments_free(struct call *call);
