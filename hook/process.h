/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process.h - the hook among the machine's processes: who is killed first, who is started next. */
#pragma once

/* Sets this process's oom_score_adj. Not allowed in some containers: then it stays as it was. */
void process_protect(const char *score);

/* Becomes the keeper, who puts the record in its place. Returns only where that fails. */
void process_become_keeper(const char *config);

/* Starts a keeper beside this process, who makes room in the store and explains nothing. */
void process_call_keeper(const char *config);
