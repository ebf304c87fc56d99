/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rights.h - what the watcher, which stays root to start the keeper, keeps of root's rights.
 *
 * From the fork on it has the capabilities to end a victim and a worker, to start what is caged,
 * and those that the keeper it becomes has (store/keeper_process.h). None of them passes over
 * modes: the record and the kept modules are completed as the store's owner.
 *
 * No failure here is a reason to lose a core: what could not be given up is kept.
 */
#pragma once

#include <sys/types.h>

/* Once, after the fork of the worker, which needs more. */
void rights_reduce(void);

/* Makes files be opened, made and named as `uid` and `gid`; 0 and 0: as root again. */
void rights_act_on_files_as(uid_t uid, gid_t gid);
