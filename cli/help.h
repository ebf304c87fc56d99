/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help.h - what the command can do, printed from the tables of its verbs. */
#pragma once

#include <stdio.h>

#include "cli/command.h"

void help_overview(FILE *out);
void help_command(FILE *out, const struct command *command);
