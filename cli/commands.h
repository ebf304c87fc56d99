/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commands.h - the list of verbs, in the order in which the help shows them; the first is the
 * default. */
#pragma once

#include "cli/command.h"

// clang-format off
#define COMMANDS(VERB) \
    VERB(list)         \
    VERB(info)         \
    VERB(bt)           \
    VERB(top)          \
    VERB(export)       \
    VERB(dump)         \
    VERB(debug)        \
    VERB(watch)        \
    VERB(stats)        \
    VERB(rm)           \
    VERB(pin)          \
    VERB(unpin)        \
    VERB(prune)        \
    VERB(import)       \
    VERB(analyze)      \
    VERB(check)        \
    VERB(reindex)      \
    VERB(setup)        \
    VERB(unsetup)      \
    VERB(doctor)       \
    VERB(help)
// clang-format on

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)
#undef COMMAND_DECLARE
