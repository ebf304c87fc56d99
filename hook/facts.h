/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts.h - who the victim was: from /proc into a record's facts. Bounded in size and time. */
#pragma once

#include "hook/victim.h"
#include "store/metadata.h"

struct policy;

/* Gathers all facts that are there. A fact that cannot be had is absent; nothing here fails. */
void facts_gather(const struct victim *victim, const struct arguments *arguments,
                  const struct policy *policy, struct metadata *ret);
