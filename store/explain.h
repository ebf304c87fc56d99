/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain.h - has a stored crash analysed, and keeps what comes of it.
 *
 * The keeper does so after each adoption, `inquest analyze` when asked to, `inquest bt` where a
 * report is missing. Running needs no more than the right to read the record; keeping needs a store
 * opened for writing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/analysis.h"
#include "store/base/bytes.h"
#include "store/config.h"
#include "store/crash_row.h"
#include "store/report.h"
#include "store/store.h"

/* What [analyze] says, for analysis_run(). */
void explain_options_from(const struct config_settings *settings, struct analysis_options *ret);

/*
 * Runs the analyzer on the record of `row` and appends its report to `ret`. Root's broker works
 * with root's rights, so a store that was entered (store.h) is left meanwhile. `store_fd` and
 * `kept` of the options are set here; files are left out for an account one of whose crashes has
 * led this process to a file server that does not answer. Errors as of store_open_record() and
 * analysis_run().
 */
int explain_run(struct store *store, const struct crash_row *row,
                const struct analysis_options *options, struct bytes *ret, struct error *error);

/*
 * Parses a report, writes it to the store and tells the index what it says. `config` says how many
 * cores of its signature are firsts. `ret_report` may be NULL; the report is the caller's then.
 * -ESTALE where the crash was removed meanwhile: nothing is written.
 */
int explain_keep(struct store *store, const struct crash_row *row, const struct bytes *json,
                 const struct config *config, struct report **ret_report, struct error *error);

/* Notes that the analysis was tried in vain, so that the keeper does not try for ever; nothing of a
 * crash that was removed or pruned meanwhile. */
int explain_keep_failure(struct store *store, const struct crash_row *row, bool hopeless,
                         struct error *error);
