/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nearest.h - the verb that somebody may have meant. */
#pragma once

#include "store/base/error.h"

/* Says that there is no such verb, and which one is most like it, if any. Returns -EINVAL. */
int nearest_verb_instead(const char *word, struct error *error);
